"""One training of a language model's search, judged after each epoch by the held-out tokens that it would write."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from core.domain import IntArray
from core.engines.device import Device
from core.engines.distill.causal_model import body_states, head_logits
from core.engines.distill.causal_objective import CausalObjective
from core.engines.distill.causal_rows import CausalRows
from core.engines.distill.construct import language_student_from_layers, told_layers
from core.engines.distill.influence import Batch, batch_of, spread_rows
from core.engines.distill.tempering import Temperatures
from core.engines.distill.token_cache import TemperedCache, TokenCache
from core.engines.distill.token_losses import CHUNK_POSITIONS
from core.engines.distill.training_job import Material, TrainingTokens, begin, finished_before, run_training
from core.engines.language.opening import filling_id
from core.engines.part_context import PartContext
from core.engines.random_state import seed_all
from core.engines.sweep.judge import Ends, Judge
from core.engines.sweep.space import Settings
from core.engines.sweep.written_rows import WrittenRows
from core.jobs.results import TrainResult
from core.jobs.specs import DISTILL_LEARNING_RATE, SweepParameters

_BATCH_ROWS = 16


@dataclass(frozen=True)
class Lessons:
    """What all students of a search learn from: the teacher's folder, the hash of the file or folder that it came from,
    its tokenizer, the longest row in tokens, and how many tokens mean something. `outputs` null means texts alone."""

    teacher: Path
    tokenizer: Any
    sha256: str
    max_length: int
    vocabulary: int
    outputs: TokenCache | None = None
    temperatures: Temperatures | None = None

    def with_outputs(self, outputs: TokenCache, temperatures: Temperatures) -> Lessons:
        """The same with the teacher's outputs on all rows."""
        return replace(self, outputs=outputs, temperatures=temperatures)

    def of_rows(self, chosen: IntArray, temperature: float) -> TemperedCache | None:
        """The teacher's outputs on some rows at a temperature."""
        if self.outputs is None or self.temperatures is None:
            return None
        return TemperedCache(self.outputs, chosen, self.temperatures, temperature)


def train_writer(
    lessons: Lessons,
    settings: Settings,
    parameters: SweepParameters,
    data: WrittenRows,
    chosen: IntArray,
    ends: Ends | None,
    context: PartContext,
) -> TrainResult:
    """As `students.Students.train`."""
    done = finished_before(context)
    if done is not None:
        return done
    training, rows = settings.training(parameters.train), data.rows.part(chosen)
    attempt = begin(context)
    seed_all(training.seed)

    def measured(_tokenizer: Any) -> list[Batch]:
        """Some of the rows, where influence is asked for."""
        return [batch_of(rows.tokens.padded(np.array([row]), pad_id=0)) for row in spread_rows(len(rows.names))]

    student = settings.student(parameters.space)
    model, kept = language_student_from_layers(lessons.teacher, student, measured)
    pad_id = filling_id(lessons.tokenizer, model)
    outputs = lessons.of_rows(chosen, training.temperature)
    details = {**settings.document(None), "layers": told_layers(student, kept)}
    material = Material(model, lessons.tokenizer, (), lessons.sha256, False, details, *_technique(outputs is not None))
    objective = CausalObjective(rows, lessons.vocabulary, outputs, training.temperature, training.alpha)
    tokens = TrainingTokens(rows.tokens, rows.names, pad_id, lessons.max_length)
    judge = None
    if ends is not None:
        held_out = data.rows.part(data.held_out)
        quality = _HeldOut(model, held_out, pad_id, lessons.vocabulary, attempt.device)
        judge = Judge(quality.share, context.folder, ends)
    rate = training.learning_rate or DISTILL_LEARNING_RATE
    return run_training("distill", material, tokens, training, rate, objective, attempt, context, judge)


def _technique(has_outputs: bool) -> tuple[str, str]:
    """How the teacher is used, and the message code that says why."""
    return ("logit", "train.reason.same_vocabulary") if has_outputs else ("sequence", "train.reason.asked")


@dataclass(frozen=True, eq=False)
class _HeldOut:
    """The held-out rows as a student in training reads them."""

    model: Any
    rows: CausalRows
    pad_id: int
    vocabulary: int
    device: Device

    def share(self) -> float:
        """The share of the completions' tokens that the student would write next, given all before them.

        Nothing random is drawn, and the model is in the mode that it was in.
        """
        training, right = bool(self.model.training), 0
        order = np.argsort(-self.rows.tokens.lengths, kind="stable")
        self.model.eval()
        for begin_row in range(0, len(order), _BATCH_ROWS):
            right += self._right(order[begin_row : begin_row + _BATCH_ROWS])
        self.model.train(training)
        return right / int(self.rows.completion_lengths.sum())

    def _right(self, rows: IntArray) -> int:
        place = self.device.torch_device
        ids, mask = (torch.from_numpy(array).to(place) for array in self.rows.tokens.padded(rows, self.pad_id))
        followed = torch.from_numpy(self.rows.followed(rows)).to(place)
        with torch.inference_mode(), self.device.autocast():
            hidden, targets = body_states(self.model, ids, mask)[:, :-1][followed], ids[:, 1:][followed]
            parts = zip(*(torch.split(all_of, CHUNK_POSITIONS) for all_of in (hidden, targets)), strict=True)
            right = 0
            for part, wanted in parts:
                right += int(torch.eq(head_logits(self.model, part, self.vocabulary).argmax(dim=-1), wanted).sum())
        return right
