"""Fine-tuning a transformers classifier on the targets, in the same loop as distilling."""

from __future__ import annotations

from core.engines.distill.label_losses import hard_objective
from core.engines.distill.row_weights import row_weights
from core.engines.distill.rows import read_training_rows
from core.engines.distill.training_job import (
    MODEL_FOLDER,
    Material,
    begin,
    finished_before,
    train_and_save,
)
from core.engines.held_out import rows_to_judge_by
from core.engines.models.starting import load_starting_model, load_tokenizer
from core.engines.models.weights import resolve
from core.engines.random_state import seed_all
from core.jobs.results import TrainResult
from core.jobs.specs import FineTuneParameters
from core.model_files import fingerprint_weights
from core.spec import BaselineModel
from core.worker.context import JobContext

LEARNING_RATE = 2e-4


def run(parameters: FineTuneParameters, context: JobContext) -> TrainResult:
    """Train the model on the targets; its files stand in `model/` of the job's folder."""
    done = finished_before(context)
    if done is not None:
        return done
    settings = parameters.train
    attempt = begin(context)
    rows = read_training_rows(context.input_folder("data"), parameters.part)
    labels = rows.labels
    if parameters.held_out_seed is not None:
        left_out = set(rows_to_judge_by(context.input_folder("data"), parameters.held_out_seed).tolist())
        rows = rows.part([row for row in range(len(rows.names)) if row not in left_out])
    material = starting_material(parameters, labels, context)
    objective = hard_objective(rows.label_indices(labels), row_weights(settings, rows.names, context))
    rate = settings.learning_rate or LEARNING_RATE
    return train_and_save("fine_tune", material, rows, settings, rate, objective, attempt, context)


def starting_material(
    parameters: FineTuneParameters, labels: tuple[str, ...], context: JobContext, *, several: bool = False
) -> Material:
    """The model that a fine-tuning starts from, with a head for `labels`; `several` says that a row may have any number
    of them. Raises UserError where it cannot be trained."""
    if parameters.model is None or isinstance(parameters.model, BaselineModel):
        folder = context.input_folder("model") / MODEL_FOLDER
    else:
        folder = resolve(parameters.model, parameters.model_sha256)
    seed_all(parameters.train.seed)
    model, fresh = load_starting_model(folder, labels, several=several)
    return Material(model, load_tokenizer(folder), labels, fingerprint_weights(folder), fresh, several=several)
