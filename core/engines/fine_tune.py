"""The handler of a fine-tune job: a model learns the targets. The baseline is trained without torch."""

from __future__ import annotations

from typing import cast

from core.engines.unused_options import tell_unused
from core.errors import UserError
from core.jobs.results import TrainResult
from core.jobs.specs import FineTuneParameters
from core.lazy import load
from core.spec import BaselineModel
from core.worker.context import JobContext


def run(parameters: FineTuneParameters, context: JobContext) -> TrainResult:
    """Train the model; its files stand in `model/` of the job's folder.

    Raises Stopped, and UserError where model or data do not fit.
    """
    tell_unused(parameters, "fine_tune", context)
    several = parameters.task is not None and parameters.task.kind == "multi_label"
    if isinstance(parameters.model, BaselineModel):
        module = load("core.engines.baseline.multi_label" if several else "core.engines.baseline.train")
        return cast(TrainResult, module.run(parameters, context))
    if parameters.model is None and "model" not in context.spec.inputs:
        raise UserError("train.no_model")
    if several:
        return cast(TrainResult, load("core.engines.distill.several_labels").run(parameters, context))
    if parameters.task is not None:
        return cast(TrainResult, load("core.engines.distill.causal_job").fine_tune(parameters, context))
    return cast(TrainResult, load("core.engines.distill.hard_labels").run(parameters, context))
