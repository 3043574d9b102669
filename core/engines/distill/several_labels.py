"""Fine-tuning a transformers classifier on rows with any number of labels."""

from __future__ import annotations

from core.engines.distill.hard_labels import LEARNING_RATE, starting_material
from core.engines.distill.label_losses import SeveralLabels
from core.engines.distill.label_threshold import label_threshold
from core.engines.distill.row_weights import row_weights
from core.engines.distill.rows import read_training_rows
from core.engines.distill.training_job import begin, finished_before, run_training, tokenized
from core.errors import UserError
from core.jobs.results import TrainResult
from core.jobs.specs import FineTuneParameters
from core.metrics.label_sets import classes_of
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
    losses = SeveralLabels()
    material = starting_material(parameters, tuple(labels), context, several=True)
    rate = settings.learning_rate or LEARNING_RATE
    objective = losses.hard(losses.wanted(rows, labels), row_weights(settings, rows.names, context))
    tokens = tokenized(material, rows, settings.max_length, context)
    threshold = label_threshold(material, tokens.max_length, context, rows)
    return run_training("fine_tune", material, tokens, settings, rate, objective, attempt, context, threshold)
