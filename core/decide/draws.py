"""A figure with its draws, and what can be said from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.decide.outcome import Interval
from core.domain import FloatArray

ONE_SIDED_LEVEL = 0.05
_TINY = 1e-12


@dataclass(frozen=True, eq=False)
class Draws:
    """A figure, and the same figure in each draw, shape (draws,): on resampled shared rows, joined by what they have
    not shown (`core.metrics.unseen`). One draw means: certain.

    Where the draws hold the spread between seeds as well, `of_rows` holds those that every seed counts alike in: the
    spread between rows alone. Else it is null. `unseen` is what the unseen row adds to each draw, of the same shape,
    null where the draws have none.
    """

    value: float
    draws: FloatArray
    of_rows: FloatArray | None = None
    unseen: FloatArray | None = None

    @property
    def interval(self) -> Interval:
        """The two-sided 95 % percentile interval, widened to the figure; without ends where that does not vary."""
        if float(np.ptp(self.draws)) <= _TINY * max(abs(self.value), _TINY):
            return Interval(self.value)
        low, high = np.quantile(self.draws, [0.025, 0.975])
        return Interval(self.value, min(float(low), self.value), max(float(high), self.value))

    @property
    def lower_bound(self) -> float:
        """The one-sided 95 % lower bound."""
        return float(np.quantile(self.draws, ONE_SIDED_LEVEL))

    @property
    def upper_bound(self) -> float:
        """The one-sided 95 % upper bound."""
        return float(np.quantile(self.draws, 1.0 - ONE_SIDED_LEVEL))

    @property
    def rows_alone(self) -> FloatArray:
        """The draws without the spread between seeds, on rows seen and unseen."""
        return self.draws if self.of_rows is None else self.of_rows

    @property
    def spread(self) -> float:
        """The standard error of the figure that is due to the rows seen, and falls with the root of their number."""
        return float(np.std(self.rows_alone if self.unseen is None else self.rows_alone - self.unseen))

    def reach_of_seeds(self, level: float) -> float:
        """How far the seeds alone move the figure, one-sided, at a level above 0.5; 0 without their spread."""
        if self.of_rows is None:
            return 0.0
        return float(np.quantile(np.abs(self.draws - self.of_rows), 2.0 * level - 1.0))

    def reach_of_unseen(self, limit: float, level: float) -> float:
        """How far the unseen row alone moves the figure towards a limit, one-sided, at a level above 0.5; 0 without it.
        It falls with the number of rows itself."""
        if self.unseen is None:
            return 0.0
        towards = -self.unseen if self.value >= limit else self.unseen
        return max(float(np.quantile(towards, level)), 0.0)

    def probability_at_least(self, limit: float) -> float:
        """P(figure >= limit)."""
        return float(np.mean(self.draws >= limit - _TINY * max(abs(limit), 1.0)))

    def probability_at_most(self, limit: float) -> float:
        """P(figure <= limit)."""
        return float(np.mean(self.draws <= limit + _TINY * max(abs(limit), 1.0)))

    def minus(self, other: Draws) -> Draws:
        """The paired difference."""
        alone = None
        if self.of_rows is not None or other.of_rows is not None:
            alone = self.rows_alone - other.rows_alone
        unseen = None
        if self.unseen is not None or other.unseen is not None:
            nothing = np.zeros(())
            own = nothing if self.unseen is None else self.unseen
            unseen = own - (nothing if other.unseen is None else other.unseen)
        return Draws(self.value - other.value, self.draws - other.draws, alone, unseen)

    def share_of(self, whole: Draws) -> Interval | None:
        """The paired ratio with its interval; null where the whole is 0, without ends where a draw of it is."""
        if whole.value <= 0.0:
            return None
        value = self.value / whole.value
        if not (whole.draws > 0.0).all():
            return Interval(value)
        return Draws(value, self.draws / whole.draws).interval


def certain(value: float, draws: int) -> Draws:
    """A figure that does not vary with the rows."""
    return Draws(value, np.full(draws, value))


def from_array(value: float | FloatArray, draws: float | FloatArray, count: int) -> Draws:
    """A figure from its point value and its draws, where the draws may be one number for all."""
    return Draws(float(value), np.broadcast_to(np.asarray(draws, dtype=np.float64), (count,)))
