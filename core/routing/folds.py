"""Grouped folds: all rows of a group share a fold."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence

import numpy as np

from core.domain import IntArray


def grouped_folds(groups: Sequence[str], folds: int) -> IntArray:
    """The fold of each row, 0 … folds - 1, shape (rows,): groups stay whole, folds are about equally large.

    Depends on the groups' names and sizes only, not on the order of the rows. With fewer groups than folds there are
    as many folds as groups.
    """
    sizes = Counter(groups)
    # A hash of the name shuffles the groups: neighbours in a file tend to be alike.
    in_turn = sorted(sizes, key=lambda group: (-sizes[group], hashlib.sha256(group.encode("utf-8")).digest()))
    filled = [0] * folds
    fold_of_group: dict[str, int] = {}
    for group in in_turn:
        fold = filled.index(min(filled))
        fold_of_group[group] = fold
        filled[fold] += sizes[group]
    return np.array([fold_of_group[group] for group in groups], dtype=np.int64)
