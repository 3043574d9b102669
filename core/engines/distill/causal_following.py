"""A language model's teacher that runs beside its student, so that its hidden states can be followed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from core.domain import IntArray
from core.engines.device import Device
from core.engines.distill.causal_model import layer_states, same_tokenizer
from core.engines.distill.causal_objective import Following
from core.engines.distill.fit_check import check_language_fit
from core.engines.distill.hidden import StateDistance, followed_layers
from core.engines.distill.training_job import Material
from core.engines.language.opening import open_language_model
from core.errors import UserError
from core.i18n import english
from core.jobs.specs import DistillParameters
from core.worker.context import JobContext


@dataclass(frozen=True, eq=False)
class FollowedTeacher:
    """A teacher in evaluation mode on the training's device, and the student's distance from its states."""

    model: Any
    following: Following


def followed_teacher(
    parameters: DistillParameters, material: Material, source: Path | None, device: Device, context: JobContext
) -> FollowedTeacher | None:
    """Open the teacher in the folder or GGUF file `source`; null where the study gives hidden states no weight.

    Raises UserError where it is none that can be opened, splits texts into other tokens, or does not fit into memory.
    """
    weight, student = parameters.train.hidden_weight, material.model
    if weight == 0.0:
        return None
    if source is None:
        raise UserError("train.no_states")
    check_language_fit(source, device, context)
    opened = open_language_model(source, device)
    if not same_tokenizer(opened.tokenizer, material.tokenizer):
        raise UserError("train.hidden_tokens")
    teacher = opened.model
    ours, theirs = (model.config.get_text_config() for model in (student, teacher))
    available = int(theirs.num_hidden_layers)
    chosen = followed_layers(material.teacher_layers, int(ours.num_hidden_layers), available)
    widths = int(ours.hidden_size), int(theirs.hidden_size)
    context.log(english("causal.log.following", layers=", ".join(str(layer + 1) for layer in chosen)))

    def states(ids: torch.Tensor, mask: torch.Tensor, _rows: IntArray) -> Sequence[torch.Tensor]:
        with torch.no_grad():
            return layer_states(teacher, ids, mask)

    distance = StateDistance(states, chosen, available, widths, unit_size=True)
    return FollowedTeacher(teacher, Following(distance, weight))
