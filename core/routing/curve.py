"""Quality and money as more rows go to the teacher.

PGR(c) = (r(c) - r_weak) ÷ (r_strong - r_weak) is the share of the performance gap recovered, APGR its integral over the
strong share from 0 to 1, CPT(x) the smallest strong share at which PGR reaches x (RouteLLM, arXiv 2406.18665, section
3). Rows of equal priority are sent together: the straight line across such a block is the expected value over every
order of its rows, so no curve depends on the order of the data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.domain import BoolArray, FloatArray, IntArray
from core.metrics.quality import MACRO_F1, MetricOfSums, MetricRows, classes_of, mean_rows, metric_rows

CURVE_STEPS = 50
SAME_QUALITY = 1e-12
"""Qualities this close differ by rounding only."""
_FINEST = 100  # steps at which a bootstrapped curve is computed; the plain one uses every step there is


@dataclass(frozen=True, eq=False)
class RoutedRows:
    """Both models' counts on the same rows, shape (rows, counts), and the metric as a function of their sums.

    `row_weights` is how much each row counts, shape (rows,); the counts are multiplied by it already.
    """

    teacher: FloatArray
    student: FloatArray
    of_sums: MetricOfSums
    row_weights: FloatArray

    def share(self, mask: BoolArray) -> float:
        """The share of requests that the rows of `mask`, shape (rows,), stand for."""
        return float(self.row_weights[mask].sum() / self.row_weights.sum())

    def sent(self, mask: BoolArray) -> MetricRows:
        """The metric rows of the mixture that sends the rows of `mask`, shape (rows,), to the teacher."""
        return MetricRows(np.where(mask[:, None], self.teacher, self.student), self.of_sums, self.row_weights)

    def subset(self, rows: IntArray) -> RoutedRows:
        """The same for some of the rows, by their indices."""
        return RoutedRows(self.teacher[rows], self.student[rows], self.of_sums, self.row_weights[rows])


@dataclass(frozen=True, eq=False)
class Ranking:
    """Rows from the highest priority down. `order` holds row indices, shape (rows,). `ends` are the numbers of rows
    after which a block of equal priority ends, from 0 to rows, and `cuts` the thresholds that send exactly so many:
    a row is sent where its priority is at least the cut; infinite at both ends."""

    order: IntArray
    ends: IntArray
    cuts: FloatArray

    def thinned(self) -> Ranking:
        """The same with about a hundred of the ends, nearest to even shares; the first and the last are kept."""
        if len(self.ends) <= _FINEST + 1:
            return self
        wanted = np.linspace(0, len(self.order), _FINEST + 1)
        after = np.clip(np.searchsorted(self.ends, wanted), 1, len(self.ends) - 1)
        before = after - 1
        nearer = np.where(wanted - self.ends[before] <= self.ends[after] - wanted, before, after)
        kept = np.unique(nearer)
        return Ranking(self.order, self.ends[kept], self.cuts[kept])


@dataclass(frozen=True, eq=False)
class Curve:
    """Strong share and quality from "none sent" to "all sent", each of shape (steps,) or (resamples, steps)."""

    shares: FloatArray
    qualities: FloatArray


def routed_means(
    teacher_scores: FloatArray, student_scores: FloatArray, row_weights: FloatArray | None = None
) -> RoutedRows:
    """Both models' rows under a metric that is the mean of scores, each of shape (rows,)."""
    return _routed(mean_rows(teacher_scores), mean_rows(student_scores), row_weights)


def _routed(teacher: MetricRows, student: MetricRows, row_weights: FloatArray | None) -> RoutedRows:
    own = np.ones(len(teacher.counts)) if row_weights is None else row_weights
    return RoutedRows(teacher.weighted(row_weights).counts, student.weighted(row_weights).counts, teacher.of_sums, own)


def routed_macro_f1(
    teacher_outputs: Sequence[str | None],
    student_outputs: Sequence[str | None],
    targets: Sequence[str],
    metric: str = MACRO_F1,
    row_weights: FloatArray | None = None,
) -> RoutedRows:
    """Both models' rows under macro F1, or another of `COUNTED_METRICS`, over the classes of the targets and of both
    models' outputs."""
    classes = classes_of(metric, [*teacher_outputs, *student_outputs], targets)
    no_scores = np.zeros(len(targets))
    teacher, student = (
        metric_rows(metric, no_scores, part, targets, classes) for part in (teacher_outputs, student_outputs)
    )
    return _routed(teacher, student, row_weights)


def ranking_of(priority: FloatArray) -> Ranking:
    """The ranking of rows by priority, shape (rows,), the highest first."""
    order = np.argsort(-priority, kind="stable")
    ordered = priority[order]
    ends = np.concatenate([[0], np.flatnonzero(ordered[1:] != ordered[:-1]) + 1, [len(order)]])
    inner = ends[1:-1]
    # Halfway to the next lower priority: a new request seldom ties with a row that was seen.
    halfway = ordered[inner] + (ordered[inner - 1] - ordered[inner]) / 2
    between = np.where(halfway > ordered[inner], halfway, ordered[inner - 1])
    return Ranking(order, ends, np.concatenate([[np.inf], between, [-np.inf]]))


def curve_of(rows: RoutedRows, ranking: Ranking) -> Curve:
    """The curve on the rows themselves, at every end of the ranking; shape (ends,)."""
    change = np.cumsum((rows.teacher - rows.student)[ranking.order], axis=0)
    sums = rows.student.sum(axis=0) + np.vstack([np.zeros(change.shape[1]), change])[ranking.ends]
    sent = np.concatenate([[0.0], np.cumsum(rows.row_weights[ranking.order])])[ranking.ends]
    return Curve(sent / sent[-1], rows.of_sums(sums))


def resampled_curves(rows: RoutedRows, ranking: Ranking, weights: FloatArray) -> Curve:
    """The curve on every resample, shape (resamples, ends); `weights` has the shape (resamples, rows).

    Strong shares are those within the resample, so that each curve runs from 0 to 1.
    """
    change = (rows.teacher - rows.student)[ranking.order]
    sums = weights @ rows.student
    sent = np.zeros(len(weights))
    shares, qualities = [sent], [rows.of_sums(sums)]
    for start, end in zip(ranking.ends[:-1].tolist(), ranking.ends[1:].tolist(), strict=True):
        members = ranking.order[start:end]
        segment = weights[:, members]
        sums = sums + segment @ change[start:end]
        sent = sent + segment @ rows.row_weights[members]
        shares.append(sent)
        qualities.append(rows.of_sums(sums))
    return Curve(np.stack(shares, axis=1) / sent[:, None], np.stack(qualities, axis=1))


def gap_recovered(curve: Curve) -> FloatArray:
    """PGR at every step; NaN throughout a curve whose two ends have the same quality."""
    weak, strong = curve.qualities[..., :1], curve.qualities[..., -1:]
    gap = np.broadcast_to(strong - weak, curve.qualities.shape)
    return np.divide(
        curve.qualities - weak, gap, out=np.full_like(curve.qualities, np.nan), where=np.abs(gap) > SAME_QUALITY
    )


def average_gap_recovered(curve: Curve) -> FloatArray:
    """APGR by the trapezoidal rule, shape () or (resamples,); NaN where the two ends have the same quality."""
    return np.asarray(np.trapezoid(gap_recovered(curve), curve.shares, axis=-1), dtype=np.float64)


def call_performance_threshold(curve: Curve, recovered: float) -> float | None:
    """CPT: the strong share at which one curve's PGR first reaches `recovered`; null where the two ends are equal."""
    pgr = gap_recovered(curve)
    reached = np.flatnonzero(pgr >= recovered)
    if len(reached) == 0:
        return None
    step = int(reached[0])
    if step == 0:
        return float(curve.shares[0])
    below, above = float(pgr[step - 1]), float(pgr[step])
    part = (recovered - below) / (above - below)
    return float(curve.shares[step - 1] + part * (curve.shares[step] - curve.shares[step - 1]))


def hull_average_gap_recovered(
    shares: FloatArray, money: FloatArray, *, teacher_money: float, student_money: float
) -> float:
    """The APGR of a mixture of the two models that needs no router and spends at every strong share the same money.

    `money` is what the policy spends at `shares`, both of shape (steps,), shares from 0 to 1. The hull lies in
    (money, quality), and unused money is not forbidden: once the teacher is paid for, everything goes to it.
    """
    if teacher_money > student_money:
        recovered = np.clip((money - student_money) / (teacher_money - student_money), 0.0, 1.0)
    else:
        recovered = (money >= teacher_money).astype(np.float64)
    return float(np.trapezoid(recovered, shares))


def masks_of_shares(priority: FloatArray, shares: Sequence[float], seed: int) -> tuple[BoolArray, ...]:
    """The rows sent at each strong share, to the row: the highest priorities, ties in an order drawn with `seed`."""
    order = np.lexsort((np.random.default_rng(seed).permutation(len(priority)), -priority))
    place = np.empty(len(priority), dtype=np.int64)
    place[order] = np.arange(len(priority))
    return tuple(np.asarray(place < round(share * len(priority))) for share in shares)
