"""Which rows make a batch, and in which order: random, but of like length, and the same for the same seed and epoch."""

from __future__ import annotations

import numpy as np

from core.domain import IntArray

# Rows are shuffled, then sorted by length within pieces of so many batches: long enough that padding nearly vanishes,
# short enough that the batches stay random.
BATCHES_PER_PIECE = 50


def epoch_batches(lengths: IntArray, batch_size: int, seed: int, epoch: int) -> list[IntArray]:
    """Row indices of each batch of one epoch; every row once, only one batch short.

    Depends on its arguments alone, so that a resumed epoch goes on with the batches it would have had.
    """
    generator = np.random.default_rng([seed % 2**32, epoch])
    order = generator.permutation(len(lengths))
    piece = batch_size * BATCHES_PER_PIECE
    batches: list[IntArray] = []
    for begin in range(0, len(order), piece):
        part = order[begin : begin + piece]
        part = part[np.argsort(-lengths[part], kind="stable")]
        batches.extend(part[start : start + batch_size] for start in range(0, len(part), batch_size))
    return [batches[index] for index in generator.permutation(len(batches))]


def batch_count(rows: int, batch_size: int) -> int:
    """How many batches an epoch has."""
    return -(-rows // batch_size)
