"""The job that trains the floor: features, one linear SVM, and a temperature from out-of-fold decisions."""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.svm import LinearSVC

from core.data.examples import read_examples
from core.domain import Example, FloatArray, IntArray, Split
from core.engines.baseline.features import TextFeatures
from core.engines.baseline.folds import stratified_folds
from core.engines.baseline.model import BaselineClassifier, LinearWeights, softmax
from core.errors import UserError
from core.i18n import english
from core.jobs.results import TrainResult
from core.jobs.specs import FineTuneParameters
from core.metrics.calibration import expected_calibration_error, fit_temperature
from core.worker.context import JobContext, Stopped

FOLDS = 3
# The inverse of the regularisation; 1.0 is scikit-learn's default, and 0.25 to 2 differ by less than half a point.
INVERSE_REGULARISATION = 1.0
_MAX_ITERATIONS = 2000
_DEVICE = "CPU, 1 thread"
# A class that a fold's training part lacks is as far away as the hinge loss pushes any other class.
_ABSENT_DECISION = -1.0


@dataclass(frozen=True, eq=False)
class _OutOfFold:
    """Decisions about held-out rows, with their targets; shapes (rows, classes) and (rows,)."""

    decisions: FloatArray
    targets: IntArray


def run(parameters: FineTuneParameters, context: JobContext) -> TrainResult:
    """Train the floor on the train rows; its files stand in `model/` of the job's folder.

    Raises Stopped between the fits, and UserError where there are no rows, one class only, or no text.
    """
    begun = time.monotonic()
    context.started(_DEVICE)
    examples = [example for example in read_examples(context.input_folder("data")) if example.split is Split.TRAIN]
    labels = _labels(examples)
    targets = np.searchsorted(np.asarray(labels, dtype=object), [example.target for example in examples])
    _tell(context, "phase.vectorise", 0, 1)
    texts = [example.input for example in examples]
    features = TextFeatures.fit(texts)
    if features.columns == 0:
        raise UserError("baseline.no_text")
    matrix = features.transform(texts)
    _tell(context, "phase.vectorise", 1, 1)

    seed = parameters.train.seed
    folds = stratified_folds(targets, [example.group for example in examples], FOLDS, seed)
    held_out = _out_of_fold(matrix, targets, folds, len(labels), seed, context)
    # Without held-out rows there is no evidence to sharpen the answers with.
    temperature = fit_temperature(held_out.decisions, held_out.targets) if len(held_out.targets) else 1.0
    _tell(context, "phase.fit", 0, 1)
    fit_begun = time.monotonic()
    machine = _fit(matrix, targets, seed, context)
    fit_s = time.monotonic() - fit_begun
    coefficients, intercepts = _hyperplanes(machine)
    weights = LinearWeights(coefficients, intercepts, temperature)
    model = BaselineClassifier(labels, features, weights)
    model.save(context.folder / "model")
    context.progress("phase.fit", 1, 1)
    quality = _quality(held_out, temperature)
    return TrainResult(
        method="fine_tune",
        device=_DEVICE,
        steps=int(machine.n_iter_),
        epochs=int(machine.n_iter_),
        final_loss=quality["log_loss"],
        parameters=model.parameters,
        examples=len(examples),
        examples_per_second=len(examples) / fit_s if fit_s > 0 else None,
        seconds=time.monotonic() - begun,
        details={
            "terms": features.columns,
            "temperature": temperature,
            **{f"out_of_fold_{name}": value for name, value in quality.items()},
        },
    )


def _labels(examples: Sequence[Example]) -> list[str]:
    """The classes in sorted order. Raises UserError for none or one."""
    if not examples:
        raise UserError("train.no_rows")
    labels = sorted({example.target for example in examples})
    if len(labels) == 1:
        raise UserError("train.one_class", label=labels[0])
    return labels


def _tell(context: JobContext, phase: str, step: int, total_steps: int) -> None:
    context.progress(phase, step, total_steps)
    if context.should_stop():
        raise Stopped


def _out_of_fold(
    matrix: sparse.csr_matrix, targets: IntArray, folds: IntArray, classes: int, seed: int, context: JobContext
) -> _OutOfFold:
    """Decisions about each held-out row by a model that saw neither it nor its group.

    Only the terms and their document frequencies come from all train rows; they know nothing of the targets. Rows whose
    class the fold's training part lacks are left out, for no temperature could make them right.
    """
    decisions: list[FloatArray] = [np.zeros((0, classes))]
    rows: list[IntArray] = [np.zeros(0, dtype=np.int64)]
    for fold in range(FOLDS):
        _tell(context, "phase.calibrate", fold, FOLDS)
        inside, outside = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        known = np.unique(targets[inside])
        outside = outside[np.isin(targets[outside], known)]
        if len(known) < 2 or len(outside) == 0:
            continue
        coefficients, intercepts = _hyperplanes(_fit(matrix[inside], targets[inside], seed, context))
        part = np.full((len(outside), classes), _ABSENT_DECISION)
        part[:, known] = matrix[outside] @ coefficients + intercepts
        decisions.append(part)
        rows.append(outside)
    context.progress("phase.calibrate", FOLDS, FOLDS)
    return _OutOfFold(np.concatenate(decisions), targets[np.concatenate(rows)])


def _fit(matrix: sparse.csr_matrix, targets: IntArray, seed: int, context: JobContext) -> LinearSVC:
    machine = LinearSVC(C=INVERSE_REGULARISATION, max_iter=_MAX_ITERATIONS, random_state=seed % 2**32)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        machine.fit(matrix, targets)
    if caught:
        context.log(english("baseline.log.not_converged", iterations=_MAX_ITERATIONS), "warning")
    return machine


def _hyperplanes(machine: LinearSVC) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Coefficients of shape (columns, classes) and intercepts; two classes get a plane each, mirror images."""
    coefficients, intercepts = machine.coef_, machine.intercept_
    if len(coefficients) == 1:
        coefficients = np.concatenate([-coefficients, coefficients])
        intercepts = np.concatenate([-intercepts, intercepts])
    return np.ascontiguousarray(coefficients.T, dtype=np.float32), intercepts.astype(np.float32)


def _quality(held_out: _OutOfFold, temperature: float) -> dict[str, float | None]:
    """Accuracy, expected calibration error and log loss (nats) of the calibrated out-of-fold decisions."""
    if len(held_out.targets) == 0:
        return {"accuracy": None, "calibration_error": None, "log_loss": None}
    probabilities = softmax(held_out.decisions / temperature)
    right = (probabilities.argmax(axis=1) == held_out.targets).astype(np.float64)
    of_target = probabilities[np.arange(len(right)), held_out.targets]
    return {
        "accuracy": float(right.mean()),
        "calibration_error": expected_calibration_error(probabilities.max(axis=1), right),
        "log_loss": float(-np.log(np.maximum(of_target, 1e-300)).mean()),
    }
