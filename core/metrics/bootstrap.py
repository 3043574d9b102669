"""Paired bootstrap: one matrix of resample weights serves every candidate, so that their differences stay paired."""

from __future__ import annotations

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
