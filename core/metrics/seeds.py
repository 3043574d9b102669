"""The quality of a model that was trained several times, once for each seed.

The figure is the mean over the seeds: what a training of this kind is expected to give. Its draws hold the spread
between rows and the spread between seeds; with one seed they are the rows' alone, to the bit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.domain import BoolArray, FloatArray
from core.metrics.bootstrap import percentile_interval
from core.metrics.effective import effective_rows
from core.metrics.proportions import wilson_interval
from core.metrics.quality import MetricRows, QualityEstimate, at_least, estimate_quality, mean_of_sums

_NOTHING = 1e-9


@dataclass(frozen=True, eq=False)
class SeededRows:
    """The metric rows of each seed's model, on the same rows, and how much each seed counts in each draw.

    `mixing` has the shape (1 + draws, seeds) and belongs to row weights of the shape (1 + draws, rows), whose first row
    is the plain sample; there every seed counts alike. With one seed a single row of it may stand for all.
    """

    runs: tuple[MetricRows, ...]
    mixing: FloatArray

    def by_seed(self) -> FloatArray:
        """The metric of each seed's model on the plain sample, shape (seeds,)."""
        return np.array([float(run.value()) for run in self.runs])

    def values(self, weights: FloatArray) -> FloatArray:
        """The mean over the seeds on the sample and in each draw, shape (1 + draws,), within 0 and 1."""
        if len(self.runs) == 1:
            return self.runs[0].value(weights)
        return np.asarray(np.clip((self._values(weights) * self.mixing).sum(axis=1), 0.0, 1.0))

    def alone(self, weights: FloatArray) -> FloatArray | None:
        """The same where every seed counts alike in each draw: the spread between rows alone. Null with one seed."""
        return None if len(self.runs) == 1 else np.asarray(self._values(weights).mean(axis=1))

    def one_training(self, weights: FloatArray) -> FloatArray:
        """How far one further training lies from the mean of all, in each draw, shape (1 + draws,): s instead of
        s ÷ √n. Zero on the plain sample and with one seed, whose spread nobody knows."""
        values = self._values(weights)
        off = (values * self.mixing).sum(axis=1) - values.mean(axis=1)
        return np.asarray(math.sqrt(len(self.runs)) * off)

    def within(self, mask: BoolArray, weights: FloatArray) -> FloatArray:
        """`values` on the rows of a mask, shape (rows,), in the draws that have some of them."""
        members = np.flatnonzero(mask)
        inside = weights[:, members]
        some = inside.sum(axis=1) > 0
        runs = tuple(run.subset(members) for run in self.runs)
        return SeededRows(runs, self.mixing_in(some)).values(inside[some])

    def mixing_in(self, draws: BoolArray) -> FloatArray:
        """The mixing of some draws, a mask of shape (1 + draws,); a single row of it serves all."""
        return self.mixing if len(self.mixing) == 1 else self.mixing[draws]

    def _values(self, weights: FloatArray) -> FloatArray:
        return np.stack([run.value(weights) for run in self.runs], axis=1)


def estimate_seeded(rows: SeededRows, groups: Sequence[str], weights: FloatArray) -> QualityEstimate:
    """The mean over the seeds with its interval: with one seed as `estimate_quality` gives it, else the percentiles of
    the draws; `weights` has the shape (1 + draws, rows), its first row the plain sample.

    Where all rows of all seeds are right, or all wrong, no draw varies, and Wilson's interval stands in; rows of
    unequal weight never have a narrower one than their effective number supports.
    """
    if len(rows.runs) == 1:
        return estimate_quality(rows.runs[0], groups, weights[1:])
    draws = rows.values(weights)[1:]
    value, n = float(rows.by_seed().mean()), len(groups)
    low, high = percentile_interval(draws)
    is_mean = all(run.of_sums is mean_of_sums for run in rows.runs)
    if is_mean and high - low < _NOTHING and min(value, 1.0 - value) < _NOTHING:
        weighted = not bool((rows.runs[0].counts[:, 1] == 1.0).all())
        worth = effective_rows(groups, rows.runs[0].counts[:, 1]) if weighted else n
        low, high = wilson_interval(round(value) * worth, worth)
    for run in rows.runs:
        low, high = at_least(run, value, low, high)
    return QualityEstimate(value, min(low, value), max(high, value), n, seeds=len(rows.runs))


def estimate_within(rows: SeededRows, mask: BoolArray, groups: Sequence[str], weights: FloatArray) -> QualityEstimate:
    """The mean over the seeds on the rows of a mask, shape (rows,), with its interval; draws without any of them do not
    count. `weights` is as for `estimate_seeded`. Raises ValueError where the mask is empty."""
    members = np.flatnonzero(mask)
    inside = weights[:, members]
    some = inside.sum(axis=1) > 0
    runs = tuple(run.subset(members) for run in rows.runs)
    own = [groups[member] for member in members.tolist()]
    return estimate_seeded(SeededRows(runs, rows.mixing_in(some)), own, inside[some])
