"""What a training works on, how it is to be done, and where it stands."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch

from core.engines.device import Device
from core.engines.distill.batches import batch_count
from core.engines.distill.objective import Objective, companion_of
from core.engines.distill.observer import Observer
from core.engines.models.tokenization import TokenRows

COMPANION = "companion"
"""What the names of the objective's own weights begin with."""


@dataclass(frozen=True)
class TrainingPlan:
    """How a model is trained. `learning_rate` is the peak of the one-cycle schedule.

    A fresh head learns at `loop.FRESH_HEAD_FACTOR` times that rate. A step adds up the gradients of `accumulate`
    batches.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    seed: int
    fresh_head: bool = False
    accumulate: int = 1


@dataclass
class TrainingState:
    """Where a training stands; its fields are the JSON part of a checkpoint.

    `seconds` is the time spent in steps, over all attempts. The sums are of the losses since the last point of the
    curve, and since the epoch's begin.
    """

    step: int = 0
    seconds: float = 0.0
    loss_sum: float = 0.0
    loss_steps: int = 0
    epoch_sum: float = 0.0
    last_loss: float | None = None
    resumed_steps: tuple[int, ...] = ()


@dataclass(frozen=True)
class Training:
    """All that a training works on. `row_names` name the rows of `tokens` in messages; `pad_id` fills batches.

    `other_devices` each get a copy of the model and a part of every batch.
    """

    model: Any
    tokens: TokenRows
    pad_id: int
    row_names: tuple[str, ...]
    objective: Objective
    plan: TrainingPlan
    device: Device
    observer: Observer = field(default_factory=Observer)
    other_devices: tuple[torch.device, ...] = ()

    @property
    def total_steps(self) -> int:
        """Steps of all epochs together."""
        batches = batch_count(len(self.row_names), self.plan.batch_size)
        return self.plan.epochs * batch_count(batches, self.plan.accumulate)

    @property
    def rows_at_once(self) -> int:
        """The rows of the largest batch that one device works on: of fewer rows than a batch takes, all there are."""
        return -(-min(self.plan.batch_size, len(self.row_names)) // (1 + len(self.other_devices)))


def trained_weights(training: Training) -> dict[str, torch.nn.Parameter]:
    """Every weight that the training changes by name, the objective's own ones among them."""
    companion = companion_of(training.objective)
    own = () if companion is None else companion.named_parameters(prefix=COMPANION)
    named = [*training.model.named_parameters(), *own]
    return {name: parameter for name, parameter in named if parameter.requires_grad}
