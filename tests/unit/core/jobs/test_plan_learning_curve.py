"""A learning curve is trainings of its own beside the student's, which it takes up where it is the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from planned_study import planned
from pydantic import ValidationError
from sample_studies import NEURAL_STUDY

from core.errors import UserError
from core.jobs.learning_curve import check_curve
from core.jobs.plan import Plan
from core.jobs.specs import BenchmarkParameters, DistillParameters, FineTuneParameters
from core.spec import CurvePlan
from core.study_file import parse_study


@pytest.fixture
def base(tmp_path: Path) -> Path:
    (tmp_path / "rows.csv").write_text("text,target\na,x\nb,y\n", encoding="utf-8")
    return tmp_path


def with_curve(base: Path, curve: str, text: str = NEURAL_STUDY) -> Plan:
    return planned(text + (f"learning_curve: {curve}\n" if curve else ""), base)


def parts(plan: Plan, candidate: str) -> dict[str, str]:
    return {part: job for owner, part, job in plan.parts if owner == candidate and part.startswith("curve_")}


def test_each_smaller_size_is_trained_alike_and_measured_without_timing(base: Path) -> None:
    plan = with_curve(base, "{student: small}")
    found = parts(plan, "small")
    assert set(found) == {f"curve_{kind}:{share}@1" for kind in ("train", "benchmark") for share in (0.125, 0.25, 0.5)}
    own = next(job for owner, part, job in plan.parts if (owner, part) == ("small", "train"))
    whole, quarter = (plan.job(job).spec for job in (own, found["curve_train:0.25@1"]))
    assert isinstance(quarter.parameters, DistillParameters)
    assert quarter.parameters.part is not None
    assert (quarter.parameters.part.share, quarter.parameters.part.seed) == (0.25, 1)
    assert quarter.parameters.model_copy(update={"part": None}) == whole.parameters
    assert quarter.inputs == whole.inputs
    measured = plan.job(found["curve_benchmark:0.25@1"]).spec
    assert isinstance(measured.parameters, BenchmarkParameters)
    assert measured.parameters.quality_only
    assert measured.inputs["model"] == quarter.job_id


def test_a_curve_leaves_every_other_job_as_it_is(base: Path) -> None:
    without, some = with_curve(base, ""), with_curve(base, "{student: floor}")
    own = set(parts(some, "floor").values())
    assert {job.job_id for job in without.jobs} == {job.job_id for job in some.jobs} - own
    assert len(own) == 6


def test_seeds_of_the_curve_train_all_rows_too_but_for_the_students_own(base: Path) -> None:
    found = parts(with_curve(base, "{student: floor, seeds: [1, 2]}"), "floor")
    assert "curve_train:1@2" in found
    assert "curve_train:1@1" not in found
    assert len([part for part in found if part.startswith("curve_train")]) == 7


def test_a_floor_learns_from_the_part_as_well(base: Path) -> None:
    plan = with_curve(base, "{student: floor}")
    spec = plan.job(parts(plan, "floor")["curve_train:0.5@1"]).spec
    assert isinstance(spec.parameters, FineTuneParameters)
    assert spec.parameters.part is not None


@pytest.mark.parametrize(
    ("student", "code"),
    [("nobody", "study.candidate_unknown"), ("big", "curve.untrained"), ("small-int8", "curve.untrained")],
)
def test_a_curve_of_what_is_no_trained_student_is_refused(student: str, code: str) -> None:
    with pytest.raises(UserError) as caught:
        check_curve(parse_study(f"{NEURAL_STUDY}learning_curve: {{student: {student}}}\n", "s"))
    assert caught.value.code == code


def test_a_curve_of_a_student_that_goes_on_from_a_trained_one_is_refused() -> None:
    more = "  - {name: further, role: student, model: {source: candidate, name: small}, train: {method: fine_tune}}\n"
    with pytest.raises(UserError, match="source: candidate"):
        check_curve(parse_study(f"{NEURAL_STUDY}{more}learning_curve: {{student: further}}\n", "s"))


def test_too_few_sizes_for_a_checked_law_are_refused() -> None:
    with pytest.raises(ValidationError, match="at least 4"):
        CurvePlan(student="a", sizes=[0.25, 0.5, 1.0])
    assert CurvePlan(student="a", sizes=[0.5, 0.25, 0.1]).shares == [0.1, 0.25, 0.5, 1.0]
