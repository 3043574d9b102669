"""What the data itself allows, as the decision, its notes and the results tell it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from evidence_by_hand import evidence_of, make_study, right_share, scored, single, training

from core.decide import Decision, decide
from core.decide.documents import results_document
from core.evidence import StudyEvidence
from core.jobs.results import (
    ExpectedQuality,
    HeldOutQuality,
    LabelNoise,
    LearningCurve,
    PrepareResult,
    ProfileResult,
    SizeQuality,
    SuspectRow,
    UsableInformation,
)

ROWS = 200
DATASET = PrepareResult(
    rows_train=800, rows_calibration=0, rows_test=ROWS, dropped=(), labels=("right", "other"), groups=ROWS,
    duplicate_rows=0, input_length_p50=1, input_length_p95=1, input_length_max=1, label_entropy_bits=1.0, seconds=0.1,
)  # fmt: skip
CURVE = LearningCurve(
    metric="accuracy",
    sizes=(
        SizeQuality(rows=400, quality=0.7, low=0.65, high=0.75), SizeQuality(rows=800, quality=0.8, low=0.75, high=0.85)
    ),
    held_out=HeldOutQuality(rows=800, predicted=0.82, measured=0.8),
    expected=(ExpectedQuality(rows=1600, quality=0.9, low=0.86, high=0.94),),
)  # fmt: skip
NOISE = LabelNoise(
    rate=0.06, low=0.04, high=0.1, rows=ROWS, surest_rows=40, disagreeing_rows=3, suspected=2,
    suspects=(
        SuspectRow(example_id="e7", target="right", suggested="other", confidence=0.97, target_probability=0.01),
        SuspectRow(example_id="e9", target="right", suggested="other", confidence=0.9, target_probability=0.02),
    ),
)  # fmt: skip
PROFILE = ProfileResult(
    family="tfidf_logistic_regression", rows=1000, rows_test=ROWS, label_noise=NOISE,
    usable_information=UsableInformation(bits=0.8, low=0.7, high=0.9, label_bits=1.0, rows=ROWS), learning_curve=CURVE,
    seconds=4.0,
)  # fmt: skip


def evidence(profile: ProfileResult | None = PROFILE, **service: float) -> StudyEvidence:
    study = make_study(
        [single("big", "teacher"), single("small")],
        criteria={"cost": {"monthly_requests": 1000.0}, "service": service},
    )
    outputs = ["other" if row == 7 else "right" for row in range(ROWS)]
    rows = {
        "big": scored(right_share(0.95, ROWS), outputs), "small": scored(right_share(0.9, ROWS, 1), ["right"] * ROWS)
    }  # fmt: skip
    made = evidence_of(study, rows, trainings={"small": training(9.0)}, dataset=DATASET)
    return replace(made, profile=profile)


def decided(**service: float) -> Decision:
    return decide(evidence(PROFILE, **service), with_flips=False)


def test_the_ceiling_is_what_wrong_labels_leave() -> None:
    own = evidence()
    noise = results_document(own, decide(own, with_flips=False))["data"]["label_noise"]
    assert noise["accuracy_ceiling"] == {
        "value": pytest.approx(0.94), "low": pytest.approx(0.9), "high": pytest.approx(0.96),
    }  # fmt: skip
    assert noise["rate"] == {"value": 0.06, "low": 0.04, "high": 0.1}
    assert "estimate" in noise["method"]


def test_a_suspected_row_stands_with_its_text_and_the_models_that_agree() -> None:
    own = evidence()
    suspects = results_document(own, decide(own, with_flips=False))["data"]["label_noise"]["suspects"]
    assert suspects[0] == {
        "id": "e7", "input": "text 7", "target": "right", "suggested": "other", "confidence": 0.97,
        "answered_so_by": ["big"], "models_asked": 2,
    }  # fmt: skip
    assert suspects[1]["answered_so_by"] == []


def test_a_floor_above_the_ceiling_is_told() -> None:
    codes = [note.code for note in decided(min_quality=0.97).notes]
    assert "decide.note.floor_above_ceiling" in codes
    assert "decide.note.label_noise" in codes
    assert "decide.note.floor_above_ceiling" not in [note.code for note in decided(min_quality=0.9).notes]


def test_labels_that_nothing_disagrees_with_are_not_worth_a_note() -> None:
    silent = NOISE.model_copy(update={"disagreeing_rows": 0, "rate": 0.0, "low": 0.0})
    own = evidence(PROFILE.model_copy(update={"label_noise": silent}))
    assert not [note for note in decide(own, with_flips=False).notes if "label_noise" in note.code]


def test_a_student_is_expected_to_lose_its_errors_as_the_cheap_family_does() -> None:
    found = decided().complexity.expected_student
    assert found is not None
    assert (found.student, found.rows) == ("small", 800)
    (rows, expected), own = found.points[0], 0.9
    # The family goes from 20 % to 10 % of errors, so the student from 10 % to 5 %.
    assert rows == 1600
    assert expected.value == pytest.approx(1 - (1 - own) * 0.1 / 0.2)
    assert expected.low is not None
    assert expected.high is not None
    assert expected.low < expected.value < expected.high


def test_results_hold_the_curve_with_its_own_error_and_the_usable_information() -> None:
    own = evidence()
    measured = results_document(own, decide(own, with_flips=False))["complexity"]["measured"]
    assert measured["usable_information"]["family"] == "tfidf_logistic_regression"
    assert measured["usable_information"]["bits"] == 0.8
    curve = measured["learning_curve"]
    assert curve["held_out"] == {"rows": 800, "predicted": 0.82, "measured": 0.8, "error": pytest.approx(0.02)}
    assert curve["expected"] == [{"rows": 1600, "quality": 0.9, "low": 0.86, "high": 0.94}]
    assert curve["student"]["name"] == "small"
    json.dumps(measured, allow_nan=False)


def test_what_nobody_looked_into_is_null() -> None:
    own = evidence(None)
    document = results_document(own, decide(own, with_flips=False))
    assert document["data"]["label_noise"] is None
    assert document["complexity"]["measured"]["learning_curve"] is None
    assert document["complexity"]["measured"]["usable_information"] is None


def test_a_curve_without_errors_lets_nothing_be_scaled() -> None:
    perfect = CURVE.model_copy(
        update={"sizes": (CURVE.sizes[0], CURVE.sizes[1].model_copy(update={"quality": 1.0, "high": 1.0}))}
    )
    own = evidence(PROFILE.model_copy(update={"learning_curve": perfect}))
    assert decide(own, with_flips=False).complexity.expected_student is None
