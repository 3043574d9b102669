"""Quality metrics as sums of per-row counts.

Each row contributes counts, and the metric is a function of their (weighted) sums: [score, 1] for a mean score, true
positives, predicted and actual per class for macro F1. So one formula serves the plain value, a slice, every bootstrap
resample, and each step of a routing curve.

Rows that count more than others have their counts multiplied by their weight, once, where the counts are made: whatever
is summed from them is weighted then, by resamples and routing alike.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from core.domain import BoolArray, FloatArray, IntArray
from core.errors import UserError
from core.metrics import label_sets
from core.metrics.bootstrap import percentile_interval
from core.metrics.effective import effective_rows, effective_weights
from core.metrics.proportions import wilson_interval

MACRO_F1, LABELS_MICRO_F1, LABELS_MACRO_F1 = "macro_f1", "labels_micro_f1", "labels_macro_f1"
COUNTED_METRICS = (MACRO_F1, LABELS_MICRO_F1, LABELS_MACRO_F1)
"""Metrics, by `core.spec.Task.counted_as`, that are no mean over rows but come from counts of classes."""
_NOTHING = 1e-9
# The square of the normal's 97.5 % point: with fewer effective rows wrong, all may as well have been right.
_FEW_WRONG = 3.84
MetricOfSums = Callable[[FloatArray], FloatArray]


@dataclass(frozen=True)
class QualityEstimate:
    """A quality with its two-sided 95 % interval, all 0 to 1; `n` counts the rows, `seeds` the trainings behind it.

    `method` is how the interval was made: `wilson` for a share of independent rows that count alike, else `bootstrap`.
    """

    value: float
    low: float
    high: float
    n: int
    seeds: int = 1
    method: Literal["wilson", "bootstrap"] = "bootstrap"


@dataclass(frozen=True, eq=False)
class MetricRows:
    """One candidate's counts, shape (rows, counts), and the metric as a function of their sums, (…, counts) to (…).

    `row_weights` is how much each row counts, shape (rows,), null where all count alike; the counts are multiplied by
    it already.
    """

    counts: FloatArray
    of_sums: MetricOfSums
    row_weights: FloatArray | None = None

    def value(self, weights: FloatArray | None = None) -> FloatArray:
        """The metric, shape (); (resamples,) where weights have the shape (resamples, rows)."""
        sums = self.counts.sum(axis=0) if weights is None else weights @ self.counts
        return self.of_sums(sums)

    def weighted(self, row_weights: FloatArray | None) -> MetricRows:
        """The same where rows count as `row_weights` says, shape (rows,); null means all alike."""
        if row_weights is None:
            return self
        return MetricRows(self.counts * row_weights[:, None], self.of_sums, row_weights)

    def subset(self, rows: IntArray) -> MetricRows:
        """The same for some of the rows, by their indices."""
        own = None if self.row_weights is None else self.row_weights[rows]
        return MetricRows(self.counts[rows], self.of_sums, own)


def mean_rows(scores: FloatArray) -> MetricRows:
    """The metric rows of a mean score: accuracy, exact match, and any other metric that is a mean over rows."""
    return MetricRows(np.column_stack([scores, np.ones(len(scores))]), mean_of_sums)


def macro_f1_rows(
    outputs: Sequence[str | None], targets: Sequence[str], classes: Sequence[str] | None = None
) -> MetricRows:
    """The metric rows of macro F1; a null output is a miss of its target and no class of its own.

    `classes` null means those that stand among targets or outputs. A class without any row in the sums leaves the mean,
    so that every (re)sample has the value that scikit-learn's `f1_score(average="macro")` gives on it.
    """
    if classes is None:
        classes = sorted({*targets, *(output for output in outputs if output is not None)})
    index = {name: number for number, name in enumerate(classes)}
    target = np.array([index[name] for name in targets], dtype=np.int64)
    output = np.array([-1 if name is None else index[name] for name in outputs], dtype=np.int64)
    numbers = np.arange(len(classes))
    actual = target[:, None] == numbers
    predicted = output[:, None] == numbers
    return MetricRows(np.hstack([actual & predicted, predicted, actual]).astype(np.float64), macro_f1_of_sums)


def label_set_rows(
    metric: str, outputs: Sequence[str | None], targets: Sequence[str], classes: Sequence[str] | None = None
) -> MetricRows:
    """The metric rows of micro or macro F1 over sets of labels; a null output names no label.

    `classes` null means those that stand among targets or outputs. Under macro F1 a class without any row in the sums
    leaves the mean.
    """
    known = label_sets.classes_of(outputs, targets) if classes is None else classes
    of_sums = macro_f1_of_sums if metric == LABELS_MACRO_F1 else label_sets.micro_f1_of_sums
    return MetricRows(label_sets.label_counts(outputs, targets, known), of_sums)


def metric_rows(
    metric: str,
    scores: FloatArray,
    outputs: Sequence[str | None],
    targets: Sequence[str],
    classes: Sequence[str] | None = None,
) -> MetricRows:
    """The metric rows of a candidate: `COUNTED_METRICS` from outputs and targets, every other one the mean of scores.

    Raises UserError (metrics.macro_f1_needs_outputs) where such a metric is asked of rows that have scores only.
    """
    if metric not in COUNTED_METRICS:
        return mean_rows(scores)
    if len(outputs) > 0 and all(output is None for output in outputs):
        raise UserError("metrics.macro_f1_needs_outputs" if metric == MACRO_F1 else "metrics.label_sets_need_outputs")
    if metric == MACRO_F1:
        return macro_f1_rows(outputs, targets, classes)
    return label_set_rows(metric, outputs, targets, classes)


def classes_of(metric: str, outputs: Sequence[str | None], targets: Sequence[str]) -> list[str]:
    """The classes that a metric of `COUNTED_METRICS` finds among targets and outputs."""
    if metric == MACRO_F1:
        return sorted({*targets, *(output for output in outputs if output is not None)})
    return label_sets.classes_of(outputs, targets)


def quality_of(
    metric: str,
    scores: FloatArray,
    outputs: Sequence[str | None],
    targets: Sequence[str],
    weights: FloatArray | None = None,
) -> FloatArray:
    """The metric, shape (), or one value for each resample where weights have the shape (resamples, rows)."""
    return metric_rows(metric, scores, outputs, targets).value(weights)


def estimate_quality(rows: MetricRows, groups: Sequence[str], weights: FloatArray) -> QualityEstimate:
    """The metric with its interval: Wilson's for a share of independent right answers that count alike, else the
    percentile bootstrap; Wilson's knows no weights. Where every row is right, or every one wrong, resamples show no
    width, and Wilson's is taken for as many rows of equal weight as they are worth. Rows of unequal weight never have
    a narrower interval than `at_least` allows.

    `weights` are those of `core.metrics.bootstrap.resample_weights` for the same groups, shape (resamples, rows).
    """
    value, n = float(rows.value()), len(rows.counts)
    if len(set(groups)) == n and _is_share(rows):
        low, high = wilson_interval(float(rows.counts[:, 0].sum()), n)
        return QualityEstimate(value, min(low, value), max(high, value), n, method="wilson")
    low, high = percentile_interval(rows.value(weights))
    if nothing_varies(value, high - low):
        worth = _worth(rows, groups)
        low, high = wilson_interval(round(value) * worth, worth)
    low, high = at_least(rows, value, low, high)
    return QualityEstimate(value, min(low, value), max(high, value), n)


def at_least(rows: MetricRows, value: float, low: float, high: float) -> tuple[float, float]:
    """An interval from resampling, where rows count differently widened to what their effective number supports.

    Resamples hold only what the few heavy rows happened to show: where all of those are right and many light ones
    wrong, hardly any resample differs. A share of right answers gets at least Wilson's interval for as many rows as
    they are worth; other metrics, which vary less than a share does, only where fewer rows are wrong, or right, than
    such a number of rows can tell from none.
    """
    weights = rows.row_weights
    if weights is None or float(np.ptp(weights)) == 0.0:
        return low, high
    worth, share = effective_weights(weights), min(max(value, 0.0), 1.0)
    if not _all_right_or_wrong(rows) and min(share, 1.0 - share) * worth >= _FEW_WRONG:
        return low, high
    least, most = wilson_interval(share * worth, worth)
    return min(low, least), max(high, most)


def nothing_varies(value: float, width: float) -> bool:
    """Whether rows are all right or all wrong, so that resampling them shows no width where there is some."""
    return width < _NOTHING and min(value, 1.0 - value) < _NOTHING


def _worth(rows: MetricRows, groups: Sequence[str]) -> float:
    """How many rows of equal weight they are worth. Where all are right or all wrong, the largest of a row's counts of
    classes is its weight; a row without a class says nothing."""
    weights = rows.counts[:, 1] if rows.of_sums is mean_of_sums else rows.counts.max(axis=1)
    told = np.flatnonzero(weights > 0.0).tolist()
    return effective_rows([groups[row] for row in told], weights[told]) if told else effective_rows(groups)


def _is_share(rows: MetricRows) -> bool:
    """Whether the metric is the share of rows that score 1, each of which counts once and the others 0."""
    return _all_right_or_wrong(rows) and bool((rows.counts[:, 1] == 1.0).all())


def _all_right_or_wrong(rows: MetricRows) -> bool:
    """Whether the metric is the mean of scores that are each 0 or 1."""
    scores, weights = rows.counts[:, 0], rows.counts[:, 1]
    return rows.of_sums is mean_of_sums and bool(((scores == 0.0) | (scores == weights)).all())


def slice_masks(slices: Sequence[Sequence[tuple[str, str]]]) -> dict[tuple[str, str], BoolArray]:
    """Which rows belong to each slice (column, value), shape (rows,), in sorted order."""
    masks: dict[tuple[str, str], BoolArray] = {}
    for row, parts in enumerate(slices):
        for part in parts:
            masks.setdefault(part, np.zeros(len(slices), dtype=np.bool_))[row] = True
    return dict(sorted(masks.items()))


def quality_by_slice(
    rows: MetricRows, slices: Sequence[Sequence[tuple[str, str]]], groups: Sequence[str], weights: FloatArray
) -> dict[tuple[str, str], QualityEstimate]:
    """The metric within each slice (column, value). Resamples that miss a slice altogether do not count for it."""
    estimates = {}
    for part, mask in slice_masks(slices).items():
        members = np.flatnonzero(mask)
        within = weights[:, members]
        estimates[part] = estimate_quality(
            rows.subset(members),
            [groups[member] for member in members.tolist()],
            within[within.sum(axis=1) > 0],
        )
    return estimates


def mean_of_sums(sums: FloatArray) -> FloatArray:
    """Score sum ÷ weight sum; NaN where no row has weight."""
    total, weight = sums[..., 0], sums[..., 1]
    return np.asarray(np.divide(total, weight, out=np.full_like(total, np.nan), where=weight > 0))


def macro_f1_of_sums(sums: FloatArray) -> FloatArray:
    """The mean over present classes of 2 TP ÷ (predicted + actual); NaN where no class is present."""
    hits, predicted, actual = np.split(sums, 3, axis=-1)
    size = predicted + actual
    f1 = np.divide(2 * hits, size, out=np.zeros_like(size), where=size > 0)
    present = np.asarray(np.sum(size > 0, axis=-1), dtype=np.float64)
    total = np.asarray(f1.sum(axis=-1))
    return np.asarray(np.divide(total, present, out=np.full_like(total, np.nan), where=present > 0))
