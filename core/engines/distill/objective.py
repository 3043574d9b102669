"""What a training minimises, beyond a function of a classifier's logits: losses that run the model themselves."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import torch

from core.domain import IntArray

# The loss of a classifier's batch: logits (rows, classes) and the rows' indices in the training data -> mean loss.
LogitObjective = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


class BatchObjective(ABC):
    """A loss that is a mean over units, such as the target tokens of a batch."""

    # Whether it holds models or weights of its own, which are on one device.
    one_device = False
    # Weights that are trained with the model and left behind at the end, such as a projection between widths.
    companion: torch.nn.Module | None = None

    @abstractmethod
    def loss(self, model: Any, ids: torch.Tensor, mask: torch.Tensor, rows: IntArray) -> torch.Tensor:
        """The mean loss over the units of these rows, a scalar; `ids` and `mask` have the shape (rows, tokens)."""

    @abstractmethod
    def units(self, rows: IntArray) -> int:
        """How many units the rows have: their share of a step's loss when a step has several batches."""

    def saves(self, model: Any, ids: torch.Tensor, mask: torch.Tensor) -> Any:
        """Run the part of the model whose activations are kept for the backward pass; the result holds them."""
        return model(input_ids=ids, attention_mask=mask)

    def workspace_mib(self, model: Any) -> float:
        """What the loss needs besides, whatever the batch, MiB."""
        return 0.0

    def row_mib(self, tokens: int) -> float:
        """What each row of so many tokens needs besides what is kept for the backward pass, MiB."""
        return 0.0


Objective = LogitObjective | BatchObjective


def batch_loss(objective: Objective, model: Any, ids: torch.Tensor, mask: torch.Tensor, rows: IntArray) -> torch.Tensor:
    """The mean loss of one batch."""
    if isinstance(objective, BatchObjective):
        return objective.loss(model, ids, mask, rows)
    return objective(model(input_ids=ids, attention_mask=mask).logits, torch.from_numpy(rows))


def units_of(objective: Objective, rows: IntArray) -> int:
    """The units of some rows: rows themselves for a function of logits."""
    return objective.units(rows) if isinstance(objective, BatchObjective) else len(rows)


def companion_of(objective: Objective) -> torch.nn.Module | None:
    """The weights that the objective trains besides the model's; null where it has none."""
    return objective.companion if isinstance(objective, BatchObjective) else None
