"""Fine-tuning a transformers classifier on rows with any number of labels: each label is a question of its own."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional

from core.domain import FloatArray
from core.engines.distill.hard_labels import LEARNING_RATE, starting_material
from core.engines.distill.objective import LogitObjective
from core.engines.distill.row_weights import of_batch, row_tensor, row_weights
from core.engines.distill.rows import read_training_rows
from core.engines.distill.training_job import begin, finished_before, train_and_save
from core.errors import UserError
from core.jobs.results import TrainResult
from core.jobs.specs import FineTuneParameters
from core.metrics.label_sets import classes_of, labels_of
from core.worker.context import JobContext


def run(parameters: FineTuneParameters, context: JobContext) -> TrainResult:
    """Train the model on the targets, each a set of labels as it is kept; its files stand in `model/` of the job's
    folder. Raises Stopped and UserError."""
    done = finished_before(context)
    if done is not None:
        return done
    settings = parameters.train
    attempt = begin(context)
    rows = read_training_rows(context.input_folder("data"), parameters.part)
    labels = classes_of(rows.targets)
    if not labels:
        raise UserError("train.no_labels")
    wanted = np.array([[label in one for label in labels] for one in map(labels_of, rows.targets)], dtype=np.float32)
    material = starting_material(parameters, tuple(labels), context, several=True)
    rate = settings.learning_rate or LEARNING_RATE
    objective = sigmoid_objective(wanted, row_weights(settings, rows.names, context))
    return train_and_save("fine_tune", material, rows, settings, rate, objective, attempt, context)


def sigmoid_objective(wanted: np.ndarray, weights: FloatArray | None = None) -> LogitObjective:
    """The mean cross-entropy of each label's own probability, nats a label; `wanted` is 1 where a training row has the
    label, shape (rows, labels). `weights` say how much each row counts, null alike."""
    targets, own = torch.from_numpy(wanted), row_tensor(weights)

    def objective(logits: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        counts = of_batch(own, rows, logits.device)
        return functional.binary_cross_entropy_with_logits(
            logits.float(), targets[rows].to(logits.device), None if counts is None else counts[:, None]
        )

    return objective
