"""One training of a classifier's search: the student of one setting, judged on the held-out rows after each epoch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from core.domain import IntArray
from core.engines.device import Device
from core.engines.distill.construct import student_from_layers
from core.engines.distill.job import LEARNING_RATE
from core.engines.distill.label_losses import soft_objective
from core.engines.distill.training_job import Material, begin, finished_before, run_training, tokenized
from core.engines.held_out import HeldOut, best_labels
from core.engines.models.starting import text_encoder
from core.engines.part_context import PartContext
from core.engines.random_state import seed_all
from core.engines.sweep.judge import Ends, Judge
from core.engines.sweep.rows import SearchRows
from core.engines.sweep.space import Settings
from core.jobs.results import TrainResult
from core.jobs.specs import SweepParameters
from core.model_files import fingerprint_weights


def train_student(
    teacher: Path,
    settings: Settings,
    parameters: SweepParameters,
    data: SearchRows,
    chosen: IntArray,
    ends: Ends | None,
    context: PartContext,
) -> TrainResult:
    """As `students.Students.train`."""
    done = finished_before(context)
    if done is not None:
        return done
    training, rows = settings.training(parameters.train), data.part(chosen)
    attempt = begin(context)
    seed_all(training.seed)
    made = student_from_layers(teacher, data.labels, settings.student(parameters.space), rows.inputs)
    material = Material(
        made.model,
        made.tokenizer,
        data.labels,
        fingerprint_weights(teacher),
        False,
        made.details,
        "soft_labels",
        "train.reason.same_classes",
    )
    tokens = tokenized(material, rows, training.max_length, context)
    objective = soft_objective(training, [data.targets[row] for row in chosen], data.soft[chosen])
    rate = training.learning_rate or LEARNING_RATE
    judge = None
    if ends is not None:
        held_out = _HeldOut(material, tokens.max_length, data.judged_on, attempt.device)
        judge = Judge(held_out.quality, context.folder, ends)
    return run_training("distill", material, tokens, training, rate, objective, attempt, context, judge)


class _HeldOut:
    """The held-out rows as a student reads them."""

    def __init__(self, material: Material, max_length: int, held_out: HeldOut, device: Device) -> None:
        encoder = text_encoder(material.tokenizer, max_length)
        self._model: Any = material.model
        self._labels, self._pad_id = material.labels, encoder.pad_id
        self._tokens = encoder.encode(held_out.inputs)
        self._held_out, self._device = held_out, device

    def quality(self) -> float:
        """That of the student as it is now."""
        chosen = best_labels(self._model, self._tokens, self._pad_id, self._device)
        return self._held_out.quality([self._labels[place] for place in chosen])
