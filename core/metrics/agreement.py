"""How far two raters agree beyond chance."""

from __future__ import annotations


def cohens_kappa(rows: int, agreements: int, first_yes: int, second_yes: int) -> float | None:
    """Cohen's kappa of two raters who say yes or no of the same rows: (observed - expected) / (1 - expected agreement),
    1 where they always agree, 0 where they agree as chance would have it (Cohen 1960, doi:10.1177/001316446002000104).

    `first_yes` and `second_yes` are how often each says yes. Null without rows, and where both say the same of every
    row, for chance then agrees as well.
    """
    # In whole numbers, so that raters who agree as chance would have it get 0 and no remainder of a rounding.
    expected = first_yes * second_yes + (rows - first_yes) * (rows - second_yes)
    beyond = rows * rows - expected
    return (agreements * rows - expected) / beyond if beyond else None
