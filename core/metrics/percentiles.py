"""Latency percentiles, hidden where the samples cannot carry them.

The largest of n samples lies above the p-th percentile with probability 1 - p^n; 59 and 299 are the first n at which
that exceeds 95 % for p95 and p99. Below, no upper confidence bound exists.

The bootstrap distribution of an order statistic needs no resampling: of n draws with replacement, the k-th smallest
is at most the j-th smallest sample exactly when at least k draws fall among the first j, which is a binomial tail
(Efron, "Bootstrap methods: another look at the jackknife", 1979, section 3).
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

MINIMUM_SAMPLES: dict[float, int] = {0.5: 1, 0.95: 59, 0.99: 299}


@dataclass(frozen=True)
class Percentiles:
    """Percentiles in the samples' unit; null where there are too few samples for one. `n` counts the samples."""

    p50: float | None
    p95: float | None
    p99: float | None
    n: int


def percentiles(samples: Sequence[float]) -> Percentiles:
    """p50, p95 and p99 of the samples, interpolated linearly between neighbours."""
    return Percentiles(_percentile(samples, 0.5), _percentile(samples, 0.95), _percentile(samples, 0.99), len(samples))


def percentile_with_interval(
    samples: Sequence[float], share: float, level: float = 0.95
) -> tuple[float, float, float] | None:
    """The percentile (value, low, high) with its bootstrap interval; null where there are too few samples.

    `share` is one of the keys of `MINIMUM_SAMPLES`.
    """
    value = _percentile(samples, share)
    if value is None:
        return None
    ordered = np.sort(np.asarray(samples, dtype=np.float64))
    at_most = _order_statistic_cdf(len(ordered), share)
    tail = (1 - level) / 2
    low, high = (
        float(ordered[bisect.bisect_left(range(1, len(ordered) + 1), wanted, key=at_most)])
        for wanted in (tail, 1 - tail)
    )
    return value, min(low, value), max(high, value)


def probability_within(samples: Sequence[float], share: float, limit: float) -> float | None:
    """P(percentile <= limit) under the bootstrap; null where there are too few samples for the percentile."""
    if _percentile(samples, share) is None:
        return None
    within = int(np.sum(np.asarray(samples, dtype=np.float64) <= limit))
    return _order_statistic_cdf(len(samples), share)(within)


def _percentile(samples: Sequence[float], share: float) -> float | None:
    if len(samples) < MINIMUM_SAMPLES[share]:
        return None
    return float(np.quantile(np.asarray(samples, dtype=np.float64), share))


def _order_statistic_cdf(n: int, share: float) -> Callable[[int], float]:
    """For j in 0 … n: the probability that the resampled k-th smallest, k = ceil(share n), is at most sample j."""
    k = max(1, math.ceil(share * n - 1e-9))  # 0.95 × 60 must count as 57, not as a hair above
    draws = np.arange(k, n + 1)
    log_choose = np.array([math.lgamma(n + 1) - math.lgamma(d + 1) - math.lgamma(n - d + 1) for d in draws.tolist()])

    def at_most(j: int) -> float:
        if j in (0, n):
            return float(j == n)
        terms = log_choose + draws * math.log(j / n) + (n - draws) * math.log1p(-j / n)
        return min(1.0, float(np.exp(terms).sum()))

    return at_most
