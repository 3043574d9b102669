"""The floor of rows with any number of labels: one linear model on TF-IDF for each label against the rest.

One threshold serves all labels: the one with the best micro F1 of out-of-fold decisions, for the hinge loss leaves rare
labels on the far side of their planes. It is taken off the intercepts, so that a label is given from probability 0.5.
"""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.svm import LinearSVC

from core.domain import BoolArray, FloatArray, IntArray
from core.engines.baseline.features import TextFeatures
from core.engines.baseline.fitting import DEVICE, FOLDS, INVERSE_REGULARISATION, tell
from core.engines.baseline.folds import stratified_folds
from core.engines.baseline.model import BaselineClassifier, Features, LinearWeights
from core.engines.baseline.train import train_rows
from core.engines.train_weights import row_weights
from core.errors import UserError
from core.jobs.results import TrainResult
from core.jobs.specs import FineTuneParameters
from core.metrics.calibration import fit_temperature
from core.metrics.label_sets import best_threshold, classes_of, labels_of, micro_f1
from core.worker.context import JobContext

_MAX_ITERATIONS = 2000
# A label that every row of a fit has, or none, is as far on its side as the hinge loss pushes any other.
_SURE = 1.0


@dataclass(frozen=True, eq=False)
class _Rows:
    """The train rows: features, shape (rows, columns), which labels each has, shape (rows, labels), and its fold."""

    matrix: sparse.csr_matrix
    wanted: BoolArray
    folds: IntArray
    seed: int
    weights: FloatArray | None


@dataclass(frozen=True, eq=False)
class _HeldOut:
    """Out-of-fold decisions and what was right, both of shape (rows, labels)."""

    decisions: FloatArray
    wanted: BoolArray


def run(parameters: FineTuneParameters, context: JobContext) -> TrainResult:
    """Train the floor on the train rows; its files stand in `model/` of the job's folder.

    Raises Stopped between the fits, and UserError where there are no rows, no labels or no text.
    """
    begun = time.monotonic()
    context.started(DEVICE)
    examples = train_rows(context, parameters.part)
    labels = classes_of([example.target for example in examples])
    if not labels:
        raise UserError("train.no_labels")
    tell(context, "phase.vectorise", 0, 1)
    features = TextFeatures.fit([example.input for example in examples])
    if features.columns == 0:
        raise UserError("baseline.no_text")
    sets = [labels_of(example.target) for example in examples]
    groups, seed = [example.group for example in examples], parameters.train.seed
    rows = _Rows(
        features.transform([example.input for example in examples]),
        np.array([[label in one for label in labels] for one in sets], dtype=np.bool_),
        stratified_folds(np.zeros(len(examples), dtype=np.int64), groups, FOLDS, seed),
        seed,
        row_weights(parameters.train, [example.example_id for example in examples], context),
    )
    held_out = _out_of_fold(rows, context)
    threshold = best_threshold(held_out.decisions, held_out.wanted)
    temperature = _temperature(held_out, threshold)
    fit_begun = time.monotonic()
    coefficients, intercepts = _fit(rows, np.arange(len(examples)), context, FOLDS)
    fit_s = time.monotonic() - fit_begun
    weights = LinearWeights(coefficients, intercepts - np.float32(threshold), temperature)
    model = BaselineClassifier(labels, Features(features, None), weights, multi_label=True)
    model.save(context.folder / "model")
    return TrainResult(
        method="fine_tune",
        device=DEVICE,
        steps=len(labels),
        epochs=1,
        final_loss=_log_loss(held_out, threshold, temperature),
        parameters=model.parameters,
        examples=len(examples),
        examples_per_second=len(examples) / fit_s if fit_s > 0 else None,
        seconds=time.monotonic() - begun,
        details={
            "features": "tfidf",
            "terms": features.columns,
            "labels": len(labels),
            "threshold": threshold,
            "temperature": temperature,
            "out_of_fold_micro_f1": _micro_f1(held_out, threshold),
        },
    )


def _fit(
    rows: _Rows, chosen: IntArray, context: JobContext, step: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The planes of all labels on the rows of these indices: (columns, labels) and (labels,). Raises Stopped."""
    labels = rows.wanted.shape[1]
    coefficients = np.zeros((rows.matrix.shape[1], labels), dtype=np.float32)
    intercepts = np.full(labels, -_SURE, dtype=np.float32)
    matrix, total = rows.matrix[chosen], (FOLDS + 1) * labels
    for label in range(labels):
        tell(context, "phase.fit", step * labels + label, total)
        wanted = rows.wanted[chosen, label]
        if wanted.any() and not wanted.all():
            machine = _machine(matrix, wanted, rows.seed, None if rows.weights is None else rows.weights[chosen])
            coefficients[:, label], intercepts[label] = machine.coef_[0], machine.intercept_[0]
        elif wanted.any():
            intercepts[label] = _SURE
    return coefficients, intercepts


def _machine(matrix: sparse.csr_matrix, wanted: BoolArray, seed: int, weights: FloatArray | None) -> Any:
    machine = LinearSVC(C=INVERSE_REGULARISATION, max_iter=_MAX_ITERATIONS, random_state=seed % 2**32)
    with warnings.catch_warnings():
        # A plane that stopped at the limit is still a plane; the out-of-fold figures say how good it is.
        warnings.simplefilter("ignore", ConvergenceWarning)
        machine.fit(matrix, wanted, sample_weight=weights)
    return machine


def _out_of_fold(rows: _Rows, context: JobContext) -> _HeldOut:
    labels = rows.wanted.shape[1]
    decisions: list[FloatArray] = [np.zeros((0, labels))]
    wanted: list[BoolArray] = [np.zeros((0, labels), dtype=np.bool_)]
    for fold in range(FOLDS):
        inside, outside = np.flatnonzero(rows.folds != fold), np.flatnonzero(rows.folds == fold)
        if len(inside) == 0 or len(outside) == 0:
            continue
        coefficients, intercepts = _fit(rows, inside, context, fold)
        decisions.append(np.asarray(rows.matrix[outside] @ coefficients + intercepts, dtype=np.float64))
        wanted.append(rows.wanted[outside])
    return _HeldOut(np.concatenate(decisions), np.concatenate(wanted))


def _temperature(held_out: _HeldOut, threshold: float) -> float:
    """What calibrates a label's probability: a sigmoid is the softmax of the decision and 0."""
    scores = (held_out.decisions - threshold).ravel()
    if len(scores) == 0:
        return 1.0
    return fit_temperature(np.column_stack([np.zeros(len(scores)), scores]), held_out.wanted.ravel().astype(np.int64))


def _log_loss(held_out: _HeldOut, threshold: float, temperature: float) -> float | None:
    """Nats a label; null where nothing is held out."""
    if held_out.wanted.size == 0:
        return None
    signs = np.where(held_out.wanted, 1.0, -1.0)
    return float(np.logaddexp(0.0, -signs * (held_out.decisions - threshold) / temperature).mean())


def _micro_f1(held_out: _HeldOut, threshold: float) -> float | None:
    given = held_out.decisions >= threshold
    return micro_f1(given, held_out.wanted) if given.any() or held_out.wanted.any() else None
