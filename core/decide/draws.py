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
    """A figure, and the same figure in each resample of the shared rows, shape (draws,); one draw means: certain."""

    value: float
    draws: FloatArray

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
    def spread(self) -> float:
        """The standard error of the figure."""
        return float(np.std(self.draws))

    def probability_at_least(self, limit: float) -> float:
        """P(figure >= limit)."""
        return float(np.mean(self.draws >= limit - _TINY * max(abs(limit), 1.0)))

    def probability_at_most(self, limit: float) -> float:
        """P(figure <= limit)."""
        return float(np.mean(self.draws <= limit + _TINY * max(abs(limit), 1.0)))

    def minus(self, other: Draws) -> Draws:
        """The paired difference."""
        return Draws(self.value - other.value, self.draws - other.draws)


def certain(value: float, draws: int) -> Draws:
    """A figure that does not vary with the rows."""
    return Draws(value, np.full(draws, value))


def from_array(value: float | FloatArray, draws: float | FloatArray, count: int) -> Draws:
    """A figure from its point value and its draws, where the draws may be one number for all."""
    return Draws(float(value), np.broadcast_to(np.asarray(draws, dtype=np.float64), (count,)))
