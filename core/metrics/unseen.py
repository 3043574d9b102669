"""What few rows have not shown: a prior of the weight of one row, which joins every draw.

A resample holds nothing that the rows do not hold. Where all of them are right it is always right, however few they
are, and two models that answer alike on them never differ in it. So each draw has one more, unseen row: its weight is
w ~ Gamma(1), broken into sticks, and on each stick every model is right or wrong by a fair coin of its own. Rows and
sticks together are draws from the posterior of a Dirichlet process whose prior counts as one row (Ferguson, "A Bayesian
Analysis of Some Nonparametric Problems", Annals of Statistics 1, 1973; sticks: Sethuraman, "A Constructive Definition
of Dirichlet Priors", Statistica Sinica 4, 1994; resampling under it: Muliere and Secchi, "Bayesian Nonparametric
Predictive Inference and Bootstrap Techniques", Annals of the Institute of Statistical Mathematics 48, 1996).

Of one model it says what Jeffreys' prior says: with nothing wrong in n rows its errors are about Beta(1/2, n + 1/2). Of
two models it is Perks' prior, a quarter of a row for each of both right, both wrong, and either alone. One row in all,
however many the cells, is what Berger, Bernardo and Sun ("Overall Objective Priors", Bayesian Analysis 10, 2015) advise
where several such shares are asked of one table. It moves a figure by about 1 ÷ n of its distance to a coin's half.

For the mean of rows that are right or wrong this is exact but for the rows' own resampling; for other scores from 0 to
1, and for those that come from counts of classes, it is an approximation: an unseen row counts as the best or the worst
that there is.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from core.domain import BoolArray, FloatArray

STICKS = 8
"""The last stick holds what the others left, on average 1 ÷ 128 of the whole."""
_SEED = 1
_ROUNDING = 1e-12


@dataclass(frozen=True, eq=False)
class UnseenRow:
    """The sticks of each draw, shape (1 + draws, sticks), the same for all models; the first row is the plain sample,
    which has none. `turns`, of the same shape, are at which share of requests to the teacher a hybrid sends a stick
    there too."""

    sticks: FloatArray
    turns: FloatArray

    def joined(
        self, values: FloatArray, outcomes: BoolArray, rows: float, draws: BoolArray | None = None
    ) -> FloatArray:
        """A model's figure with its unseen row, shape (1 + draws,), where `values` are those on `rows` rows (the
        effective number); `draws` is a mask of those that `values` are of."""
        some = slice(None) if draws is None else draws
        sticks, right = self.sticks[some], outcomes[some]
        weight = sticks.sum(axis=1)
        return np.asarray(values + ((sticks * right).sum(axis=1) - weight * values) / (rows + weight))

    def chance_at_least(self, values: FloatArray, rows: float, limit: float) -> float:
        """P(figure >= limit) of one model, whatever falls on its sticks: over all outcomes, each as likely as any
        other, so that models with the same values, shape (1 + draws,), have the same chance."""
        weight = self.sticks.sum(axis=1)
        needed = limit * (rows + weight) - rows * values - _ROUNDING * (rows + weight)
        return float(np.mean(self._right[1:] >= needed[1:, None]))

    @cached_property
    def _right(self) -> FloatArray:
        """The weight of the sticks on which a model is right, for each outcome that there is, shape (1 + draws,
        2 ** sticks)."""
        outcomes = np.arange(2**STICKS)[:, None] >> np.arange(STICKS) & 1
        return np.asarray(self.sticks @ outcomes.T.astype(np.float64))

    def routed(self, teacher: BoolArray, student: BoolArray, share: float) -> BoolArray:
        """The outcomes of a hybrid that sends a share of requests to its teacher: all of them are the teacher's at 1,
        none at 0, and more of them wherever more requests are."""
        return np.where(self.turns < share, teacher, student)


@lru_cache(maxsize=4)
def unseen_row(draws: int) -> UnseenRow:
    """The unseen row of so many draws; the same number always has the same one."""
    generator = np.random.default_rng(_SEED)
    left = np.cumprod(generator.random((draws, STICKS - 1)), axis=1)
    ends = np.hstack([np.ones((draws, 1)), left, np.zeros((draws, 1))])
    sticks = generator.gamma(1.0, size=(draws, 1)) * (ends[:, :-1] - ends[:, 1:])
    return UnseenRow(np.vstack([np.zeros(STICKS), sticks]), generator.random((1 + draws, STICKS)))


def outcomes_of(key: bytes, draws: int) -> BoolArray:
    """Whether a model is right on each stick, shape (1 + draws, sticks). The same key has the same outcomes: it stands
    for the model itself, whatever it is called."""
    digest = hashlib.sha256(key).digest()[:8]
    generator = np.random.default_rng((_SEED, int.from_bytes(digest, "big")))
    return np.asarray(generator.random((1 + draws, STICKS)) < 0.5)
