"""Rows with any number of labels: how they are written, and micro, macro and example F1 and subset accuracy of them.

A set of labels is kept as a JSON list in sorted order, each label once, so that the same sets are the same text.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from core.domain import BoolArray, FloatArray
from core.metrics.json_text import json_of

GIVEN_FROM = 0.5
"""A label is given where its own probability is at least this."""
# How far below the lowest decision a cut stands that gives all labels: of the distance to the highest, and at least.
_BELOW_LOWEST, _LEAST_BELOW = 0.01, 1e-4


def written(labels: Sequence[str]) -> str:
    """A set of labels as it is kept."""
    return json.dumps(sorted(set(labels)), ensure_ascii=False)


def labels_of(kept: str | None) -> frozenset[str]:
    """The labels of a kept text; none of a null, which is an answer that named none."""
    return frozenset() if kept is None else frozenset(json.loads(kept))


def read_labels(text: str, separator: str | None) -> str:
    """The labels of a cell as they are kept: of a JSON list, else of a text that `separator` parts.

    Raises ValueError for a text that is no JSON list where no separator is known.
    """
    try:
        value = json.loads(text)
        if isinstance(value, list):
            return written(_names(value))
    except ValueError:
        if separator is None:
            raise
    if separator is None:
        raise ValueError("no JSON list")
    return written([name for part in text.split(separator) if (name := part.strip())])


def names_in(text: str) -> list[str]:
    """The names in the JSON list of an answer, whatever stands around it. Raises ValueError where there is none."""
    return _names(json_of(text, (list,)))


def example_f1(output: str, target: str) -> float:
    """2 · shared ÷ (given + asked for) of one row; 1 where there are none of either (Godbole & Sarawagi 2004)."""
    given, wanted = labels_of(output), labels_of(target)
    both = len(given) + len(wanted)
    return 2 * len(given & wanted) / both if both else 1.0


def subset_accuracy(output: str, target: str) -> float:
    """1 where the labels are exactly the right ones."""
    return float(labels_of(output) == labels_of(target))


def classes_of(*kept: Sequence[str | None]) -> list[str]:
    """Every label among some kept texts, sorted."""
    return sorted({label for texts in kept for text in texts for label in labels_of(text)})


def label_counts(outputs: Sequence[str | None], targets: Sequence[str], classes: Sequence[str]) -> FloatArray:
    """Per row and class the true positives, then the given, then the wanted labels, shape (rows, 3 · classes)."""
    given, wanted = _matrix(outputs, classes), _matrix(targets, classes)
    return np.hstack([given * wanted, given, wanted])


def micro_f1_of_sums(sums: FloatArray) -> FloatArray:
    """2 TP ÷ (given + wanted) over all labels, from the sums of `label_counts`; 1 where there are none of either."""
    hits, given, wanted = (part.sum(axis=-1) for part in np.split(sums, 3, axis=-1))
    both = given + wanted
    return np.asarray(np.divide(2 * hits, both, out=np.ones_like(both), where=both > 0))


def micro_f1(given: BoolArray, wanted: BoolArray) -> float:
    """As `micro_f1_of_sums`, of arrays of the shape (rows, labels)."""
    hits = given & wanted
    return float(micro_f1_of_sums(np.array([hits.sum(), given.sum(), wanted.sum()], dtype=np.float64)))


def best_threshold(decisions: FloatArray, wanted: BoolArray) -> float:
    """The decision from which on labels are given that has the best micro F1, halfway to the next lower one, and a
    little below the lowest: nothing that is given hangs on rounding. 0 where nothing is held out or wanted. Both arrays
    have the shape (rows, labels)."""
    flat, right = decisions.ravel(), wanted.ravel()
    if not right.any():
        return 0.0
    order = np.argsort(-flat, kind="stable")
    flat, hits = flat[order], np.cumsum(right[order])
    f1 = 2 * hits / (np.arange(1, len(flat) + 1) + right.sum())
    # Equal decisions are given together: only the last of them can be a cut.
    f1[:-1][flat[:-1] == flat[1:]] = -1.0
    last = int(f1.argmax())
    if last + 1 == len(flat):
        return float(flat[last] - max(_BELOW_LOWEST * (flat[0] - flat[last]), _LEAST_BELOW))
    return float((flat[last] + flat[last + 1]) / 2)


def _matrix(kept: Sequence[str | None], classes: Sequence[str]) -> FloatArray:
    place = {label: number for number, label in enumerate(classes)}
    matrix = np.zeros((len(kept), len(classes)))
    for row, text in enumerate(kept):
        for label in labels_of(text):
            matrix[row, place[label]] = 1.0
    return matrix


def _names(values: list[Any]) -> list[str]:
    """Raises ValueError for what is neither text nor number."""
    if any(isinstance(value, bool) or not isinstance(value, str | int | float) for value in values):
        raise ValueError("labels are texts")
    return [name for value in values if (name := str(value).strip())]
