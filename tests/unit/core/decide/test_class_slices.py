"""Each class and each slice of the test rows has its own figure: a mean hides rare classes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from evidence_by_hand import benchmark, evidence_of, make_study, scored, seeded, single

from core.decide import Decision, decide
from core.decide.class_slices import FEWEST_ROWS, side_by_side
from core.decide.documents import results_document
from core.decide.outcome import ClassRecall, SmallSlice
from core.domain import FloatArray
from core.evidence import StudyEvidence
from core.metrics.proportions import wilson_interval

# 60 rows of "card", 30 of "loan", 6 of "fraud", of which 54, 27 and 2 are answered rightly.
TARGETS = ["card"] * 60 + ["loan"] * 30 + ["fraud"] * 6
RIGHT = np.concatenate([np.repeat([1.0, 0.0], [54, 6]), np.repeat([1.0, 0.0], [27, 3]), np.repeat([1.0, 0.0], [2, 4])])


def evidence(scores: FloatArray = RIGHT, groups: list[str] | None = None, **more: object) -> StudyEvidence:
    slices = [(("tier", "gold" if row % 3 else "lead"), ("rare", "yes" if row < 5 else "no")) for row in range(96)]
    return evidence_of(
        make_study([single("small")]), {"small": scored(scores)}, targets=TARGETS, groups=groups, slices=slices,
        more={"small": more} if more else None,
    )  # fmt: skip


def recalls(found: Decision) -> dict[str, ClassRecall]:
    return {one.label: one for one in found.of("small").by_class}


def test_the_rarest_class_comes_first_and_says_that_its_rows_are_few() -> None:
    classes = decide(evidence(), with_flips=False).of("small").by_class
    assert [(one.label, one.rows, one.few) for one in classes] == [
        ("fraud", 6, True), ("loan", 30, False), ("card", 60, False),
    ]  # fmt: skip


def test_recall_is_the_share_of_a_class_answered_rightly_with_wilsons_interval() -> None:
    fraud = recalls(decide(evidence(), with_flips=False))["fraud"].recall
    assert fraud.value == pytest.approx(2 / 6)
    assert (fraud.low, fraud.high) == pytest.approx(wilson_interval(2, 6))


def test_a_class_answered_wholly_rightly_still_has_an_interval() -> None:
    always = recalls(decide(evidence(np.ones(96)), with_flips=False))["fraud"].recall
    assert always.high == 1.0
    assert always.low == pytest.approx(wilson_interval(6, 6)[0])


def test_rows_that_repeat_each_other_count_once_in_the_interval() -> None:
    groups = [f"g{row}" for row in range(90)] + ["same"] * 6
    fraud = recalls(decide(evidence(groups=groups), with_flips=False))["fraud"].recall
    assert fraud.low == pytest.approx(wilson_interval(2 / 6, 1)[0])


def test_several_seeds_are_averaged_and_never_narrow_the_interval() -> None:
    other = RIGHT.copy()
    other[90:] = 1.0
    fraud = recalls(decide(evidence(**seeded(RIGHT, other)), with_flips=False))["fraud"].recall
    low, high = wilson_interval(4, 6)
    assert fraud.value == pytest.approx(4 / 6)
    assert fraud.low is not None
    assert fraud.high is not None
    assert fraud.low <= low
    assert fraud.high >= high


def test_slices_with_enough_rows_have_their_quality_and_small_ones_have_none() -> None:
    slices = decide(evidence(), with_flips=False).of("small").by_slice
    assert {(one.column, one.value) for one in slices} == {("tier", "gold"), ("tier", "lead"), ("rare", "no")}
    gold = next(one for one in slices if one.value == "gold")
    assert gold.rows == 64 >= FEWEST_ROWS
    assert gold.quality.value == pytest.approx(RIGHT[np.arange(96) % 3 > 0].mean())


def test_slices_with_too_few_rows_are_named_with_their_rows() -> None:
    own = evidence()
    found = decide(own, with_flips=False)
    assert found.small_slices == (SmallSlice("rare", "yes", 5),)
    assert results_document(own, found)["data"]["slices_left_out"] == {
        "fewest_rows": FEWEST_ROWS, "slices": [{"column": "rare", "value": "yes", "rows": 5}],
    }  # fmt: skip


@pytest.mark.parametrize("rows", [FEWEST_ROWS - 1, FEWEST_ROWS])
def test_every_slice_has_either_a_figure_or_is_named_as_small(rows: int) -> None:
    slices = [(("part", "a" if row < rows else "b"),) for row in range(96)]
    found = decide(
        evidence_of(make_study([single("small")]), {"small": scored(RIGHT)}, slices=slices), with_flips=False
    )
    figures = {one.value for one in found.of("small").by_slice}
    small = {one.value for one in found.small_slices}
    assert (figures | small, figures & small) == ({"a", "b"}, set())
    assert ("a" in small) == (rows < FEWEST_ROWS)


def test_results_hold_classes_and_slices_of_each_candidate() -> None:
    own = evidence()
    document = results_document(own, decide(own, with_flips=False))["candidates"][0]
    assert document["classes"][0]["label"] == "fraud"
    assert set(document["classes"][0]) == {"label", "rows", "recall", "few_rows"}
    assert set(document["slices"][0]) == {"column", "value", "rows", "quality"}


def test_rows_without_targets_have_no_classes() -> None:
    own = evidence()
    assert own.test is not None
    blank = replace(own, test=replace(own.test, targets=("",) * 96))
    assert decide(blank, with_flips=False).of("small").by_class == ()


def test_the_reference_and_the_choice_come_first_side_by_side() -> None:
    study = make_study([single("a"), single("b"), single("big", "teacher"), single("c")])
    rows = {name: scored(np.ones(40)) for name in ("a", "b", "big")}
    found = decide(evidence_of(study, rows), with_flips=False)
    assert side_by_side(found, 2)[0] == found.reference == "big"
    assert "c" not in side_by_side(found, 9)


@pytest.mark.parametrize(("cut", "unfit", "told"), [(2, 0, []), (12, 0, ["cut"]), (0, 12, ["unfit"])])
def test_inputs_that_the_model_did_not_see_whole_are_told_where_they_are_many(
    cut: int, unfit: int, told: list[str]
) -> None:
    measured = benchmark(rows_test=96, cut_rows=cut, unfit_rows=unfit, max_length=64)
    own = evidence_of(make_study([single("small")]), {"small": scored(RIGHT)}, {"small": measured})
    found = decide(own, with_flips=False)
    document = results_document(own, found)["candidates"][0]["cut_inputs"]
    assert document == {
        "share": pytest.approx((cut + unfit) / 96), "cut_rows": cut, "unfit_rows": unfit, "max_length": 64,
    }  # fmt: skip
    codes = [note.code for note in found.notes if note.code.startswith("decide.note.inputs_")]
    assert codes == [f"decide.note.inputs_{kind}" for kind in told]


def test_what_nobody_counted_is_null() -> None:
    own = evidence()
    assert results_document(own, decide(own, with_flips=False))["candidates"][0]["cut_inputs"] is None
