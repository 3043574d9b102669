"""One training of a search: the student of one setting, its quality on the held-out rows told after each epoch."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from core.domain import IntArray
from core.engines.device import Device
from core.engines.distill.class_teaching import soft_objective
from core.engines.distill.construct import student_from_layers
from core.engines.distill.job import LEARNING_RATE
from core.engines.distill.observer import Observer
from core.engines.distill.training_job import Material, begin, finished_before, run_training, tokenized
from core.engines.durable import write_json
from core.engines.held_out import HeldOut, best_labels
from core.engines.models.starting import text_encoder
from core.engines.part_context import PartContext
from core.engines.random_state import seed_all
from core.engines.sweep.rows import SearchRows
from core.engines.sweep.space import Settings
from core.jobs.results import TrainResult
from core.model_files import fingerprint_weights
from core.spec import Train

_QUALITIES = "qualities.json"


class EndedEarly(Exception):  # noqa: N818 - a decision, not an error
    """Raised after an epoch of a training that is not worth its end; `seconds` it took in this attempt."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"ended after {seconds:.1f} s")
        self.seconds = seconds


class Judge(Observer):
    """Measures a student on the held-out rows after each epoch, and ends its training where `ends` says so."""

    def __init__(
        self,
        material: Material,
        max_length: int,
        held_out: HeldOut,
        device: Device,
        folder: Path,
        ends: Callable[[Sequence[float]], bool],
    ) -> None:
        encoder = text_encoder(material.tokenizer, max_length)
        self._model: Any = material.model
        self._labels, self._pad_id = material.labels, encoder.pad_id
        self._tokens = encoder.encode(held_out.inputs)
        self._held_out, self._device, self._folder, self._ends = held_out, device, folder, ends
        self._begun = time.monotonic()

    def after_epoch(self, epoch: int) -> None:
        """Remember the quality. Raises EndedEarly."""
        chosen = best_labels(self._model, self._tokens, self._pad_id, self._device)
        quality = self._held_out.quality([self._labels[place] for place in chosen])
        # Epochs that are trained again after a kill replace what the lost ones said.
        known = [*qualities_of(self._folder)[: epoch - 1], quality]
        partial = self._folder / f"{_QUALITIES}.partial"
        write_json(partial, {"qualities": known})
        partial.replace(self._folder / _QUALITIES)
        if self._ends(known):
            raise EndedEarly(time.monotonic() - self._begun)


def qualities_of(folder: Path) -> tuple[float, ...]:
    """The qualities after each epoch of the training in `folder`; those of a training that was ended are there too."""
    path = folder / _QUALITIES
    if not path.is_file():
        return ()
    return tuple(float(value) for value in json.loads(path.read_text(encoding="utf-8"))["qualities"])


def train_student(
    teacher: Path,
    settings: Settings,
    shared: Train,
    data: SearchRows,
    chosen: IntArray,
    ends: Callable[[Sequence[float]], bool] | None,
    context: PartContext,
) -> TrainResult:
    """Train the student of `settings` on the rows `chosen`; its model stands in `model/` of the part's folder.

    `ends` hears the qualities after each epoch and says whether that was the last one; without it nothing is held
    against the held-out rows. Raises EndedEarly, Stopped, and UserError where the loss is not finite or memory does not
    reach. A killed training goes on from its checkpoint, and a finished one is not trained again.
    """
    done = finished_before(context)
    if done is not None:
        return done
    training, rows = settings.training(shared), data.part(chosen)
    attempt = begin(context)
    seed_all(training.seed)
    made = student_from_layers(teacher, data.labels, settings.student(), rows.inputs)
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
        judge = Judge(material, tokens.max_length, data.judged_on, attempt.device, context.folder, ends)
    return run_training("distill", material, tokens, training, rate, objective, attempt, context, judge)
