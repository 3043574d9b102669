"""A student's own learning curve, as the decision and the results tell it."""

from __future__ import annotations

from typing import Any

import pytest
from evidence_by_hand import evidence_of, make_study, right_share, scored, single
from student_curve import evidence

from core.decide import decide
from core.decide.documents import results_document
from core.evidence import StudyEvidence


def measured(own: StudyEvidence) -> dict[str, Any]:
    found: dict[str, Any] = results_document(own, decide(own, with_flips=False))["complexity"]["measured"]
    return found


def test_a_student_is_expected_at_what_its_own_curve_tells() -> None:
    curve = measured(evidence())["student_curve"]
    assert [one["rows"] for one in curve["sizes"]] == [100, 200, 400, 800]
    assert curve["sizes"][-1]["quality"] == pytest.approx(0.84)
    assert curve["sizes"][0]["low"] < 0.6 < curve["sizes"][0]["high"]
    assert [one["rows"] for one in curve["expected"]] == [1200, 1600, 3200]
    ahead = [one["quality"] for one in curve["expected"]]
    assert 0.84 < ahead[0] < ahead[1] < ahead[2] <= 1.0
    assert curve["held_out"]["measured"] == pytest.approx(0.84)
    half = (curve["expected"][1]["high"] - curve["expected"][1]["low"]) / 2
    assert half >= abs(curve["held_out"]["error"])


def test_the_law_tells_what_is_expected_and_passes_through_the_largest_size() -> None:
    curve = measured(evidence())["student_curve"]
    law = curve["law"]
    assert law["ceiling"] - law["factor"] * 800 ** -law["exponent"] == pytest.approx(0.84, abs=1e-9)
    for one in curve["expected"]:
        told = law["ceiling"] - law["factor"] * one["rows"] ** -law["exponent"]
        assert one["quality"] == pytest.approx(told, abs=1e-9)


def test_each_training_of_a_size_is_told_and_the_size_is_their_mean() -> None:
    for size in measured(evidence(seeds=3))["student_curve"]["sizes"]:
        alone = [one["quality"] for one in size["by_seed"]]
        assert [one["seed"] for one in size["by_seed"]] == [1, 2, 3]
        assert size["quality"] == pytest.approx(sum(alone) / 3)


def test_what_the_curve_does_not_tell_is_said() -> None:
    told = measured(evidence())["student_curve"]["method"]
    assert "learnt from all train rows" in told
    assert "trained once" in told
    assert "trained once" not in measured(evidence(seeds=3))["student_curve"]["method"]


LINEAR, FINE_TUNE, DISTILL = "linear model", {"method": "fine_tune"}, {"method": "distill"}


@pytest.mark.parametrize(
    ("kind", "train", "told"),
    [
        (None, DISTILL, {"as many epochs", "Teacher big"}),
        (None, FINE_TUNE, {"as many epochs"}),
        ("tfidf_linear", FINE_TUNE, {LINEAR}),
        ("tfidf_linear", DISTILL, {LINEAR, "Teacher big"}),
        ("embedding_linear", FINE_TUNE, {LINEAR, "Teacher big"}),
        ("best", FINE_TUNE, {LINEAR, "Teacher big"}),
    ],
)
def test_only_what_holds_for_the_kind_of_student_is_said(
    kind: str | None, train: dict[str, str], told: set[str]
) -> None:
    model = {"source": "hub", "id": "org/small"} if kind is None else {"source": "baseline", "kind": kind}
    method = measured(evidence(model=model, train=train))["student_curve"]["method"]
    assert {words for words in ("as many epochs", LINEAR, "Teacher big") if words in method} == told


def test_nothing_is_expected_before_all_sizes_are_measured() -> None:
    curve = measured(evidence(sizes=3))["student_curve"]
    assert len(curve["sizes"]) == 3
    assert curve["held_out"] is None
    assert curve["law"] is None
    assert curve["expected"] == []
    assert "3 of 4 sizes" in curve["method"]


def test_a_study_without_a_curve_has_none() -> None:
    study = make_study([single("big", "teacher"), single("small")], criteria={"cost": {"monthly_requests": 1.0}})
    own = evidence_of(study, {"big": scored(right_share(0.9, 40)), "small": scored(right_share(0.8, 40))})
    assert measured(own)["student_curve"] is None
