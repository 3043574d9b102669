"""McNemar's exact test: do two candidates err equally often on the same rows?"""

from __future__ import annotations

import math

import numpy as np

from core.domain import FloatArray


def discordant_pairs(first_scores: FloatArray, second_scores: FloatArray) -> tuple[int, int]:
    """On how many rows only the first, and only the second candidate scores higher; both of shape (rows,)."""
    return int(np.sum(first_scores > second_scores)), int(np.sum(second_scores > first_scores))


def mcnemar_exact(only_first: int, only_second: int) -> float:
    """The two-sided p-value of equal error rates: a sign test on the discordant pairs, 1.0 where there are none.

    McNemar, "Note on the sampling error of the difference between correlated proportions", Psychometrika 12 (1947).
    Raises ValueError where a count is negative.
    """
    if only_first < 0 or only_second < 0:
        raise ValueError(f"counts cannot be negative: {only_first}, {only_second}")
    n = only_first + only_second
    if n == 0:
        return 1.0
    # In logarithms, because 2**n leaves the range of floats beyond a thousand discordant pairs.
    terms = [
        math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) - n * math.log(2)
        for k in range(min(only_first, only_second) + 1)
    ]
    return min(1.0, 2 * math.fsum(math.exp(term) for term in terms))
