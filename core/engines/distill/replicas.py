"""Several GPUs on one training: each holds a copy of the model and takes its part of every batch's rows.

A step's loss is a mean over units, so the parts' gradients, each weighted by its units, add up to that of the whole
batch: the same training as on one GPU, but for rounding. One process drives all of them from a thread each. Which
numbers dropout draws on the other GPUs is no part of a checkpoint, so a resumed training ends alike there, and not to
the last bit.

accelerate spreads a model that fits no single GPU (`device_map`, `core/engines/language/opening.py`). Its data-parallel
training is a process for each GPU under a launcher; a job is one process, which owns its event log, its checkpoints and
the stop that it is told, and a copy for each GPU within it needs none of these to be shared.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from core.domain import IntArray
from core.engines.device import Device

# A model, the device that it is on, and batches of rows -> the loss that was added up, its gradient in the weights.
PartLoss = Callable[[Any, torch.device, Sequence[IntArray]], float]


@dataclass(frozen=True, eq=False)
class Replicas:
    """Copies of a model on other devices."""

    model: Any
    device: torch.device
    copies: tuple[tuple[Any, torch.device], ...] = ()

    def loss(self, batches: Sequence[IntArray], of_part: PartLoss) -> float:
        """The loss of a step's batches with its gradient in the model's weights, computed on all devices at once."""
        places = [(self.model, self.device), *self.copies]
        parts = [[np.array_split(rows, len(places))[place] for rows in batches] for place in range(len(places))]
        parts = [[rows for rows in part if len(rows)] for part in parts]
        with ThreadPoolExecutor(len(places)) as threads:
            running = [
                threads.submit(of_part, model, device, part)
                for (model, device), part in zip(places, parts, strict=True)
            ]
            total = sum(one.result() for one in running)
        self._gather()
        return total

    def spread(self) -> None:
        """Give the copies the model's weights, which a step has changed."""
        with torch.no_grad():
            for other, _ in self.copies:
                for own, theirs in zip(self.model.parameters(), other.parameters(), strict=True):
                    if own.requires_grad:
                        theirs.copy_(own, non_blocking=True)

    def _gather(self) -> None:
        """Add the copies' gradients to the model's, and forget them."""
        for other, _ in self.copies:
            for own, theirs in zip(self.model.parameters(), other.parameters(), strict=True):
                if theirs.grad is None:
                    continue
                gradient = theirs.grad.to(own.device)
                own.grad = gradient if own.grad is None else own.grad.add_(gradient)
                theirs.grad = None


def replicas_of(model: Any, device: torch.device, others: Sequence[torch.device]) -> Replicas:
    """The model on `device` with a copy on each of `others`."""
    return Replicas(model, device, tuple((copy.deepcopy(model).to(other), other) for other in others))


def other_gpus(device: Device) -> tuple[torch.device, ...]:
    """The GPUs beside the first that a training on `device` may use: none where the user has named one, or has one."""
    # A device without a number is the one that torch chose.
    if str(device.torch_device) != "cuda":
        return ()
    first = torch.cuda.current_device()
    return tuple(torch.device("cuda", index) for index in range(torch.cuda.device_count()) if index != first)
