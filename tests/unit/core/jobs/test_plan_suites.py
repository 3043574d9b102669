"""The plan of standard suites: who is asked, what is refused, and that nothing else changes by them."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

import pytest
from planned_study import planned
from tiny_language_models import write_language_model

from core.domain import JobKind
from core.errors import UserError
from core.jobs import suite_jobs
from core.jobs.plan import Plan
from core.jobs.specs import SuiteParameters
from core.lazy import is_installed

STUDY = """
version: 1
name: With suites
task: {kind: generation, metric: exact_match}
data: {files: {test: rows.csv, calibration: rows.csv}}
criteria: {cost: {monthly_requests: 1000}}
profiles: {own: {kind: self_hosted, capex: 6000}}
retrieval: {documents: rows.csv, method: bm25}
suites: [{task: arc_easy, limit: 20}, {task: own, include_path: tasks, candidates: [vendor]}]
candidates:
  - {name: plain, role: student, model: {source: local, path: model}}
  - {name: bits, role: student, model: {source: candidate, name: plain}, compress: [{quantize: int8_dynamic}]}
  - {name: helped, role: student, model: {source: candidate, name: plain}, retrieval: true}
  - {name: vendor, role: teacher, model: {source: endpoint, base_url: 'http://127.0.0.1:1/v1', model: m, key_env: KEY}}
"""
SUITES = STUDY.split("suites: ")[1].split("\n")[0]


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KEY", "secret")
    monkeypatch.setattr(metadata, "version", lambda name: "0.4.13")
    monkeypatch.setattr(suite_jobs, "is_installed", lambda name: name == "lm_eval" or is_installed(name))
    write_language_model(tmp_path / "model")
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks" / "own.yaml").write_text("task: own\n", encoding="utf-8")
    (tmp_path / "rows.csv").write_text("text,target\na,x\nb,y\n", encoding="utf-8")
    return tmp_path


def suite_plan(base: Path, suites: str = SUITES) -> Plan:
    return planned(STUDY, base, (SUITES, suites))


def asked(plan: Plan) -> dict[tuple[str, str], SuiteParameters]:
    found = {}
    for owner, part, job in plan.parts:
        parameters = plan.job(job).spec.parameters
        if isinstance(parameters, SuiteParameters):
            found[owner, part] = parameters
    return found


def test_each_suite_asks_every_model_that_writes_or_those_that_it_names(base: Path) -> None:
    found = asked(suite_plan(base))
    assert set(found) == {("plain", "suite:arc_easy"), ("vendor", "suite:arc_easy"), ("vendor", "suite:own")}
    assert found["plain", "suite:arc_easy"].limit == 20
    assert found["vendor", "suite:own"].include is not None
    assert {parameters.library for parameters in found.values()} == {"lm-eval 0.4.13"}


def test_suites_change_no_other_job_and_come_last(base: Path) -> None:
    with_suites, without = suite_plan(base), suite_plan(base, "[]")
    kinds = [job.kind for job in with_suites.jobs]
    assert kinds[-3:] == [JobKind.SUITE] * 3
    assert [job.job_id for job in with_suites.jobs][:-3] == [job.job_id for job in without.jobs]


def test_a_suite_follows_the_version_of_lm_eval_and_the_tasks_contents(
    base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ids() -> set[str]:
        return {job.job_id for job in suite_plan(base).jobs if job.kind is JobKind.SUITE}

    first = ids()
    (base / "tasks" / "own.yaml").write_text("task: own\nlimit: 1\n", encoding="utf-8")
    assert len(ids() & first) == 2
    monkeypatch.setattr(metadata, "version", lambda name: "0.4.14")
    assert not ids() & first


@pytest.mark.parametrize(
    ("suites", "code"),
    [
        ("[{task: a}, {task: a}]", "study.suite_twice"),
        ("[{task: a, candidates: [nobody]}]", "study.candidate_unknown"),
        ("[{task: a, candidates: [helped]}]", "study.suite_classifier"),
        ("[{task: a, candidates: [bits]}]", "study.suite_quantised"),
        ("[{task: a, include_path: nowhere}]", "suites.folder_missing"),
        ("[{task: 'a,b'}]", "study.value_told"),
    ],
)
def test_suites_that_do_not_fit_are_refused(base: Path, suites: str, code: str) -> None:
    with pytest.raises(UserError) as caught:
        suite_plan(base, suites)
    assert caught.value.code == code


def test_without_lm_eval_the_plan_says_what_to_install(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suite_jobs, "is_installed", lambda name: False)
    with pytest.raises(UserError) as caught:
        suite_plan(base)
    assert 'pip install "tercet[suites]"' in caught.value.text
    assert suite_plan(base, "[]").jobs
