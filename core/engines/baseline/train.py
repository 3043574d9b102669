"""The job that trains the floor on the targets: one linear support vector machine, calibrated out of fold."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Literal

import numpy as np

from core.data.examples import read_examples
from core.domain import Example, Split
from core.engines.baseline.fitting import (
    DEVICE,
    Fit,
    OutOfFold,
    TrainMatrix,
    fit_targets,
    for_all_classes,
    out_of_fold,
    quality_of,
    tell,
    train_matrix,
)
from core.engines.baseline.model import BaselineClassifier, LinearWeights
from core.errors import UserError
from core.jobs.results import TrainResult
from core.jobs.specs import FineTuneParameters
from core.worker.context import JobContext

Details = dict[str, str | int | float | bool | None]


def run(parameters: FineTuneParameters, context: JobContext) -> TrainResult:
    """Train the floor on the train rows; its files stand in `model/` of the job's folder.

    Raises Stopped between the fits, and UserError where there are no rows, one class only, or no text.
    """
    begun = time.monotonic()
    context.started(DEVICE)
    examples = train_rows(context)
    labels = sorted({example.target for example in examples})
    if len(labels) == 1:
        raise UserError("train.one_class", label=labels[0])
    seed = parameters.train.seed
    train = train_matrix(examples, labels, seed, context)
    fit = fit_targets(train, seed, context)
    held_out = out_of_fold(train, fit, context)
    return fit_and_save("fine_tune", train, fit, held_out, begun, context, {})


def train_rows(context: JobContext) -> Sequence[Example]:
    """The train split. Raises UserError where it is empty."""
    examples = [example for example in read_examples(context.input_folder("data")) if example.split is Split.TRAIN]
    if not examples:
        raise UserError("train.no_rows")
    return examples


def fit_and_save(
    method: Literal["fine_tune", "distill"],
    train: TrainMatrix,
    fit: Fit,
    held_out: OutOfFold,
    begun: float,
    context: JobContext,
    details: Details,
) -> TrainResult:
    """Fit on all rows, write the model folder, and return the result with its out-of-fold quality."""
    tell(context, "phase.fit", 0, 1)
    fit_begun = time.monotonic()
    planes = for_all_classes(fit(np.arange(len(train.targets))), len(train.labels))
    fit_s = time.monotonic() - fit_begun
    temperature = held_out.temperature
    weights = LinearWeights(planes.coefficients, planes.intercepts, temperature)
    model = BaselineClassifier(train.labels, train.features, weights)
    model.save(context.folder / "model")
    context.progress("phase.fit", 1, 1)
    quality = quality_of(held_out, temperature)
    return TrainResult(
        method=method,
        device=DEVICE,
        steps=planes.iterations,
        epochs=planes.iterations,
        final_loss=quality["log_loss"],
        parameters=model.parameters,
        examples=len(train.targets),
        examples_per_second=len(train.targets) / fit_s if fit_s > 0 else None,
        seconds=time.monotonic() - begun,
        details={
            "terms": train.features.columns,
            "temperature": temperature,
            **{f"out_of_fold_{name}": value for name, value in quality.items()},
            **details,
        },
    )
