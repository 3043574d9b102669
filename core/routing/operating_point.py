"""Where to cut a policy's priorities: tuned on rows on which the cut is not judged.

With a value of one right answer: the cut with the highest value · quality - money. Without: the smallest strong share
that is still non-inferior to the teacher. The cheaper one wins ties.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from core.domain import BoolArray, FloatArray, IntArray
from core.metrics.bootstrap import lower_bound
from core.routing.curve import RoutedRows, curve_of, ranking_of, resampled_curves

MoneyOfShare = Callable[[FloatArray], FloatArray]
_ROUNDING = 1e-12


@dataclass(frozen=True, eq=False)
class Aim:
    """What the cut is to reach. `money_of_share` gives money per request at strong shares; `value_per_success` null
    means non-inferiority to the teacher within `quality_margin`, by a one-sided 95 % bound."""

    money_of_share: MoneyOfShare
    value_per_success: float | None
    quality_margin: float


@dataclass(frozen=True, eq=False)
class Cuts:
    """Where some tuning rows may be cut, shape (cuts,): the `thresholds` (a row whose priority is at least that goes to
    the teacher; infinite at both ends), the strong `shares` and the `qualities` that they give."""

    thresholds: FloatArray
    shares: FloatArray
    qualities: FloatArray
    resampled_qualities: FloatArray

    @cached_property
    def shortfall_bounds(self) -> FloatArray:
        """How far each cut may lie below the teacher: one-sided 95 % bounds of the difference, shape (cuts,)."""
        return lower_bound(self.resampled_qualities - self.resampled_qualities[:, -1:])

    def best(self, aim: Aim) -> float:
        """The threshold that reaches the aim."""
        if aim.value_per_success is not None:
            money = aim.money_of_share(self.shares)
            benefit = aim.value_per_success * self.qualities - money
            best = np.flatnonzero(benefit >= benefit.max() - _ROUNDING * max(1.0, float(np.abs(benefit).max())))
            return float(self.thresholds[best[np.argmin(money[best])]])
        # From "all to the teacher" down to the first failure: a fixed sequence of tests keeps the error of the whole
        # search at that of one test (Wiens, "A fixed sequence Bonferroni procedure", 2003, section 2), where taking
        # the smallest share that passes anywhere would not.
        failing = np.flatnonzero(self.shortfall_bounds < -aim.quality_margin - _ROUNDING)
        return float(self.thresholds[failing[-1] + 1 if len(failing) else 0])


@dataclass(frozen=True, eq=False)
class FoldCuts:
    """The rows of one fold, as a mask of shape (rows,), and where the rows of the other folds may be cut."""

    own: BoolArray
    cuts: Cuts


def cuts_of(rows: RoutedRows, priority: FloatArray, weights: FloatArray) -> Cuts:
    """The cuts of tuning rows; `priority` has the shape (rows,) and `weights` (resamples, rows)."""
    ranking = ranking_of(priority).thinned()
    curve = curve_of(rows, ranking)
    resampled = resampled_curves(rows, ranking, weights[weights.sum(axis=1) > 0])
    return Cuts(ranking.cuts, curve.shares, curve.qualities, resampled.qualities)


def cuts_by_fold(rows: RoutedRows, priority: FloatArray, fold: IntArray, weights: FloatArray) -> tuple[FoldCuts, ...]:
    """For the rows of each fold the cuts of the rows of all others."""
    found = []
    for number in np.unique(fold):
        others = np.flatnonzero(fold != number)
        found.append(FoldCuts(fold == number, cuts_of(rows.subset(others), priority[others], weights[:, others])))
    return tuple(found)


def sent_by_fold(folds: Sequence[FoldCuts], priority: FloatArray, aim: Aim) -> BoolArray:
    """Which rows are sent, shape (rows,), where each fold's threshold was tuned on the rows of the other folds."""
    sent = np.zeros(len(priority), dtype=np.bool_)
    for fold in folds:
        sent[fold.own] = priority[fold.own] >= fold.cuts.best(aim)
    return sent
