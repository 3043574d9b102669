"""Paired bootstrap: one matrix of resample weights serves every candidate, so that their differences stay paired.

Rows are one source of chance, the seeds of a training another. The two are crossed: each resample weighs the rows alike
for all candidates, and the seeds of each candidate apart from that (Owen, "The pigeonhole bootstrap", Annals of Applied
Statistics 1, 2007, which shows that this is at worst slightly too wide). Two or three seeds say little of the spread
between them, and the interval says so: where rows vary more than seeds do, two seeds make it about twice as wide as it
need be, three about a quarter wider, five hardly at all.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from core.domain import FloatArray


def resample_weights(groups: Sequence[str], resamples: int = 1000, seed: int = 0) -> FloatArray:
    """How often each row stands in each resample, shape (resamples, rows); whole groups are drawn with replacement.

    The same groups, number and seed give the same matrix. Clustering by group keeps near-duplicate rows from passing
    for independent ones (Davison and Hinkley, "Bootstrap Methods and their Application", 1997, section 3.8).
    Raises ValueError where there are no rows.
    """
    if not groups:
        raise ValueError("nothing to resample: there are no rows")
    names, group_of_row = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
    generator = np.random.default_rng(seed)
    weights = np.empty((resamples, len(groups)), dtype=np.float64)
    for resample in range(resamples):
        drawn = np.bincount(generator.integers(0, len(names), len(names)), minlength=len(names))
        weights[resample] = drawn[group_of_row]
    return weights


def seed_weights(seeds: int, resamples: int, key: Sequence[int]) -> FloatArray:
    """How much each seed counts in each resample, shape (resamples, seeds); each row adds up to 1.

    Drawing a handful of seeds with replacement gives intervals that are too narrow: by sqrt((n − 1) ÷ n), and because
    the normal's tails stand in for Student's (Hesterberg, "What Teachers Should Know About the Bootstrap", American
    Statistician 69, 2015, on narrowness bias); of three seeds there are no more than ten different draws. So the
    weights are drawn smoothly (a multiplier bootstrap) and studentised: the mean of values q under them is
    q̄ + t · s ÷ √n, with t of Student's distribution with n − 1 degrees of freedom. That is exact where values vary
    normally between seeds.

    The same `key` gives the same weights: candidates whose seeds belong together share it. One seed has the weight 1.
    Raises ValueError where there are no seeds.
    """
    if seeds < 1:
        raise ValueError("nothing to weigh: there are no seeds")
    if seeds == 1:
        return np.ones((resamples, 1))
    generator = np.random.default_rng(key)
    noise = generator.standard_normal((resamples, seeds))
    noise -= noise.mean(axis=1, keepdims=True)
    studentised = np.sqrt((seeds - 1) / generator.chisquare(seeds - 1, (resamples, 1)))
    return np.asarray(1 / seeds + studentised * noise / math.sqrt(seeds * (seeds - 1)))


def percentile_interval(values: FloatArray, level: float = 0.95) -> tuple[float, float]:
    """The two-sided percentile interval (low, high) of bootstrap values, shape (resamples,).

    Raises ValueError where a value is not finite: the caller decides what an undefined resample means.
    """
    if not np.isfinite(values).all():
        raise ValueError("an undefined value among the resamples")
    tail = (1 - level) / 2
    low, high = np.quantile(values, [tail, 1 - tail])
    return float(low), float(high)


def lower_bound(values: FloatArray, level: float = 0.95) -> FloatArray:
    """The one-sided lower bound of bootstrap values along the first axis, shape (resamples, …) to (…)."""
    return np.asarray(np.quantile(values, 1 - level, axis=0), dtype=np.float64)
