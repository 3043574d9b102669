"""The learning curve of a student itself: measured on parts of the train rows, and what it lets expect of more."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from core.decide.outcome import (
    CurveLaw,
    CurveSize,
    ExpectedStudent,
    Interval,
    Message,
    SeedQuality,
    StudentCurve,
    message,
)
from core.decide.systems import SharedRows, mixing_of, seeded_rows
from core.evidence import CandidateEvidence, CurvePoint, StudyEvidence
from core.metrics.learning_curve import FEWEST_SIZES, Expected, Extrapolation, HeldOutSize, extrapolate, held_out_size
from core.metrics.seeds import SeededRows, estimate_seeded
from core.spec import BaselineModel, Candidate, EndpointModel, PredictionsModel, Study

DOUBLE = 2.0
AHEAD = (1.5, DOUBLE, 4.0)
"""Times as many train rows as there are now."""
_DRAWN = 40
"""Places at which the law is worked out, so that it can be drawn."""


def student_curve(evidence: StudyEvidence, study: Study, shared: SharedRows) -> StudentCurve | None:
    """The curve of the student that the study names, as far as it is measured; null where it names none."""
    plan = evidence.study.learning_curve
    if plan is None:
        return None
    own = evidence.candidate(plan.student)
    candidate = study.candidate(plan.student)
    taught = study.training_of(candidate).method == "distill" or _reads_embeddings(study, candidate)
    teacher = study.teacher_of(candidate) if taught else None
    learnt = teacher is not None and study.training_of(study.candidate(teacher)).method != "none"
    sizes, law = _measured(shared, own)
    return StudentCurve(
        student=plan.student,
        metric=study.task.metric,
        planned=own.curve_planned,
        sizes=sizes,
        law=None if law is None else law[2],
        held_out=None if law is None else law[0],
        expected=None if law is None else ExpectedStudent(plan.student, sizes[-1].rows, _now(sizes), law[1], own=True),
        teacher=teacher,
        teacher_learnt=learnt,
        linear=isinstance(candidate.model, BaselineModel),
    )


def _reads_embeddings(study: Study, candidate: Candidate) -> bool:
    """Whether it is a floor that may read token embeddings of its teacher, whose weights are here."""
    model, named = candidate.model, study.teacher_of(candidate)
    if not isinstance(model, BaselineModel) or model.kind == "tfidf_linear" or study.task.kind == "multi_label":
        return False
    if named is None or named == candidate.name:
        return False
    return not isinstance(study.candidate(named).model, PredictionsModel | EndpointModel | BaselineModel)


def _now(sizes: tuple[CurveSize, ...]) -> float:
    return sizes[-1].quality.value


def curve_notes(curve: StudentCurve) -> list[Message]:
    """How the curve was measured, and what it does not tell."""
    notes = [message(f"decide.learning_curve.{'own_linear' if curve.linear else 'own'}")]
    if curve.teacher is not None:
        code = "teacher_learnt" if curve.teacher_learnt else "teacher"
        notes.append(message(f"decide.learning_curve.{code}", teacher=curve.teacher))
    if curve.sizes and max(one.seeds for one in curve.sizes) == 1:
        notes.append(message("decide.learning_curve.one_seed"))
    if len(curve.sizes) < curve.planned:
        notes.append(message("decide.learning_curve.unfinished", measured=len(curve.sizes), planned=curve.planned))
    return notes


def expected_of_double(curve: StudentCurve) -> tuple[int, Interval] | None:
    """With how many more train rows there are twice as many, and what is expected then; null where nothing is."""
    if curve.expected is None:
        return None
    rows, quality = curve.expected.points[AHEAD.index(DOUBLE)]
    return rows - curve.expected.rows, quality


Law = tuple[HeldOutSize, tuple[tuple[int, Interval], ...], CurveLaw]


@lru_cache(maxsize=16)
def _measured(shared: SharedRows, own: CandidateEvidence) -> tuple[tuple[CurveSize, ...], Law | None]:
    """The measured sizes, and what the law through them tells; null before all planned sizes are measured, for a law
    without the largest one would be moved to another point."""
    # Where groups are large, two shares may come to the same rows.
    points = list({point.rows: point for point in own.curve}.values())
    seeded = [_seeded(shared, point) for point in points]
    sizes = tuple(_size(shared, point, rows) for point, rows in zip(points, seeded, strict=True))
    if len(own.curve) < own.curve_planned or len(sizes) < FEWEST_SIZES:
        return sizes, None
    rows = np.array([size.rows for size in sizes], dtype=np.float64)
    drawn = np.stack([one.values(shared.weights) for one in seeded], axis=1)
    qualities, resampled = drawn[0], drawn[1:]
    told = extrapolate(rows, qualities, resampled)
    ahead = tuple(_point(told.at(round(times * sizes[-1].rows))) for times in AHEAD)
    return sizes, (held_out_size(rows, qualities), ahead, _law(told, sizes))


def _law(told: Extrapolation, sizes: tuple[CurveSize, ...]) -> CurveLaw:
    """The law as it is drawn, evenly spaced on a logarithmic axis."""
    places = np.geomspace(sizes[0].rows, AHEAD[-1] * sizes[-1].rows, _DRAWN)
    points = tuple(_point(told.at(rows)) for rows in sorted({round(place) for place in places.tolist()}))
    law = told.law
    return CurveLaw(float(law.ceiling[0]) + told.shift, float(law.factor[0]), float(law.exponent[0]), points)


def _point(one: Expected) -> tuple[int, Interval]:
    return one.rows, Interval(one.value, one.low, one.high)


def _seeded(shared: SharedRows, point: CurvePoint) -> SeededRows:
    return seeded_rows(shared, point.runs, mixing_of(point.runs, len(point.runs), len(shared.weights) - 1))


def _size(shared: SharedRows, point: CurvePoint, rows: SeededRows) -> CurveSize:
    estimate = estimate_seeded(rows, shared.test.groups, shared.weights)
    alone = zip(point.seeds, rows.by_seed().tolist(), strict=True)
    by_seed = tuple(SeedQuality(seed, quality) for seed, quality in alone)
    return CurveSize(point.rows, len(point.runs), Interval(estimate.value, estimate.low, estimate.high), by_seed)
