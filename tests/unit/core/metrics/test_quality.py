import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from core.errors import UserError
from core.metrics.bootstrap import resample_weights
from core.metrics.proportions import wilson_interval
from core.metrics.quality import (
    estimate_quality,
    label_set_rows,
    macro_f1_rows,
    mean_rows,
    metric_rows,
    quality_by_slice,
    quality_of,
    slice_masks,
)

LABELS = st.sampled_from(["card", "loan", "fee", "app"])


@settings(deadline=None)
@given(pairs=st.lists(st.tuples(LABELS, LABELS), min_size=1, max_size=40))
def test_macro_f1_equals_scikit_learns_on_every_resample(pairs: list[tuple[str, str]]) -> None:
    targets, outputs = [target for target, _ in pairs], [output for _, output in pairs]
    weights = resample_weights([str(row) for row in range(len(pairs))], 3)
    values = quality_of("macro_f1", np.zeros(len(pairs)), outputs, targets, weights)
    for value, drawn in zip(values, weights.astype(int), strict=True):
        rows = np.repeat(np.arange(len(pairs)), drawn)
        wanted = f1_score([targets[row] for row in rows], [outputs[row] for row in rows], average="macro")
        assert value == pytest.approx(wanted)


def test_unanswered_row_is_a_miss_and_no_class_of_its_own() -> None:
    assert float(macro_f1_rows(["a", None, "b"], ["a", "a", "b"]).value()) == pytest.approx((2 / 3 + 1) / 2)


def test_classes_that_no_row_has_do_not_lower_macro_f1() -> None:
    rows = macro_f1_rows(["a", "b"], ["a", "b"], ["a", "b", "never"])
    assert float(rows.value()) == 1.0


def test_macro_f1_of_rows_without_outputs_is_refused_with_the_remedy() -> None:
    with pytest.raises(UserError, match="add the output column"):
        metric_rows("macro_f1", np.ones(2), [None, None], ["a", "b"])


@pytest.mark.parametrize("metric", ["accuracy", "exact_match", "bleu", "judge"])
def test_every_other_metric_is_the_weighted_mean_of_scores(metric: str) -> None:
    scores = np.array([0.0, 0.25, 1.0])
    assert float(quality_of(metric, scores, [None] * 3, ["x"] * 3)) == pytest.approx(1.25 / 3)
    assert quality_of(metric, scores, [None] * 3, ["x"] * 3, np.array([[0.0, 1.0, 3.0]])) == pytest.approx(3.25 / 4)


def test_share_of_independent_right_answers_has_wilsons_interval() -> None:
    groups = [str(row) for row in range(40)]
    estimate = estimate_quality(mean_rows(np.ones(40)), groups, resample_weights(groups, 50))
    assert (estimate.value, estimate.low, estimate.high, estimate.n) == (1.0, *wilson_interval(40, 40), 40)


def test_grouped_rows_that_are_all_right_keep_the_interval_of_as_many_groups() -> None:
    groups = [str(row // 5) for row in range(40)]
    for score in (0.0, 1.0):
        found = estimate_quality(mean_rows(np.full(40, score)), groups, resample_weights(groups, 50))
        assert (found.low, found.high) == pytest.approx(wilson_interval(8 * score, 8))


@pytest.mark.parametrize("weight", [1.0, 3.0])
@pytest.mark.parametrize("metric", ["labels_micro_f1", "labels_macro_f1"])
def test_sets_of_labels_that_are_all_right_keep_an_interval(metric: str, weight: float) -> None:
    kept = ['["card"]', '["card", "fee"]', "[]", '["fee"]'] * 5
    groups = [str(row) for row in range(20)]
    rows = label_set_rows(metric, kept, kept).weighted(np.full(20, weight))
    found = estimate_quality(rows, groups, resample_weights(groups, 50))
    # Rows without a label, given or asked for, have no part in the metric.
    assert (found.value, found.low, found.high) == pytest.approx((1.0, wilson_interval(15, 15)[0], 1.0))


def test_one_class_for_all_rows_that_is_never_right_keeps_an_interval() -> None:
    groups = [str(row) for row in range(20)]
    found = estimate_quality(macro_f1_rows(["a"] * 20, ["b"] * 20), groups, resample_weights(groups, 50))
    assert (found.value, found.low, found.high) == pytest.approx((0.0, 0.0, wilson_interval(0, 20)[1]))


def test_grouped_rows_have_a_wider_interval_than_independent_ones() -> None:
    scores = np.repeat(np.random.default_rng(1).integers(0, 2, 40), 5).astype(float)
    singles, pairs = [str(row) for row in range(200)], [str(row // 5) for row in range(200)]
    alone = estimate_quality(mean_rows(scores), singles, resample_weights(singles))
    together = estimate_quality(mean_rows(scores), pairs, resample_weights(pairs))
    assert together.high - together.low > 1.5 * (alone.high - alone.low)


def test_slices_are_measured_on_their_own_rows() -> None:
    slices = [(("lang", "en"),), (("lang", "de"), ("tier", "gold")), (("lang", "en"),)]
    groups = ["a", "b", "c"]
    by_slice = quality_by_slice(mean_rows(np.array([1.0, 0.0, 0.0])), slices, groups, resample_weights(groups))
    assert {part: (figure.value, figure.n) for part, figure in by_slice.items()} == {
        ("lang", "de"): (0.0, 1), ("lang", "en"): (0.5, 2), ("tier", "gold"): (0.0, 1),
    }  # fmt: skip
    assert slice_masks(slices)["lang", "en"].tolist() == [True, False, True]
