"""Every row answered by a model that has seen neither it nor a row of its group."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import softmax

from core.domain import Example, FloatArray, IntArray, Split
from core.engines.baseline.folds import stratified_folds
from core.engines.profile.linear import LinearModel, vectorizer_of
from core.metrics.calibration import fit_temperature

FOLDS = 5
SEED = 7
_ENOUGH_TO_CALIBRATE = 50


@dataclass(frozen=True, eq=False)
class CrossFitted:
    """The rows that were held out once, with their labels' places and calibrated probabilities, shape (rows, classes).

    `label_shares`, shape (classes,), is how common each label is, what is known without the text.
    """

    rows: list[Example]
    labels: tuple[str, ...]
    targets: IntArray
    probabilities: FloatArray
    label_shares: FloatArray

    @property
    def test(self) -> IntArray:
        """The places of the test rows."""
        return np.array([place for place, row in enumerate(self.rows) if row.split is Split.TEST], dtype=np.int64)


def cross_fit(examples: Sequence[Example], on_fold: Callable[[int], None]) -> CrossFitted | None:
    """The rows with out-of-fold probabilities; null where the texts hold no word, or no row can be held out.

    The vocabulary comes from all texts, which know nothing of the labels. Probabilities are calibrated by a temperature
    fitted on rows outside the test split, where there are enough. A row whose group is the only one of its class is
    always learnt from, and left out.
    """
    labels = tuple(sorted({example.target for example in examples}))
    place_of = {label: place for place, label in enumerate(labels)}
    targets = np.array([place_of[example.target] for example in examples], dtype=np.int64)
    vectorizer = vectorizer_of([example.input for example in examples])
    if vectorizer is None:
        return None
    matrix = vectorizer.transform([example.input for example in examples]).tocsr()
    folds = stratified_folds(targets, [example.group for example in examples], FOLDS, SEED)
    logits = np.zeros((len(examples), len(labels)))
    for fold in range(FOLDS):
        on_fold(fold)
        inside, outside = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        if len(outside) and len(inside):
            logits[outside] = LinearModel(matrix[inside], targets[inside], len(labels)).logits(matrix[outside])
    kept = np.flatnonzero(folds >= 0)
    if len(kept) == 0:
        return None
    rows = [examples[place] for place in kept.tolist()]
    known = _calibrating(rows, logits[kept], targets[kept])
    shares = smoothed_shares(targets, len(labels))
    probabilities = np.asarray(softmax(logits[kept] / fit_temperature(*known), axis=1))
    # What was never wrong in so many rows is not certain yet: the rule of succession.
    doubt = 1.0 / (len(known[1]) + 2.0)
    return CrossFitted(rows, labels, targets[kept], (1.0 - doubt) * probabilities + doubt * shares, shares)


def smoothed_shares(targets: IntArray, classes: int, weights: FloatArray | None = None) -> FloatArray:
    """How common each class is, shape (classes,), by the rule of succession; `weights`, shape (rows,) with mean 1, is
    how much each row counts, null means all alike."""
    return np.asarray((np.bincount(targets, weights, minlength=classes) + 1.0) / (len(targets) + classes))


def _calibrating(rows: Sequence[Example], logits: FloatArray, targets: IntArray) -> tuple[FloatArray, IntArray]:
    others = np.array([row.split is not Split.TEST for row in rows])
    if int(others.sum()) < _ENOUGH_TO_CALIBRATE:
        return logits, targets
    return logits[others], targets[others]
