"""A load test is a job of its own beside the benchmark, and what cannot be tested is refused at planning."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from planned_study import planned
from sample_studies import NEURAL_STUDY, PREDICTIONS_STUDY, write_predictions

from core.domain import JobKind
from core.errors import UserError
from core.jobs import load_checks
from core.jobs.plan import Plan
from core.jobs.specs import LoadParameters
from core.study_file import parse_study

ENDPOINT = "  - {name: far, role: teacher, model: {source: endpoint, base_url: 'http://127.0.0.1:1/v1', model: m%s}}\n"
BOTH = "  - {name: both"


@pytest.fixture
def base(tmp_path: Path) -> Path:
    (tmp_path / "rows.csv").write_text("text,target\na,x\nb,y\n", encoding="utf-8")
    return tmp_path


def with_load(base: Path, load: str, far: str | None = None) -> Plan:
    taught = ("train: {method: distill,", "train: {method: distill, teacher: big,")
    changes = () if far is None else ((BOTH, ENDPOINT % far + BOTH), taught)
    return planned(NEURAL_STUDY + load, base, *changes)


def of_kind(plan: Plan, kind: JobKind) -> dict[str, Any]:
    return {job.job_id: job for job in plan.jobs if job.kind is kind}


def test_every_candidate_that_runs_here_is_tested_after_its_benchmark(base: Path) -> None:
    plan = with_load(base, "load: {concurrency: [1, 2]}\n")
    tests = of_kind(plan, JobKind.LOAD)
    assert sorted(name for job in tests.values() for name in job.candidates) == ["big", "floor", "small", "small-int8"]
    for job in tests.values():
        assert set(job.spec.inputs) == {"data", "benchmark", "model"}
        parameters = job.spec.parameters
        assert isinstance(parameters, LoadParameters)
        assert parameters.plan.concurrency == [1, 2]


def test_a_changed_load_test_leaves_every_other_job_as_it_is(base: Path) -> None:
    without, some = with_load(base, ""), with_load(base, "load: {}\n")
    more = with_load(base, "load: {requests: 500, candidates: [small, floor]}\n")
    assert {job.job_id for job in without.jobs} == {job.job_id for job in some.jobs} - set(of_kind(some, JobKind.LOAD))
    assert {job.job_id for job in without.jobs} == {job.job_id for job in more.jobs} - set(of_kind(more, JobKind.LOAD))
    assert of_kind(some, JobKind.LOAD).keys().isdisjoint(of_kind(more, JobKind.LOAD))


def test_naming_candidates_leaves_their_tests_as_they_are(base: Path) -> None:
    everyone, one = with_load(base, "load: {}\n"), with_load(base, "load: {candidates: [floor]}\n")
    (test,) = of_kind(one, JobKind.LOAD)
    assert test in of_kind(everyone, JobKind.LOAD)


@pytest.mark.parametrize(
    ("load", "far", "code"),
    [
        ("{candidates: [nobody]}", None, "study.candidate_unknown"),
        ("{candidates: [both]}", None, "load.untestable"),
        ("{}", ", requests_per_minute: 60", "load.paced"),
        ("{}", ", max_requests: 1000", "load.cap"),
    ],
)
def test_a_test_that_cannot_be_is_refused(base: Path, load: str, far: str | None, code: str) -> None:
    with pytest.raises(UserError) as refusal:
        with_load(base, f"load: {load}\n", far)
    assert refusal.value.code == code


def test_of_a_study_of_pictures_only_who_takes_them_is_tested() -> None:
    text = NEURAL_STUDY.replace(BOTH, ENDPOINT % ", images: true" + BOTH)
    text = text.replace("train: {method: distill,", "train: {method: distill, teacher: big,")
    study = parse_study(text + "load: {}\n", "study.yaml")
    columns = study.data.columns.model_copy(update={"image": "picture"})
    pictured = study.model_copy(update={"data": study.data.model_copy(update={"columns": columns})})
    load_checks.check_load(pictured)
    assert [candidate.name for candidate in load_checks.tested_under_load(pictured)] == ["far"]


def test_an_endpoint_that_may_be_asked_so_often_is_tested(base: Path) -> None:
    plan = with_load(
        base, "load: {candidates: [far], requests: 50, concurrency: [1], arrivals: none}\n", ", max_requests: 61"
    )
    (test,) = of_kind(plan, JobKind.LOAD).values()
    assert test.candidates == ("far",)


def test_a_study_of_predictions_has_nobody_to_test(tmp_path: Path) -> None:
    for name, seed in (("big", 1), ("small", 2)):
        write_predictions(tmp_path, name, 0.9, seed, rows=40)
    with pytest.raises(UserError) as refusal:
        planned(PREDICTIONS_STUDY + "load: {}\n", tmp_path)
    assert refusal.value.code == "load.nobody"
