"""The handler of a distill job: a student learns from its teacher and from the targets."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from core.engines.distill.class_teaching import ClassTeaching, asked_teacher, class_teaching, labels_of, teacher_folder
from core.engines.distill.construct import student_from_layers, tell_layers
from core.engines.distill.fit_check import check_teacher_fit
from core.engines.distill.hidden import hidden_state_objective
from core.engines.distill.label_losses import losses_of
from core.engines.distill.label_threshold import label_threshold
from core.engines.distill.objective import Objective
from core.engines.distill.rows import TrainingRows, read_training_rows
from core.engines.distill.training_job import (
    MODEL_FOLDER,
    Attempt,
    Material,
    TrainingTokens,
    begin,
    check_before_teacher,
    finished_before,
    run_training,
    tokenized,
)
from core.engines.models.starting import load_starting_model, load_tokenizer
from core.engines.models.weights import resolve
from core.engines.random_state import seed_all
from core.engines.unused_options import tell_unused
from core.errors import UserError
from core.i18n import english
from core.jobs.results import TrainResult
from core.jobs.specs import DISTILL_LEARNING_RATE, DistillParameters
from core.lazy import load
from core.model_files import fingerprint_weights
from core.spec import BaselineModel
from core.worker.context import JobContext

LEARNING_RATE = DISTILL_LEARNING_RATE


def run(parameters: DistillParameters, context: JobContext) -> TrainResult:
    """Train the student; its files stand in `model/` of the job's folder.

    The technique follows from what the teacher gives. Raises Stopped, and UserError where model or data do not fit.
    """
    if isinstance(parameters.model, BaselineModel):
        return cast(TrainResult, load("core.engines.baseline.distil").run(parameters, context))
    if parameters.train.dynamic is not None:
        return cast(TrainResult, load("core.engines.dynamic.job").run(parameters, context))
    if parameters.task is not None and parameters.task.kind != "multi_label":
        return cast(TrainResult, load("core.engines.distill.causal_job").distil(parameters, context))
    done = finished_before(context)
    return _classifier(parameters, context) if done is None else done


def _classifier(parameters: DistillParameters, context: JobContext) -> TrainResult:
    settings = parameters.train
    attempt = begin(context)
    rows = read_training_rows(context.input_folder("data"), parameters.part)
    asked = asked_teacher(parameters, context)
    checked = None if asked is None else _checked(parameters, labels_of(asked), rows, attempt, context)
    teaching = class_teaching(parameters, rows, context)
    context.log(english("causal.log.technique", technique=teaching.technique, reason=english(teaching.reason)))
    tell_unused(parameters, teaching.technique, context)
    if checked is None:
        material = _student(parameters, teaching.labels, teaching.rows, context)
        tokens = tokenized(material, teaching.rows, settings.max_length, context)
    else:
        material, tokens = checked
    material = replace(material, technique=teaching.technique, reason=teaching.reason)
    objective = _with_hidden_states(parameters, teaching, material, tokens, attempt, context)
    rate = settings.learning_rate or LEARNING_RATE
    of_targets = teaching.rows if teaching.technique == "targets" else None
    threshold = label_threshold(material, tokens.max_length, context, of_targets) if material.several else None
    return run_training("distill", material, tokens, settings, rate, objective, attempt, context, threshold)


def _checked(
    parameters: DistillParameters, labels: tuple[str, ...], rows: TrainingRows, attempt: Attempt, context: JobContext
) -> tuple[Material, TrainingTokens]:
    """The student and its rows as tokens, known to fit into memory before the teacher is asked."""
    material = _student(parameters, labels, rows, context)
    tokens = tokenized(material, rows, parameters.train.max_length, context)
    losses = losses_of(parameters.task)
    objective = losses.hard(losses.wanted(rows, labels))
    return check_before_teacher(material, tokens, parameters.train, objective, attempt, context), tokens


def _student(
    parameters: DistillParameters, labels: tuple[str, ...], rows: TrainingRows, context: JobContext
) -> Material:
    """The student to begin with: another job's result, a model of its own, or layers of the teacher."""
    seed_all(parameters.train.seed)
    own, several = parameters.model, losses_of(parameters.task).several
    folder = context.input_folder("model") / MODEL_FOLDER if "model" in context.spec.inputs else None
    if own is not None and not isinstance(own, BaselineModel):
        folder = resolve(own, parameters.model_sha256)
    if folder is not None:
        student, fresh = load_starting_model(folder, labels, several=several)
        tokenizer, sha256 = load_tokenizer(folder), fingerprint_weights(folder)
        return Material(student, tokenizer, labels, sha256, fresh, several=several)
    teacher = teacher_folder(parameters, context)
    if parameters.layers is None or teacher is None:
        raise UserError("train.no_model")
    made = student_from_layers(teacher, labels, parameters.layers, rows.inputs, several=several)
    tell_layers(parameters.layers, made.layers, context)
    sha256 = fingerprint_weights(teacher)
    return Material(
        made.model, made.tokenizer, labels, sha256, False, made.details, several=several, teacher_layers=made.layers
    )


def _with_hidden_states(
    parameters: DistillParameters,
    teaching: ClassTeaching,
    material: Material,
    tokens: TrainingTokens,
    attempt: Attempt,
    context: JobContext,
) -> Objective:
    """The objective with the distance of hidden states where the study gives it a weight."""
    weight, folder = parameters.train.hidden_weight, teacher_folder(parameters, context)
    if weight == 0.0 or folder is None:
        return teaching.objective
    check_teacher_fit(folder, attempt.device, context)
    return hidden_state_objective(
        teaching.objective, weight, folder, material.teacher_layers, material.model,
        teaching.rows.inputs, tokens.tokens, tokens.max_length, attempt.device, teaching.weights,
    )  # fmt: skip
