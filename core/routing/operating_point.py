"""Where to cut a policy's priorities: tuned on rows on which the cut is not judged.

With a value of one right answer: the cut with the highest value · quality - money. Without: the smallest strong share
that is still non-inferior to the teacher. The cheaper one wins ties.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

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


def tuned_cut(rows: RoutedRows, priority: FloatArray, weights: FloatArray, aim: Aim) -> float:
    """The cut: rows whose priority is at least that go to the teacher; infinite where none or all should.

    `priority` has the shape (rows,) and `weights` (resamples, rows), for the tuning rows only.
    """
    ranking = ranking_of(priority).thinned()
    if aim.value_per_success is not None:
        curve = curve_of(rows, ranking)
        money = aim.money_of_share(curve.shares)
        benefit = aim.value_per_success * curve.qualities - money
        best = np.flatnonzero(benefit >= benefit.max() - _ROUNDING * max(1.0, float(np.abs(benefit).max())))
        return float(ranking.cuts[best[np.argmin(money[best])]])
    qualities = resampled_curves(rows, ranking, weights[weights.sum(axis=1) > 0]).qualities
    bounds = lower_bound(qualities - qualities[:, -1:])
    # From "all to the teacher" down to the first failure: a fixed sequence of tests keeps the error of the whole
    # search at that of one test (Wiens, "A fixed sequence Bonferroni procedure", 2003, section 2), where taking the
    # smallest share that passes anywhere would not.
    failing = np.flatnonzero(bounds < -aim.quality_margin - _ROUNDING)
    return float(ranking.cuts[failing[-1] + 1 if len(failing) else 0])


def sent_by_fold(rows: RoutedRows, priority: FloatArray, fold: IntArray, weights: FloatArray, aim: Aim) -> BoolArray:
    """Which rows are sent, shape (rows,), where each fold's cut was tuned on the rows of the other folds."""
    sent = np.zeros(len(priority), dtype=np.bool_)
    for number in np.unique(fold):
        others, own = np.flatnonzero(fold != number), fold == number
        cut = tuned_cut(rows.subset(others), priority[others], weights[:, others], aim)
        sent[own] = priority[own] >= cut
    return sent
