"""Whether two models give the same labels: the gate of every export."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from core.domain import FloatArray, IntArray
from core.engines.models import Classifier
from core.i18n import english

# Exports are rounded differently, never more: below this share of equal labels something else happened.
MINIMUM_AGREEMENT = 0.99
_BATCH_ROWS = 32


def answer_all(
    classifier: Classifier, inputs: Sequence[str], on_rows: Callable[[int], None] = lambda rows: None
) -> FloatArray:
    """Probabilities of all inputs, shape (rows, classes), in batches of 32 rows of like length.

    `on_rows` hears how many rows are done, after each batch.
    """
    order = sorted(range(len(inputs)), key=lambda row: len(inputs[row]))
    probabilities = np.zeros((len(inputs), len(classifier.labels)))
    for begin in range(0, len(order), _BATCH_ROWS):
        rows = order[begin : begin + _BATCH_ROWS]
        probabilities[rows] = classifier.probabilities([inputs[row] for row in rows])
        on_rows(begin + len(rows))
    return probabilities


def label_agreement(first: FloatArray, second: FloatArray) -> float:
    """The share of rows whose most probable class is the same, of two arrays of shape (rows, classes)."""
    return choice_agreement(best_class(first), best_class(second))


def choice_agreement(first: IntArray, second: IntArray) -> float:
    """The share of equal choices, of two arrays of the same shape."""
    return float((first == second).mean())


def best_class(probabilities: FloatArray) -> IntArray:
    """The most probable class of each row, shape (rows,)."""
    return np.asarray(probabilities.argmax(axis=1), dtype=np.int64)


def as_percent(share: float) -> str:
    """A share as text, cut off instead of rounded: 98.99 % must not read as 99.0 %."""
    return english("words.percent", figure=f"{int(share * 1000) / 10:.1f}")
