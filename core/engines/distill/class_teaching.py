"""What a classifier's student learns from: its teacher's probabilities, its teacher's choices, or the targets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from core.domain import FloatArray
from core.engines.device import choose_device
from core.engines.distill.fit_check import check_teacher_fit
from core.engines.distill.label_losses import LabelLosses, choices_objective, losses_of
from core.engines.distill.objective import LogitObjective
from core.engines.distill.row_weights import row_weights
from core.engines.distill.rows import TrainingRows
from core.engines.distill.teacher_cache import LogProbabilities, teacher_log_probabilities
from core.engines.distill.training_job import MODEL_FOLDER
from core.engines.language.answers import TeacherAnswers, read_answers
from core.engines.models.card import has_card, read_card
from core.engines.models.opening import open_classifier
from core.engines.models.weights import resolve
from core.errors import UserError
from core.i18n import english
from core.jobs.specs import DistillParameters
from core.model_files import fingerprint_weights
from core.spec import Train
from core.worker.context import JobContext

OUTPUTS_FOLDER = "teacher_outputs"


@dataclass(frozen=True, eq=False)
class ClassTeaching:
    """The rows to train on, the classes, the loss, and how and why the teacher is used so; `weights` say how much each
    row counts in the loss, null alike."""

    rows: TrainingRows
    labels: tuple[str, ...]
    objective: LogitObjective
    technique: str
    reason: str
    weights: FloatArray | None = None


def teacher_folder(parameters: DistillParameters, context: JobContext) -> Path | None:
    """The folder of the teacher's model; null where only its answers are known."""
    if "teacher" in context.spec.inputs:
        return context.input_folder("teacher") / MODEL_FOLDER
    if parameters.teacher_model is not None:
        return resolve(parameters.teacher_model, parameters.teacher_sha256)
    return None


def class_teaching(parameters: DistillParameters, rows: TrainingRows, context: JobContext) -> ClassTeaching:
    """What this student learns from. Raises UserError where teacher and rows do not fit, Stopped."""
    folder, losses = teacher_folder(parameters, context), losses_of(parameters.task)
    if "labels" in context.spec.inputs:
        return _from_answers(parameters.train, rows, losses, context)
    if folder is None:
        raise UserError("train.no_model")
    settings = parameters.train
    if settings.alpha == 0.0:
        # The teacher has no share in the loss: it gives its labels and perhaps its layers, and is not run.
        labels = labels_of(folder)
        objective = losses.hard(losses.wanted(rows, labels), row_weights(settings, rows.names, context))
        context.log(english("train.log.method_targets"))
        return ClassTeaching(rows, labels, objective, "targets", "train.reason.targets")
    labels, soft = _teacher_outputs(folder, rows.inputs, context)
    wanted, weights = losses.wanted(rows, labels), row_weights(settings, rows.names, context)
    if settings.technique == "labels":
        objective = choices_objective(settings, losses, losses.chosen(soft), wanted, weights)
        return ClassTeaching(rows, labels, objective, "labels", "train.reason.asked")
    context.log(english("train.log.method_soft_labels", temperature=settings.temperature, alpha=settings.alpha))
    objective = losses.soft(settings, wanted, soft, weights)
    return ClassTeaching(rows, labels, objective, "soft_labels", "train.reason.same_classes", weights)


def asked_teacher(parameters: DistillParameters, context: JobContext) -> Path | None:
    """The folder of the teacher that `class_teaching` runs on every row; null where it runs none."""
    if "labels" in context.spec.inputs or parameters.train.alpha == 0.0:
        return None
    return teacher_folder(parameters, context)


def labels_of(folder: Path) -> tuple[str, ...]:
    """The classes of a model folder in the order of its outputs."""
    return read_card(folder).labels if has_card(folder) else open_classifier(folder).labels


def _teacher_outputs(
    folder: Path, inputs: Sequence[str], context: JobContext
) -> tuple[tuple[str, ...], LogProbabilities]:
    """The teacher's labels and its log-probabilities; the teacher leaves memory again when this returns."""
    check_teacher_fit(folder, choose_device(), context)
    teacher = open_classifier(folder)
    sha256 = fingerprint_weights(folder)
    outputs = teacher_log_probabilities(teacher, sha256, inputs, context.folder / OUTPUTS_FOLDER, context)
    return teacher.labels, outputs


def _from_answers(settings: Train, rows: TrainingRows, losses: LabelLosses, context: JobContext) -> ClassTeaching:
    """A language model's answers: its distributions over the labels where it gave them, else the labels it named."""
    answers = read_answers(context.input_folder("labels"))
    soft_rows = sum(row.distribution is not None for row in answers.rows.values())
    soft = settings.technique in ("auto", "soft_labels") and 2 * soft_rows > len(answers.rows)
    if settings.technique == "soft_labels" and not soft:
        raise UserError("train.no_label_probabilities", count=len(answers.rows), soft=soft_rows)
    learnt = _answered_rows(rows, answers, told_only=soft)
    left_out = len(rows.names) - len(learnt.names)
    context.log(
        english("train.log.answers", rows=len(learnt.names), left_out=left_out, soft=soft_rows),
        "warning" if left_out else "info",
    )
    wanted, weights = losses.wanted(learnt, answers.labels), row_weights(settings, learnt.names, context)
    if soft:
        said = answers.distributions(learnt.names)
        logarithms = np.log(np.maximum(said, np.finfo(np.float64).tiny)).astype(np.float32)
        objective = losses.soft(settings, wanted, logarithms, weights)
        return ClassTeaching(learnt, answers.labels, objective, "soft_labels", "train.reason.label_probabilities")
    reason = "train.reason.asked" if settings.technique == "labels" else "train.reason.label_text"
    told = replace(learnt, targets=tuple(answers.rows[name].text for name in learnt.names))
    objective = choices_objective(settings, losses, losses.wanted(told, answers.labels), wanted, weights)
    return ClassTeaching(learnt, answers.labels, objective, "labels", reason)


def _answered_rows(rows: TrainingRows, answers: TeacherAnswers, *, told_only: bool) -> TrainingRows:
    """The rows with a usable answer, or with a distribution over the labels where only those are wanted."""
    kept = [
        place
        for place, name in enumerate(rows.names)
        if name in answers.rows and not (told_only and answers.rows[name].distribution is None)
    ]
    names, inputs, targets = (
        tuple(column[place] for place in kept) for column in (rows.names, rows.inputs, rows.targets)
    )
    return replace(rows, names=names, inputs=inputs, targets=targets)
