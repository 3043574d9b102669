"""How small a difference a number of rows can show, and how many rows a difference needs.

Normal approximation for the mean of paired differences (Card et al., "With little power comes great responsibility",
EMNLP 2020): the difference must be at least (z of the test + z of the power) standard errors.
"""

from __future__ import annotations

import math
from statistics import NormalDist


def minimum_detectable_difference(
    standard_deviation: float, n: int, power: float = 0.8, significance: float = 0.05
) -> float:
    """The smallest true mean difference that n paired rows show with `power` in a two-sided test.

    `standard_deviation` is that of the differences per row. Raises ValueError where n is below 1.
    """
    if n < 1:
        raise ValueError("there must be at least one row")
    return _standard_errors(power, significance) * standard_deviation / math.sqrt(n)


def examples_needed(
    difference: float, standard_deviation: float, power: float = 0.8, significance: float = 0.05
) -> int | None:
    """How many paired rows separate two means `difference` apart, at least 2.

    Null where no number of rows would: the difference is 0, or so small that the number leaves the range of floats.
    """
    if difference == 0:
        return None
    try:
        rows = (_standard_errors(power, significance) * standard_deviation / difference) ** 2
    except OverflowError:
        return None
    return max(2, math.ceil(rows)) if math.isfinite(rows) else None


def _standard_errors(power: float, significance: float) -> float:
    normal = NormalDist()
    return normal.inv_cdf(1 - significance / 2) + normal.inv_cdf(power)
