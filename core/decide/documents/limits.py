"""What the data itself allows, as plain JSON values for the results document."""

from __future__ import annotations

from typing import Any

from core.decide.data_limits import accuracy_ceiling
from core.decide.documents.values import interval_values
from core.decide.learning_curve import curve_notes
from core.decide.outcome import (
    ComplexityProfile,
    CurveLaw,
    CurveSize,
    Decision,
    ExpectedStudent,
    Interval,
    StudentCurve,
)
from core.i18n import english
from core.jobs.results import LearningCurve

FAMILY = "tfidf_logistic_regression"


def label_noise_document(decision: Decision) -> dict[str, Any] | None:
    """The estimated share of wrong labels, the ceiling it sets, and the rows that probably carry one; null where nobody
    looked, or too few rows allow it."""
    noise = decision.label_noise
    if noise is None:
        return None
    return {
        "method": english("decide.label_noise.method"),
        "rate": {"value": noise.rate, "low": noise.low, "high": noise.high},
        "accuracy_ceiling": interval_values(accuracy_ceiling(noise)),
        "rows": noise.rows,
        "surest_rows": noise.surest_rows,
        "disagreeing_rows": noise.disagreeing_rows,
        "suspected": noise.suspected,
        "suspects": [
            {
                "id": row.example_id,
                "input": row.input,
                "target": row.target,
                "suggested": row.suggested,
                "confidence": row.confidence,
                "answered_so_by": list(row.answered_so_by),
                "models_asked": row.asked,
            }
            for row in decision.suspected
        ],
    }


def learning_document(profile: ComplexityProfile) -> dict[str, Any]:
    """The keys `usable_information`, `learning_curve` and `student_curve` of the measured complexity."""
    known, curve = profile.usable_information, profile.learning_curve
    return {
        "usable_information": None
        if known is None
        else {
            "family": FAMILY,
            "bits": known.bits,
            "low": known.low,
            "high": known.high,
            "label_bits": known.label_bits,
            "rows": known.rows,
        },
        "learning_curve": None if curve is None else _curve(curve, profile),
        "student_curve": None if profile.student_curve is None else _student_curve(profile.student_curve),
    }


def _student_curve(curve: StudentCurve) -> dict[str, Any]:
    """What the student itself was measured at by the number of train rows, and is expected at with more; `held_out`
    and `law` are null and `expected` empty before all sizes are measured."""
    checked, expected = curve.held_out, curve.expected
    return {
        "student": curve.student,
        "metric": curve.metric,
        "teacher": curve.teacher,
        "planned": curve.planned,
        "sizes": [_size(one) for one in curve.sizes],
        "law": None if curve.law is None else _law(curve.law),
        "held_out": None
        if checked is None
        else {
            "rows": checked.rows,
            "predicted": checked.predicted,
            "measured": checked.measured,
            "error": checked.error,
        },
        "expected": [] if expected is None else _points(expected),
        "method": " ".join(one.text for one in curve_notes(curve)),
    }


def _size(one: CurveSize) -> dict[str, Any]:
    by_seed = [{"seed": each.seed, "quality": each.quality} for each in one.by_seed]
    return {"rows": one.rows, "seeds": one.seeds, **_ends(one.quality), "by_seed": by_seed}


def _law(law: CurveLaw) -> dict[str, Any]:
    """quality(rows) = ceiling − factor · rows^(−exponent), through the largest measured size."""
    return {"ceiling": law.ceiling, "factor": law.factor, "exponent": law.exponent}


def _ends(quality: Interval) -> dict[str, Any]:
    return {"quality": quality.value, "low": quality.low, "high": quality.high}


def _points(expected: ExpectedStudent) -> list[dict[str, Any]]:
    return [{"rows": rows, **_ends(one)} for rows, one in expected.points]


def _curve(curve: LearningCurve, profile: ComplexityProfile) -> dict[str, Any]:
    expected, checked = profile.expected_student, curve.held_out
    return {
        "family": FAMILY,
        "metric": curve.metric,
        "sizes": [one.model_dump() for one in curve.sizes],
        "held_out": {**checked.model_dump(), "error": checked.predicted - checked.measured},
        "expected": [one.model_dump() for one in curve.expected],
        "student": None
        if expected is None
        else {
            "name": expected.student,
            "basis": "own" if expected.own else "family",
            "assumption": english(f"decide.learning_curve.{'own' if expected.own else 'assumption'}"),
            "expected": _points(expected),
        },
    }
