"""What a classifier's training minimises: where a row has one label, and where it may have any number of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from core.domain import FloatArray
from core.engines.distill.losses import hard_label_loss, soft_label_loss
from core.engines.distill.objective import LogitObjective
from core.engines.distill.row_weights import of_batch, row_tensor
from core.engines.distill.rows import TrainingRows
from core.engines.distill.teacher_cache import LogProbabilities
from core.errors import UserError
from core.metrics.label_sets import GIVEN_FROM, labels_of
from core.spec import Task, Train

# Below this a logarithm of 1 − p is that of a rounding error.
_NEAREST_ONE = -1e-12


def hard_objective(labels: Sequence[int], weights: FloatArray | None = None) -> LogitObjective:
    """Cross-entropy with the labels of the batch's rows; `labels` are of all training rows, and so are their `weights`,
    null where all count alike."""
    targets, own = torch.tensor(labels, dtype=torch.int64), row_tensor(weights)

    def objective(logits: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        counts = of_batch(own, rows, logits.device)
        return hard_label_loss(logits, targets[rows].to(logits.device), weights=counts)

    return objective


def soft_objective(
    settings: Train, targets: Sequence[int], soft: LogProbabilities, weights: FloatArray | None = None
) -> LogitObjective:
    """The loss on the teacher's log-probabilities, shape (rows, classes), and the targets, as `settings` mix them;
    `weights` say how much each row counts, null alike."""
    hard_labels, own = torch.tensor(targets, dtype=torch.int64), row_tensor(weights)

    def objective(logits: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        teacher = torch.from_numpy(soft[rows.numpy()]).to(logits.device)
        hard = hard_labels[rows].to(logits.device)
        counts = of_batch(own, rows, logits.device)
        return soft_label_loss(logits, teacher, hard, settings.temperature, settings.alpha, weights=counts)

    return objective


def sigmoid_objective(wanted: NDArray[Any], weights: FloatArray | None = None) -> LogitObjective:
    """The mean cross-entropy of each label's own probability, nats a label; `wanted` is 1 where a training row has the
    label, shape (rows, labels). `weights` say how much each row counts, null alike."""
    targets, own = torch.from_numpy(wanted), row_tensor(weights)

    def objective(logits: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        counts = of_batch(own, rows, logits.device)
        return functional.binary_cross_entropy_with_logits(
            logits.float(), targets[rows].to(logits.device), None if counts is None else counts[:, None]
        )

    return objective


def soft_sigmoid_objective(
    settings: Train, wanted: NDArray[Any], soft: LogProbabilities, weights: FloatArray | None = None
) -> LogitObjective:
    """alpha · T² · the divergence of each label's own probability at the temperature (Yang and others 2023, multi-label
    logit distillation, arXiv 2308.06453) + (1 − alpha) · cross-entropy, means over labels. `soft` are the logarithms of
    the teacher's probabilities, shape (rows, labels)."""
    own, temperature = row_tensor(weights), settings.temperature

    def of_teacher(logits: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        theirs = torch.from_numpy(label_logits(soft[rows.numpy()])).to(logits.device) / temperature
        probabilities = theirs.sigmoid()
        crossed, least = (
            functional.binary_cross_entropy_with_logits(some, probabilities, reduction="none")
            for some in (logits.float() / temperature, theirs)
        )
        counts = of_batch(own, rows, logits.device)
        apart = crossed - least
        return temperature**2 * (apart if counts is None else apart * counts[:, None]).mean()

    return _mixed(settings.alpha, of_teacher, sigmoid_objective(wanted, weights))


class LabelLosses(Protocol):
    """The losses of a kind of task. `weights` say how much each row counts, null alike; `soft` are a teacher's
    log-probabilities, shape (rows, labels)."""

    several: bool

    def wanted(self, rows: TrainingRows, labels: Sequence[str]) -> NDArray[Any]:
        """The targets of the rows as numbers. Raises UserError, naming a row, for a label that is not in `labels`."""

    def chosen(self, soft: LogProbabilities) -> NDArray[Any]:
        """What a teacher chooses, in the form of `wanted`."""

    def hard(self, wanted: NDArray[Any], weights: FloatArray | None = None) -> LogitObjective:
        """Cross-entropy with the targets."""

    def soft(
        self, settings: Train, wanted: NDArray[Any], soft: LogProbabilities, weights: FloatArray | None = None
    ) -> LogitObjective:
        """The divergence from the teacher's probabilities and the cross-entropy, as `settings` mix them."""


class OneLabel:
    """Rows with one label each: probabilities that sum to 1, targets of the shape (rows,)."""

    several = False

    def wanted(self, rows: TrainingRows, labels: Sequence[str]) -> NDArray[Any]:
        """The index of each row's label."""
        return np.asarray(rows.label_indices(labels), dtype=np.int64)

    def chosen(self, soft: LogProbabilities) -> NDArray[Any]:
        """The likeliest label."""
        return np.asarray(soft.argmax(axis=1), dtype=np.int64)

    def hard(self, wanted: NDArray[Any], weights: FloatArray | None = None) -> LogitObjective:
        """As `hard_objective`."""
        return hard_objective(wanted.tolist(), weights)

    def soft(
        self, settings: Train, wanted: NDArray[Any], soft: LogProbabilities, weights: FloatArray | None = None
    ) -> LogitObjective:
        """As `soft_objective`."""
        return soft_objective(settings, wanted.tolist(), soft, weights)


class SeveralLabels:
    """Rows with any number of labels: each label is a question of its own, targets of the shape (rows, labels)."""

    several = True

    def wanted(self, rows: TrainingRows, labels: Sequence[str]) -> NDArray[Any]:
        """1 where a row has a label."""
        places = {label: place for place, label in enumerate(labels)}
        matrix = np.zeros((len(rows.names), len(labels)), dtype=np.float32)
        for number, (name, target) in enumerate(zip(rows.names, rows.targets, strict=True)):
            for label in labels_of(target):
                if label not in places:
                    raise UserError("train.label_unknown", label=label, row=name)
                matrix[number, places[label]] = 1.0
        return matrix

    def chosen(self, soft: LogProbabilities) -> NDArray[Any]:
        """The labels that are held likelier than not."""
        return np.asarray(soft >= np.log(GIVEN_FROM), dtype=np.float32)

    def hard(self, wanted: NDArray[Any], weights: FloatArray | None = None) -> LogitObjective:
        """As `sigmoid_objective`."""
        return sigmoid_objective(wanted, weights)

    def soft(
        self, settings: Train, wanted: NDArray[Any], soft: LogProbabilities, weights: FloatArray | None = None
    ) -> LogitObjective:
        """As `soft_sigmoid_objective`."""
        return soft_sigmoid_objective(settings, wanted, soft, weights)


def losses_of(task: Task | None) -> LabelLosses:
    """Those of a classifier's training, whose task is given where rows may have several labels."""
    return SeveralLabels() if task is not None and task.kind == "multi_label" else OneLabel()


def choices_objective(
    settings: Train, losses: LabelLosses, chosen: NDArray[Any], wanted: NDArray[Any], weights: FloatArray | None
) -> LogitObjective:
    """alpha · cross-entropy with the teacher's choices + (1 − alpha) · cross-entropy with the targets."""
    return _mixed(settings.alpha, losses.hard(chosen, weights), losses.hard(wanted, weights))


def label_logits(log_probabilities: LogProbabilities) -> NDArray[np.float32]:
    """log p − log(1 − p) of labels that have a probability of their own, finite also where p was rounded to 1."""
    known = np.minimum(log_probabilities.astype(np.float64), _NEAREST_ONE)
    return np.asarray(known - np.log(-np.expm1(known)), dtype=np.float32)


def _mixed(alpha: float, of_teacher: LogitObjective, of_data: LogitObjective) -> LogitObjective:
    def objective(logits: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        return alpha * of_teacher(logits, rows) + (1.0 - alpha) * of_data(logits, rows)

    return objective
