"""The handler of a distill job: a student learns from its teacher's soft labels and from the targets."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import torch

from core.engines.device import Device
from core.engines.distill.construct import student_from_layers
from core.engines.distill.loop import Objective
from core.engines.distill.losses import soft_label_loss
from core.engines.distill.rows import read_training_rows
from core.engines.distill.teacher_cache import LogProbabilities, teacher_log_probabilities
from core.engines.distill.training_job import (
    MODEL_FOLDER,
    Material,
    begin,
    finished_before,
    hard_objective,
    train_and_save,
)
from core.engines.models.card import read_card
from core.engines.models.opening import open_classifier
from core.engines.models.starting import load_starting_model, load_tokenizer
from core.engines.models.weights import resolve
from core.engines.random_state import seed_all
from core.errors import UserError
from core.i18n import english
from core.jobs.results import TrainResult
from core.jobs.specs import DistillParameters
from core.lazy import load
from core.model_files import fingerprint_weights
from core.spec import BaselineModel, Train
from core.worker.context import JobContext

LEARNING_RATE = 4e-4
OUTPUTS_FOLDER = "teacher_outputs"


def run(parameters: DistillParameters, context: JobContext) -> TrainResult:
    """Train the student; its files stand in `model/` of the job's folder.

    The method is soft labels over the classes: teacher and student answer the same question, so their outputs compare
    whatever their tokenizers and architectures are. Raises Stopped, and UserError where model or data do not fit.
    """
    if isinstance(parameters.model, BaselineModel):
        return cast(TrainResult, load("core.engines.baseline.distil").run(parameters, context))
    done = finished_before(context)
    if done is not None:
        return done
    settings = parameters.train
    attempt = begin(context)
    rows = read_training_rows(context.input_folder("data"))
    teacher_folder = context.input_folder("teacher") / MODEL_FOLDER
    teacher_sha256 = fingerprint_weights(teacher_folder)
    if settings.alpha > 0.0:
        labels, soft = _teacher_outputs(teacher_folder, teacher_sha256, rows.inputs, context)
        objective = _soft_objective(settings, rows.label_indices(labels), soft, attempt.device)
        context.log(english("train.log.method_soft_labels", temperature=settings.temperature, alpha=settings.alpha))
    else:
        # The teacher has no share in the loss: it gives its labels and perhaps its layers, and is not run.
        labels = read_card(teacher_folder).labels
        objective = hard_objective(rows.label_indices(labels), attempt.device)
        context.log(english("train.log.method_targets"))
    material = _student(parameters, teacher_folder, teacher_sha256, labels, rows.inputs, context)
    rate = settings.learning_rate or LEARNING_RATE
    return train_and_save("distill", material, rows, settings, rate, objective, attempt, context)


def _teacher_outputs(
    folder: Path, sha256: str, inputs: Sequence[str], context: JobContext
) -> tuple[tuple[str, ...], LogProbabilities]:
    """The teacher's labels and its log-probabilities; the teacher leaves memory again when this returns."""
    teacher = open_classifier(folder)
    outputs = teacher_log_probabilities(teacher, sha256, inputs, context.folder / OUTPUTS_FOLDER, context)
    return teacher.labels, outputs


def _student(
    parameters: DistillParameters,
    teacher_folder: Path,
    teacher_sha256: str,
    labels: tuple[str, ...],
    texts: Sequence[str],
    context: JobContext,
) -> Material:
    """The student to begin with: another job's result, a model of its own, or layers of the teacher."""
    details: dict[str, str | int | float | bool | None] = {
        "method": "soft labels" if parameters.train.alpha > 0.0 else "targets alone"
    }
    seed_all(parameters.train.seed)
    own = parameters.model
    folder = context.input_folder("model") / MODEL_FOLDER if "model" in context.spec.inputs else None
    if own is not None and not isinstance(own, BaselineModel):
        folder = resolve(own, parameters.model_sha256)
    if folder is not None:
        student, fresh = load_starting_model(folder, labels)
        return Material(student, load_tokenizer(folder), labels, fingerprint_weights(folder), fresh, details)
    if parameters.layers is None:
        raise UserError("train.no_model")
    made = student_from_layers(teacher_folder, labels, parameters.layers, texts)
    return Material(made.model, made.tokenizer, labels, teacher_sha256, False, {**details, **made.details})


def _soft_objective(settings: Train, labels: list[int], soft: LogProbabilities, device: Device) -> Objective:
    targets = torch.tensor(labels, dtype=torch.int64)

    def objective(logits: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        teacher = torch.from_numpy(soft[rows.numpy()]).to(device.torch_device)
        hard = targets[rows].to(device.torch_device)
        return soft_label_loss(logits, teacher, hard, settings.temperature, settings.alpha)

    return objective
