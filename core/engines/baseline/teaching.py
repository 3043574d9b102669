"""What the floor's teacher says of the train rows: a model's outputs, or a language model's recorded answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.domain import Example, FloatArray
from core.engines.baseline.fitting import DEVICE, TrainRows, train_rows_of
from core.engines.baseline.trials import one_hot
from core.engines.distill.teacher_cache import LogProbabilities, teacher_log_probabilities
from core.engines.language.answers import read_answers
from core.engines.models.opening import open_classifier
from core.engines.models.weights import resolve
from core.errors import UserError
from core.i18n import english
from core.jobs.specs import DistillParameters
from core.lazy import load
from core.model_files import fingerprint_weights
from core.spec import Train
from core.worker.context import JobContext

OUTPUTS_FOLDER = "teacher_outputs"
# Of a label that a language model did not name, or gave no probability: its logarithm must not outweigh all others.
_LEAST_SHARE = 1e-4


@dataclass(frozen=True, eq=False)
class Teaching:
    """The train rows, the teacher's log-probabilities of shape (rows, classes), and how and why they are used."""

    rows: TrainRows
    outputs: LogProbabilities
    technique: str
    reason: str


def teaching_of(parameters: DistillParameters, examples: Sequence[Example], context: JobContext) -> Teaching:
    """What there is to learn from besides the targets, nothing but these where the job has no teacher.

    Says that the job has started. A model's outputs are kept, so a job that was stopped goes on with them. Raises
    Stopped, and UserError where the rows do not fit the teacher, or it cannot be learnt from as is asked.
    """
    if "labels" in context.spec.inputs:
        context.started(DEVICE)
        return _from_answers(parameters.train, examples, context)
    if "teacher" not in context.spec.inputs and parameters.teacher_model is None:
        context.started(DEVICE)
        rows = train_rows_of(examples, sorted({example.target for example in examples}), parameters.train.seed)
        return Teaching(rows, _logarithms(one_hot(rows)), "targets", "train.reason.targets")
    return _from_model(parameters, examples, context)


def _from_model(parameters: DistillParameters, examples: Sequence[Example], context: JobContext) -> Teaching:
    if parameters.teacher_model is not None:
        folder = resolve(parameters.teacher_model, parameters.teacher_sha256)
    else:
        folder = context.input_folder("teacher") / "model"
    fit, device = load("core.engines.distill.fit_check"), load("core.engines.device").choose_device()
    fit.check_teacher_fit(folder, device, context)
    teacher = open_classifier(folder)
    context.started(teacher.device)
    rows = train_rows_of(examples, teacher.labels, parameters.train.seed)
    outputs = teacher_log_probabilities(
        teacher, fingerprint_weights(folder), rows.texts, context.folder / OUTPUTS_FOLDER, context
    )
    return Teaching(rows, outputs, "soft_labels", "train.reason.same_classes")


def _from_answers(settings: Train, examples: Sequence[Example], context: JobContext) -> Teaching:
    """The distributions that a language model gave, else the labels that it named; rows without an answer keep their
    target. Raises UserError where distributions are asked for and it gave too few."""
    answers = read_answers(context.input_folder("labels"))
    rows = train_rows_of(examples, answers.labels, settings.seed)
    answered = np.array([example.example_id in answers.rows for example in examples])
    names = [example.example_id for example in examples if example.example_id in answers.rows]
    shares = one_hot(rows)
    shares[answered] = answers.distributions(names)
    soft_rows = sum(answers.rows[name].distribution is not None for name in names)
    soft = 2 * soft_rows > len(names)
    if settings.technique == "soft_labels" and not soft:
        raise UserError("train.no_label_probabilities", count=len(names), soft=soft_rows)
    left_out = len(examples) - len(names)
    context.log(
        english("train.log.answers", rows=len(names), left_out=left_out, soft=soft_rows),
        "warning" if left_out else "info",
    )
    if soft:
        return Teaching(rows, _logarithms(shares), "soft_labels", "train.reason.label_probabilities")
    return Teaching(rows, _logarithms(shares), "labels", "train.reason.label_text")


def _logarithms(shares: FloatArray) -> LogProbabilities:
    return np.log(np.maximum(shares, _LEAST_SHARE)).astype(np.float32)
