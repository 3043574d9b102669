"""How many independent rows of equal weight tell as much as some rows do.

Kish, "Survey Sampling", 1965, section 11.2: (Σ w)² ÷ Σ w². Rows of one group are taken to say the same thing, so that a
group counts as one row with the weight of all of its rows.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.domain import FloatArray


def effective_rows(groups: Sequence[str], weights: FloatArray | None = None) -> float:
    """The effective number of rows, from 1 to the number of groups; `weights`, shape (rows,), null means all alike.

    Raises ValueError where there are no rows.
    """
    if not groups:
        raise ValueError("there are no rows")
    own = np.ones(len(groups)) if weights is None else weights
    _, group_of_row = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
    of_group: FloatArray = np.bincount(group_of_row, weights=own).astype(np.float64)
    return effective_weights(of_group)


def effective_weights(weights: FloatArray) -> float:
    """The effective number of independent rows of these weights, shape (rows,): at least 1, also where rounding would
    make it less."""
    return max(1.0, float(weights.sum() ** 2 / np.square(weights).sum()))
