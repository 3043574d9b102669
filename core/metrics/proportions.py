"""Intervals of a proportion."""

from __future__ import annotations

import math
from statistics import NormalDist


def wilson_interval(successes: float, n: float, level: float = 0.95) -> tuple[float, float]:
    """The two-sided score interval (low, high) of a proportion, within 0 and 1; `n` may be an effective number of rows.

    Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).
    Raises ValueError where n is below 1 or successes lie outside 0 … n.
    """
    if n < 1 or not 0 <= successes <= n:
        raise ValueError(f"no proportion: {successes} of {n}")
    z = NormalDist().inv_cdf(0.5 + level / 2)
    share = successes / n
    denominator = 1 + z * z / n
    centre = (share + z * z / (2 * n)) / denominator
    half = z / denominator * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    # At 0 and n the formula's end is exactly 0 or 1; rounding must not move it past the estimate itself.
    return min(max(0.0, centre - half), share), max(min(1.0, centre + half), share)
