"""The measured complexity of the task beside the stated one, and where the two contradict each other.

Measured as low where the student is shown to stay within the quality margin of the teacher (one-sided 95 % bound), as
high where it is shown to fall further behind than the margin, as moderate between. A level that the study states itself
is contradicted by any other; the default level only by what it cannot mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from core.decide.class_slices import FEWEST_ROWS
from core.decide.data_limits import expected_student, trained_students
from core.decide.draws import Draws
from core.decide.learning_curve import student_curve
from core.decide.options import Option
from core.decide.outcome import ComplexityProfile, ExpectedStudent, Message, SliceGap, message
from core.decide.systems import SharedRows, System, counted, draws_within, mixed_rows, shared_rows
from core.domain import Role
from core.evidence import StudyEvidence
from core.metrics.quality import slice_masks
from core.spec import BaselineModel, Study

POINTS = 100.0


def complexity_of(
    evidence: StudyEvidence, study: Study, options: Sequence[Option], reference: str | None
) -> ComplexityProfile:
    """The profile from what is measured so far; null where it is not."""
    profile = _of_the_data(evidence, study)
    if evidence.test is None:
        return profile
    shared = shared_rows(evidence.test, study.task.counted_as)
    measured = {option.name: option.system for option in options if option.system is not None}
    own_curve = student_curve(evidence, study, shared)
    expected = None if own_curve is None else own_curve.expected
    expected = expected or _expected(evidence, study, measured)
    profile = replace(profile, student_curve=own_curve, expected_student=expected)
    floor = _floor(study, measured)
    teacher = measured.get(reference or "")
    if teacher is None:
        return profile
    if floor is not None and floor != reference:
        difference = teacher.quality_draws.minus(measured[floor].quality_draws)
        profile = replace(profile, teacher=reference, floor_gap=difference.interval)
    student = _best_student(study, measured, reference)
    if student is None:
        return replace(profile, teacher=reference)
    return _beside(study, profile, shared, (reference or "", teacher), (student, measured[student]))


def _of_the_data(evidence: StudyEvidence, study: Study) -> ComplexityProfile:
    stated = study.criteria.complexity.stated
    data, found = evidence.dataset, evidence.profile
    if data is None:
        return ComplexityProfile(stated)
    return ComplexityProfile(
        stated,
        usable_information=None if found is None else found.usable_information,
        learning_curve=None if found is None else found.learning_curve,
        label_entropy_bits=_entropy_bits(evidence, data.label_entropy_bits),
        input_length_p50=data.input_length_p50,
        input_length_p95=data.input_length_p95,
        input_length_max=data.input_length_max,
    )


def _entropy_bits(evidence: StudyEvidence, of_all: float | None) -> float | None:
    """How evenly the classes occur, in bits: over all rows, or over the test rows by their weights where they count
    differently, for train rows may have none."""
    test = evidence.test
    if of_all is None or test is None or test.weights is None:
        return of_all
    _, places = np.unique(list(test.targets), return_inverse=True)
    shares = np.bincount(places, weights=test.weights) / test.weights.sum()
    return float(-(shares * np.log2(shares)).sum()) + 0.0


def _expected(evidence: StudyEvidence, study: Study, measured: dict[str, System]) -> ExpectedStudent | None:
    """What the best trained student is expected at with more labels; the floor is of the cheap family itself."""
    curve = None if evidence.profile is None else evidence.profile.learning_curve
    if curve is None:
        return None
    for name in trained_students(evidence, measured):
        candidate = study.candidate(name)
        if candidate.role is Role.STUDENT and not isinstance(candidate.model, BaselineModel):
            return expected_student(curve, name, measured[name])
    return None


def _floor(study: Study, measured: dict[str, System]) -> str | None:
    """The best measured linear model on TF-IDF."""
    names = [name for name in measured if isinstance(study.candidate(name).model, BaselineModel)]
    return max(names, key=lambda name: measured[name].quality.value, default=None)


def _best_student(study: Study, measured: dict[str, System], reference: str | None) -> str | None:
    names = [name for name in measured if study.candidate(name).role is Role.STUDENT and name != reference]
    return max(names, key=lambda name: measured[name].quality.value, default=None)


def _beside(
    study: Study,
    profile: ComplexityProfile,
    shared: SharedRows,
    teacher: tuple[str, System],
    student: tuple[str, System],
) -> ComplexityProfile:
    strong, weak = teacher[1], student[1]
    gap = strong.quality_draws.minus(weak.quality_draws)
    profile = replace(
        profile,
        teacher=teacher[0],
        student=student[0],
        disagreement=_disagreement(shared, strong, weak),
        gap=gap.interval,
        headroom=_headroom(shared, strong, weak),
        slices=_slices(shared, strong, weak),
        measured=_level(gap, study.criteria.service.quality_margin),
    )
    return replace(profile, contradiction=_contradiction(study, profile, gap))


def _level(gap: Draws, margin: float) -> Literal["low", "moderate", "high"]:
    if gap.upper_bound <= margin:
        return "low"
    return "high" if gap.lower_bound > margin else "moderate"


def _contradiction(study: Study, profile: ComplexityProfile, gap: Draws) -> Message | None:
    stated_by_user = "stated" in study.criteria.complexity.model_fields_set
    if profile.measured in (None, profile.stated) or not stated_by_user:
        return None
    values = {
        "student": profile.student,
        "teacher": profile.teacher,
        "margin": study.criteria.service.quality_margin * POINTS,
        "gap": gap.value * POINTS,
    }
    if profile.measured == "low":
        return message(f"decide.complexity.easier.{profile.stated}", **values, bound=gap.upper_bound * POINTS)
    if profile.measured == "high":
        return message(f"decide.complexity.harder.{profile.stated}", **values, bound=gap.lower_bound * POINTS)
    return message(f"decide.complexity.between.{profile.stated}", **values)


def _disagreement(shared: SharedRows, teacher: System, student: System) -> float:
    """The share of rows answered differently: by their outputs where both have them, else by their scores."""
    if None in teacher.rows.outputs or None in student.rows.outputs:
        differ = teacher.rows.scores != student.rows.scores
    else:
        pairs = zip(teacher.rows.outputs, student.rows.outputs, strict=True)
        differ = np.array([strong != weak for strong, weak in pairs])
    return float(np.average(differ, weights=shared.test.weights))


def _headroom(shared: SharedRows, teacher: System, student: System) -> float:
    """What a router that always sends to the model with the better answer adds to the better of the two; of the first
    seed's models, for a router knows no others."""
    best = mixed_rows(teacher.rows, student.rows, teacher.rows.scores > student.rows.scores)
    metric = counted(shared, best)
    alone = max(float(system.seeded.runs[0].value()) for system in (teacher, student))
    return max(float(metric.value()) - alone, 0.0)


def _slices(shared: SharedRows, teacher: System, student: System) -> tuple[SliceGap, ...]:
    """Slices with enough rows for an interval, the widest gap first."""
    found = []
    for (column, value), mask in slice_masks(shared.test.slices).items():
        if int(mask.sum()) < FEWEST_ROWS:
            continue
        strong, weak = (draws_within(shared, system, mask) for system in (teacher, student))
        gap = strong.minus(weak)
        found.append(SliceGap(column, value, int(mask.sum()), strong.value, weak.value, gap.interval))
    return tuple(sorted(found, key=lambda one: (-one.gap.value, one.column, one.value)))
