"""What both jobs of the floor share: the rows as features, hyperplanes fitted on targets, out-of-fold decisions."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.svm import LinearSVC

from core.domain import Example, FloatArray, IntArray
from core.engines.baseline.features import TextFeatures
from core.engines.baseline.folds import stratified_folds
from core.engines.baseline.model import softmax
from core.errors import UserError
from core.i18n import english
from core.metrics.calibration import expected_calibration_error, fit_temperature
from core.worker.context import JobContext, Stopped

FOLDS = 3
DEVICE = "CPU, 1 thread"
# The inverse of the regularisation; 1.0 is scikit-learn's default, and 0.25 to 2 differ by less than half a point.
INVERSE_REGULARISATION = 1.0
_MAX_ITERATIONS = 2000
# A class that a fit never saw is as far away as the hinge loss pushes any other class.
_ABSENT_DECISION = -1.0


@dataclass(frozen=True, eq=False)
class Planes:
    """One hyperplane a class: `coefficients`, shape (columns, classes), and `intercepts`, shape (classes,).

    `known` are the classes that the fit has seen, `iterations` how many it took.
    """

    coefficients: NDArray[np.float32]
    intercepts: NDArray[np.float32]
    known: IntArray
    iterations: int


Fit = Callable[[IntArray], Planes]
"""Fits on the rows of these indices."""


@dataclass(frozen=True, eq=False)
class OutOfFold:
    """Decisions about held-out rows, with their targets and weights (null where all count alike); shapes (rows,
    classes), (rows,) and (rows,)."""

    decisions: FloatArray
    targets: IntArray
    weights: FloatArray | None = None

    @property
    def accuracy(self) -> float | None:
        """The share of held-out rows answered rightly, by their weights; null without any."""
        if len(self.targets) == 0:
            return None
        return float(np.average(self.decisions.argmax(axis=1) == self.targets, weights=self.weights))

    @property
    def temperature(self) -> float:
        """The temperature that calibrates the decisions. Without held-out rows nothing sharpens the answers."""
        return fit_temperature(self.decisions, self.targets) if len(self.targets) else 1.0


class RowFeatures(Protocol):
    """Texts as numbers: what the floor is linear in."""

    @property
    def columns(self) -> int:
        """How many numbers describe a text."""

    def transform(self, texts: Sequence[str]) -> sparse.csr_matrix | NDArray[np.float32]:
        """Sparse or dense float32 features, shape (rows, columns)."""


@dataclass(frozen=True, eq=False)
class TrainRows:
    """The train rows: their texts, the index of each target, each row's fold, and its weight (null where all count
    alike)."""

    labels: tuple[str, ...]
    texts: list[str]
    targets: IntArray
    folds: IntArray
    weights: FloatArray | None = None

    def weights_of(self, rows: IntArray) -> FloatArray | None:
        """The weights of the rows of these indices; null for null."""
        return None if self.weights is None else self.weights[rows]


@dataclass(frozen=True, eq=False)
class TrainMatrix:
    """The train rows as one kind of features, `matrix` of shape (rows, columns), sparse or dense."""

    rows: TrainRows
    features: RowFeatures
    matrix: sparse.csr_matrix | NDArray[np.float32]


def train_rows_of(
    examples: Sequence[Example], labels: Sequence[str], seed: int, weights: FloatArray | None = None
) -> TrainRows:
    """The rows with their folds. Raises UserError where a target is not among `labels`."""
    place = {label: index for index, label in enumerate(labels)}
    for example in examples:
        if example.target not in place:
            raise UserError("train.label_unknown", label=example.target, row=example.example_id)
    targets = np.array([place[example.target] for example in examples], dtype=np.int64)
    folds = stratified_folds(targets, [example.group for example in examples], FOLDS, seed)
    return TrainRows(tuple(labels), [example.input for example in examples], targets, folds, weights)


def term_matrix(rows: TrainRows, context: JobContext) -> TrainMatrix:
    """The rows as TF-IDF. Raises UserError where there is no text."""
    tell(context, "phase.vectorise", 0, 1)
    features = TextFeatures.fit(rows.texts)
    if features.columns == 0:
        raise UserError("baseline.no_text")
    matrix = features.transform(rows.texts)
    tell(context, "phase.vectorise", 1, 1)
    return TrainMatrix(rows, features, matrix)


def tell(context: JobContext, phase: str, step: int, total_steps: int) -> None:
    """Say how far the job is. Raises Stopped where it is told to stop."""
    context.progress(phase, step, total_steps)
    if context.should_stop():
        raise Stopped


def fit_targets(train: TrainMatrix, seed: int, context: JobContext) -> Fit:
    """One linear support vector machine against each class's rest, on the targets."""

    def fit(rows: IntArray) -> Planes:
        machine = LinearSVC(C=INVERSE_REGULARISATION, max_iter=_MAX_ITERATIONS, random_state=seed % 2**32)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", ConvergenceWarning)
            machine.fit(train.matrix[rows], train.rows.targets[rows], sample_weight=train.rows.weights_of(rows))
        if caught:
            context.log(english("baseline.log.not_converged", iterations=_MAX_ITERATIONS), "warning")
        return _planes_of(machine)

    return fit


def _planes_of(machine: LinearSVC) -> Planes:
    """Two classes get a plane each, mirror images."""
    coefficients, intercepts = machine.coef_, machine.intercept_
    if len(coefficients) == 1:
        coefficients = np.concatenate([-coefficients, coefficients])
        intercepts = np.concatenate([-intercepts, intercepts])
    return Planes(
        np.ascontiguousarray(coefficients.T, dtype=np.float32),
        intercepts.astype(np.float32),
        machine.classes_.astype(np.int64),
        int(machine.n_iter_),
    )


def for_all_classes(planes: Planes, classes: int) -> Planes:
    """The same planes with one that is never near for each class that the fit did not see."""
    if len(planes.known) == classes:
        return planes
    coefficients = np.zeros((len(planes.coefficients), classes), dtype=np.float32)
    intercepts = np.full(classes, _ABSENT_DECISION, dtype=np.float32)
    coefficients[:, planes.known] = planes.coefficients
    intercepts[planes.known] = planes.intercepts
    return Planes(coefficients, intercepts, np.arange(classes), planes.iterations)


def out_of_fold(train: TrainMatrix, fit: Fit, context: JobContext) -> OutOfFold:
    """Decisions about each held-out row by planes that saw neither it nor its group.

    Only the features, such as terms and their frequencies, come from all train rows; they know nothing of the targets.
    Rows whose class the fold's training part lacks are left out, for no temperature could make them right. Two kinds of
    features of the same rows leave out the same ones, and give the others in the same order.
    """
    known = train.rows
    classes = len(known.labels)
    decisions: list[FloatArray] = [np.zeros((0, classes))]
    rows: list[IntArray] = [np.zeros(0, dtype=np.int64)]
    for fold in range(FOLDS):
        tell(context, "phase.calibrate", fold, FOLDS)
        inside, outside = np.flatnonzero(known.folds != fold), np.flatnonzero(known.folds == fold)
        seen = np.unique(known.targets[inside])
        outside = outside[np.isin(known.targets[outside], seen)]
        if len(seen) < 2 or len(outside) == 0:
            continue
        planes = for_all_classes(fit(inside), classes)
        decisions.append(np.asarray(train.matrix[outside] @ planes.coefficients + planes.intercepts))
        rows.append(outside)
    context.progress("phase.calibrate", FOLDS, FOLDS)
    kept = np.concatenate(rows)
    return OutOfFold(np.concatenate(decisions), known.targets[kept], known.weights_of(kept))


def quality_of(held_out: OutOfFold, temperature: float) -> dict[str, float | None]:
    """Accuracy, expected calibration error and log loss (nats) of the calibrated out-of-fold decisions."""
    if len(held_out.targets) == 0:
        return {"accuracy": None, "calibration_error": None, "log_loss": None}
    probabilities = softmax(held_out.decisions / temperature)
    right = (probabilities.argmax(axis=1) == held_out.targets).astype(np.float64)
    of_target = probabilities[np.arange(len(right)), held_out.targets]
    return {
        "accuracy": held_out.accuracy,
        "calibration_error": expected_calibration_error(probabilities.max(axis=1), right),
        "log_loss": float(-np.log(np.maximum(of_target, 1e-300)).mean()),
    }
