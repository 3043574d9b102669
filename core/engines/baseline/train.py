"""The job that trains the floor on the targets: linear models on terms, on token embeddings or on both, calibrated."""

from __future__ import annotations

import time
from collections.abc import Sequence

from core.data.train_part import train_examples
from core.domain import Example
from core.engines.baseline.choosing import TERMS, Trial, fit_and_save, tried
from core.engines.baseline.embedding_source import find_source
from core.engines.baseline.fitting import DEVICE, TrainMatrix, fit_targets, train_rows_of
from core.engines.baseline.trials import chosen, one_hot
from core.engines.train_weights import row_weights
from core.errors import UserError
from core.jobs.results import TrainResult
from core.jobs.specs import FineTuneParameters, TrainPart
from core.spec import BaselineModel
from core.worker.context import JobContext


def run(parameters: FineTuneParameters, context: JobContext) -> TrainResult:
    """Train the floor on the train rows; its files stand in `model/` of the job's folder.

    Raises Stopped between the fits, and UserError where there are no rows, one class only, no text, or no embeddings.
    """
    begun = time.monotonic()
    context.started(DEVICE)
    examples = train_rows(context, parameters.part)
    labels = sorted({example.target for example in examples})
    if len(labels) == 1:
        raise UserError("train.one_class", label=labels[0])
    seed = parameters.train.seed
    weights = row_weights(parameters.train, [example.example_id for example in examples], context)
    rows = train_rows_of(examples, labels, seed, weights)

    def of_terms(train: TrainMatrix) -> Trial:
        return tried(TERMS, train, fit_targets(train, seed, context), context)

    source = find_source(parameters, context)
    choice, details = chosen(floor_of(parameters), rows, source, of_terms, {"targets": one_hot(rows)}, context)
    return fit_and_save("fine_tune", choice, begun, context, details)


def floor_of(parameters: FineTuneParameters) -> BaselineModel:
    """Which floor a job makes."""
    if not isinstance(parameters.model, BaselineModel):
        raise TypeError("the job trains no baseline")
    return parameters.model


def train_rows(context: JobContext, part: TrainPart | None) -> Sequence[Example]:
    """The train split, or a part of it. Raises UserError where it is empty."""
    examples = train_examples(context.input_folder("data"), part)
    if not examples:
        raise UserError("train.no_rows")
    return examples
