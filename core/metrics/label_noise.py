"""Rows whose given label is probably wrong, and how many there are, from the probabilities of a cross-fitted model.

Which rows: confident learning (Northcutt, Jiang and Chuang, "Confident learning: estimating uncertainty in dataset
labels", JAIR 70, 2021, arXiv 1911.00068). The threshold of a class is the mean probability that the model gives it on
the rows that carry its label; a row is suspected where another class than its own is the most probable of those that
reach their thresholds. So a class that the model is seldom sure of is not held against its rows.

How many: where the model is surest, it is right almost always, so what disagrees with it there is label noise. The rate
is the share of disagreeing rows among the surest ones, an equal part of every class that the model gives. A model that
is wrong even where it is surest makes the estimate too high; noise that sits in the hard rows alone makes it too low.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.domain import BoolArray, FloatArray, IntArray
from core.metrics.effective import effective_rows
from core.metrics.proportions import wilson_interval

SUREST_SHARE = 0.2


@dataclass(frozen=True, eq=False)
class Suspicion:
    """For each row the class that confident learning would give it, -1 where it leaves the label alone, and how much
    more probable that class is than the given one; shapes (rows,)."""

    suggested: IntArray
    margin: FloatArray

    def most_suspect(self, most: int) -> list[int]:
        """The rows with another class than their own, the surest first, at most so many."""
        found = np.flatnonzero(self.suggested >= 0)
        chosen: list[int] = found[np.argsort(-self.margin[found], kind="stable")][:most].tolist()
        return chosen


@dataclass(frozen=True)
class NoiseRate:
    """The estimated share of wrong labels with its 95 % interval; of `surest` rows `disagreeing` carry another label
    than the model's."""

    value: float
    low: float
    high: float
    surest: int
    disagreeing: int

    def at_most(self, rows: int) -> int:
        """How many of so many rows are wrongly labelled at most, by the upper end of the interval of a rate that counts
        rows."""
        return math.ceil(self.high * rows)


def class_thresholds(probabilities: FloatArray, labels: IntArray) -> FloatArray:
    """The mean probability of each class on the rows that carry it, shape (classes,); infinite for one without rows."""
    classes = probabilities.shape[1]
    own = probabilities[np.arange(len(labels)), labels]
    rows = np.bincount(labels, minlength=classes)
    totals = np.bincount(labels, weights=own, minlength=classes)
    return np.asarray(np.divide(totals, rows, out=np.full(classes, np.inf), where=rows > 0))


def suspicion(probabilities: FloatArray, labels: IntArray, thresholds: FloatArray) -> Suspicion:
    """Confident learning's verdict on each row; `probabilities` has the shape (rows, classes)."""
    reaching = np.where(probabilities >= thresholds, probabilities, -np.inf)
    best = reaching.argmax(axis=1)
    rows = np.arange(len(labels))
    suspected = np.isfinite(reaching[rows, best]) & (best != labels)
    margin = probabilities[rows, best] - probabilities[rows, labels]
    suggested = np.asarray(np.where(suspected, best, -1), dtype=np.int64)
    return Suspicion(suggested, np.asarray(np.where(suspected, margin, 0.0)))


def surest_rows(probabilities: FloatArray, share: float = SUREST_SHARE) -> BoolArray:
    """The rows that the model is surest of, an equal share of each class that it gives, at least one; shape (rows,).

    What label a row carries has no part in this, so that wrong labels are as common among them as they are.
    """
    given, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
    surest = np.zeros(len(given), dtype=np.bool_)
    for place in np.unique(given):
        members = np.flatnonzero(given == place)
        count = max(1, round(share * len(members)))
        surest[members[np.argsort(-confidence[members], kind="stable")[:count]]] = True
    return surest


def noise_rate(
    probabilities: FloatArray, labels: IntArray, groups: Sequence[str], weights: FloatArray | None = None
) -> NoiseRate:
    """The estimated share of wrong labels among rows that the model has not learnt from; `weights`, shape (rows,), is
    how much each row counts, null means all alike.

    Which rows are the surest is a matter of the model alone. Raises ValueError where there are no rows.
    """
    surest = np.flatnonzero(surest_rows(probabilities))
    differs = probabilities[surest].argmax(axis=1) != labels[surest]
    disagreeing = int(differs.sum())
    own = None if weights is None else weights[surest]
    share = disagreeing / max(len(surest), 1) if own is None else float(own[differs].sum() / own.sum())
    worth = effective_rows([groups[row] for row in surest.tolist()], own)
    low, high = wilson_interval(share * worth, worth)
    return NoiseRate(share, low, high, len(surest), disagreeing)
