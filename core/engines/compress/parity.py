"""Whether two models give the same labels: the gate of every export."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from core.domain import FloatArray, IntArray
from core.engines.models import Classifier
from core.i18n import english
from core.metrics.label_sets import GIVEN_FROM

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


def label_agreement(first: FloatArray, second: FloatArray, *, several: bool = False) -> float:
    """The share of rows that are given the same label, of two arrays of shape (rows, classes); with `several` labels a
    row, all of them must be the same."""
    return choice_agreement(chosen_labels(first, several), chosen_labels(second, several))


def choice_agreement(first: IntArray, second: IntArray) -> float:
    """The share of equal choices, of two arrays of the same shape: (rows,), or (rows, labels) where a choice is a set
    of labels."""
    same = first == second
    return float((same.all(axis=1) if same.ndim == 2 else same).mean())


def chosen_labels(probabilities: FloatArray, several: bool) -> IntArray:
    """The most probable class of each row, shape (rows,); with `several` labels a row, 1 for each that is at least as
    likely as not, shape (rows, labels)."""
    if several:
        return np.asarray(probabilities >= GIVEN_FROM, dtype=np.int64)
    return np.asarray(probabilities.argmax(axis=1), dtype=np.int64)


def as_percent(share: float) -> str:
    """A share as text, cut off instead of rounded: 98.99 % must not read as 99.0 %."""
    return english("words.percent", figure=f"{int(share * 1000) / 10:.1f}")
