"""Folds for the floor's out-of-fold decisions: whole groups, every class in each training part."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from core.domain import IntArray


def stratified_folds(targets: IntArray, groups: Sequence[str], folds: int, seed: int) -> IntArray:
    """Each row's fold, or -1 for a row that must always be trained on; shape (rows,).

    A group never spans two folds. Each class's groups are dealt out in turn, so that a class with two groups or more is
    in the training part of every fold; the only group of a class is never held out.
    """
    members: dict[str, list[int]] = defaultdict(list)
    for row, group in enumerate(groups):
        members[group].append(row)
    by_class: dict[int, list[str]] = defaultdict(list)
    for group, rows in members.items():
        by_class[int(targets[rows[0]])].append(group)
    generator = np.random.default_rng(seed)
    assigned = np.full(len(targets), -1, dtype=np.int64)
    offset = 0
    for label in sorted(by_class):
        own = by_class[label]
        if len(own) < 2:
            continue
        for place, index in enumerate(generator.permutation(len(own))):
            assigned[members[own[index]]] = (place + offset) % folds
        # Else the first folds would get the remainder of every class.
        offset += len(own)
    return assigned
