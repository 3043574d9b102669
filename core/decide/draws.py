"""A figure with its bootstrap draws, and what can be said from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.decide.outcome import Interval
from core.domain import FloatArray

ONE_SIDED_LEVEL = 0.05
_TINY = 1e-12


@dataclass(frozen=True, eq=False)
class Draws:
    """A figure, and the same figure in each resample of the shared rows, shape (draws,); one draw means: certain.

    Where the draws hold the spread between seeds as well, `of_rows` holds those that every seed counts alike in: the
    spread between rows alone. Else it is null.
    """

    value: float
    draws: FloatArray
    of_rows: FloatArray | None = None

    @property
    def interval(self) -> Interval:
        """The two-sided 95 % percentile interval; without ends where the figure does not vary."""
        if float(np.ptp(self.draws)) <= _TINY * max(abs(self.value), _TINY):
            return Interval(self.value)
        low, high = np.quantile(self.draws, [0.025, 0.975])
        return Interval(self.value, float(low), float(high))

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
        """The draws without the spread between seeds."""
        return self.draws if self.of_rows is None else self.of_rows

    @property
    def spread(self) -> float:
        """The standard error of the figure that more rows would lower."""
        return float(np.std(self.rows_alone))

    def reach_of_seeds(self, level: float) -> float:
        """How far the seeds alone move the figure, one-sided, at a level above 0.5; 0 without their spread."""
        if self.of_rows is None:
            return 0.0
        return float(np.quantile(np.abs(self.draws - self.of_rows), 2.0 * level - 1.0))

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
        return Draws(self.value - other.value, self.draws - other.draws, alone)

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
