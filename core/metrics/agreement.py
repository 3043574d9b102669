"""How far two raters agree beyond chance."""

from __future__ import annotations


def cohens_kappa(rows: int, agreements: int, first_yes: int, second_yes: int) -> float | None:
    """Cohen's kappa of two raters who say yes or no of the same rows: (observed - expected) / (1 - expected agreement),
    1 where they always agree, 0 where they agree as chance would have it (Cohen 1960, doi:10.1177/001316446002000104).

    `first_yes` and `second_yes` are how often each says yes. Null without rows, and where both say the same of every
    row, for chance then agrees as well.
    """
    if not rows:
        return None
    first, second = first_yes / rows, second_yes / rows
    expected = first * second + (1.0 - first) * (1.0 - second)
    return None if expected >= 1.0 else (agreements / rows - expected) / (1.0 - expected)
