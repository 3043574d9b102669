"""Training a language model: on the targets, on its teacher's next-token distributions, or on its teacher's text."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from core.engines.distill.causal_following import followed_teacher
from core.engines.distill.causal_model import check_apart, true_vocabulary
from core.engines.distill.causal_objective import CausalObjective
from core.engines.distill.causal_rows import CausalRows, causal_rows, check_embedded, learnt_examples
from core.engines.distill.causal_teaching import source_sha256, taught_objective
from core.engines.distill.causal_technique import choose_technique
from core.engines.distill.construct import language_student_from_layers, tell_layers, told_layers
from core.engines.distill.influence import Batch, batch_of, spread_rows
from core.engines.distill.row_weights import row_weights
from core.engines.distill.training_job import (
    MODEL_FOLDER,
    Attempt,
    Material,
    TrainingTokens,
    begin,
    check_before_teacher,
    finished_before,
    run_training,
)
from core.engines.held_out import rows_to_judge_by
from core.engines.language.answers import read_answers
from core.engines.language.opening import (
    embedding_rows,
    filling_id,
    open_language_model,
    open_language_tokenizer,
)
from core.engines.models.starting import longest_input
from core.engines.models.weights import resolve
from core.engines.random_state import seed_all
from core.errors import UserError
from core.i18n import english
from core.jobs.results import TrainResult
from core.jobs.specs import DISTILL_LEARNING_RATE, DistillParameters, FineTuneParameters, TrainPart
from core.lazy import load
from core.spec import BaselineModel, Task
from core.worker.context import JobContext

FINE_TUNE_RATE = 2e-4


@dataclass(frozen=True, eq=False)
class _Student:
    """What the training begins with: a model in fp32, its tokenizer, where it came from, and what to say of it."""

    model: Any
    tokenizer: Any
    parent_sha256: str
    details: dict[str, str | int | float | bool | None]
    teacher_layers: tuple[int, ...] | None = None


def fine_tune(parameters: FineTuneParameters, context: JobContext) -> TrainResult:
    """Train the model on the targets; its files stand in `model/` of the job's folder. Raises Stopped, UserError."""
    done = finished_before(context)
    if done is not None:
        return done
    attempt = begin(context)
    task, settings = _task(parameters.task), parameters.train
    own = parameters.model
    source = context.input_folder("model") / MODEL_FOLDER if own is None else None
    if own is not None and not isinstance(own, BaselineModel):
        source = resolve(own, parameters.model_sha256)
    if source is None:
        raise UserError("train.no_model")
    seed_all(settings.seed)
    student = _opened(source)
    check_apart(student.model, torch.device("cpu"))
    rows = _rows(context, task, student, settings.max_length, parameters.part, held_out_seed=parameters.held_out_seed)
    weights = row_weights(settings, rows.names, context)
    objective = CausalObjective(rows, true_vocabulary(student.tokenizer, student.model), weights=weights)
    material = Material(student.model, student.tokenizer, (), student.parent_sha256, False, student.details)
    rate = settings.learning_rate or FINE_TUNE_RATE
    tokens = _training_tokens(rows, student, settings.max_length)
    return run_training("fine_tune", material, tokens, settings, rate, objective, attempt, context)


def distil(parameters: DistillParameters, context: JobContext) -> TrainResult:
    """Train the student by the technique that its teacher allows; its files stand in `model/` of the job's folder.

    Raises Stopped, and UserError where model, teacher or data do not fit each other.
    """
    done = finished_before(context)
    if done is not None:
        return done
    attempt = begin(context)
    settings = parameters.train
    teacher = _teacher_source(parameters, context)
    seed_all(settings.seed)
    student = _student(parameters, teacher, context)
    answered = "labels" in context.spec.inputs
    technique = choose_technique(parameters, teacher, answered, student.tokenizer, student.model)
    context.log(english("causal.log.technique", technique=technique.name, reason=english(technique.reason)))
    material = Material(
        student.model, student.tokenizer, (), student.parent_sha256, False, student.details,
        technique.name, technique.reason, teacher_layers=student.teacher_layers,
    )  # fmt: skip
    if technique.name == "on_policy" and teacher is not None:
        return _on_policy(parameters, material, teacher, attempt, context)
    check_apart(student.model, torch.device("cpu"))
    answers = _answers(context) if technique.name == "sequence" else None
    rows = _rows(context, _task(parameters.task), student, settings.max_length, parameters.part, answers)
    tokens = _training_tokens(rows, student, settings.max_length)
    followed = followed_teacher(parameters, material, teacher, attempt.device, context)
    if teacher is not None and technique.name not in ("targets", "sequence"):
        following = None if followed is None else followed.following
        like_it = CausalObjective(rows, true_vocabulary(student.tokenizer, student.model), following=following)
        material = check_before_teacher(material, tokens, settings, like_it, attempt, context)
    objective = taught_objective(parameters, technique, material, teacher, rows, followed, attempt, context)
    rate = settings.learning_rate or DISTILL_LEARNING_RATE
    return run_training("distill", material, tokens, settings, rate, objective, attempt, context)


def _answers(context: JobContext) -> dict[str, str]:
    """What the teacher wrote, by the example's id; says how many rows it wrote nothing usable for."""
    answers = read_answers(context.input_folder("labels"))
    left_out = len(answers.unusable)
    context.log(
        english("train.log.answers", rows=len(answers.rows), left_out=left_out, soft=0),
        "warning" if left_out else "info",
    )
    return {name: row.text for name, row in answers.rows.items()}


def _on_policy(
    parameters: DistillParameters, material: Material, teacher: Path, attempt: Attempt, context: JobContext
) -> TrainResult:
    """Loaded when asked for: TRL is an extra of its own."""
    result: TrainResult = load("core.engines.distill.on_policy").run(parameters, material, teacher, attempt, context)
    return result


def _teacher_source(parameters: DistillParameters, context: JobContext) -> Path | None:
    """The folder or GGUF file of the teacher; null where only its answers are known."""
    if "teacher" in context.spec.inputs:
        return context.input_folder("teacher") / MODEL_FOLDER
    if parameters.teacher_model is not None:
        return resolve(parameters.teacher_model, parameters.teacher_sha256)
    return None


def _student(parameters: DistillParameters, teacher: Path | None, context: JobContext) -> _Student:
    own = parameters.model
    if "model" in context.spec.inputs:
        return _opened(context.input_folder("model") / MODEL_FOLDER)
    if own is not None and not isinstance(own, BaselineModel):
        return _opened(resolve(own, parameters.model_sha256))
    if parameters.layers is None or teacher is None:
        raise UserError("train.no_model")

    def measured(tokenizer: Any) -> list[Batch]:
        """Some train rows, each a batch of its own."""
        examples = learnt_examples(context.input_folder("data"), parameters.part)
        some = [examples[row] for row in spread_rows(len(examples))]
        tokens = causal_rows(some, _task(parameters.task), tokenizer, parameters.train.max_length).tokens
        return [batch_of(tokens.padded(np.array([row]), pad_id=0)) for row in range(len(tokens.lengths))]

    model, kept = language_student_from_layers(teacher, parameters.layers, measured)
    tell_layers(parameters.layers, kept, context)
    details = {"layers": told_layers(parameters.layers, kept)}
    return _Student(model, open_language_tokenizer(teacher)[0], source_sha256(teacher), {**details}, kept)


def _opened(source: Path) -> _Student:
    opened = open_language_model(source)
    return _Student(opened.model, opened.tokenizer, opened.sha256, {})


def _rows(
    context: JobContext,
    task: Task,
    student: _Student,
    max_length: int,
    part: TrainPart | None,
    answers: dict[str, str] | None = None,
    held_out_seed: int | None = None,
) -> CausalRows:
    longest = longest_input(student.model, student.tokenizer, max_length)
    if longest < max_length:
        context.log(english("train.log.max_length_lowered", wanted=max_length, longest=longest), "warning")
    examples = learnt_examples(context.input_folder("data"), part)
    if held_out_seed is not None:
        left_out = set(rows_to_judge_by(context.input_folder("data"), held_out_seed, written=True).tolist())
        examples = [example for row, example in enumerate(examples) if row not in left_out]
    rows = causal_rows(examples, task, student.tokenizer, longest, answers)
    check_embedded(rows, embedding_rows(student.model), student.tokenizer)
    context.log(
        english(
            "causal.log.rows",
            rows=len(rows.names),
            tokens=int(rows.completion_lengths.sum()),
            truncated=rows.tokens.truncated,
            dropped=rows.dropped,
            max_length=longest,
        ),
        "warning" if rows.dropped else "info",
    )
    return rows


def _training_tokens(rows: CausalRows, student: _Student, max_length: int) -> TrainingTokens:
    longest = longest_input(student.model, student.tokenizer, max_length)
    return TrainingTokens(rows.tokens, rows.names, filling_id(student.tokenizer, student.model), longest)


def _task(task: Task | None) -> Task:
    if task is None:
        raise ValueError("the training of a language model has no task")
    return task
