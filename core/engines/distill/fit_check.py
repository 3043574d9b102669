"""Whether a training fits into memory, told before it starts: the peak predicted from one forward pass of two rows.

Peak = what the process holds now + gradients and both moments of AdamW (three times the trained weights) +
`ACTIVATION_FACTOR` · the tensors that autograd saves for a row · rows of a batch + `WORKSPACE_MIB`, or what an output
head over a large vocabulary takes for a chunk of positions, where that is more. The factor and the workspace were
fitted to the kernel's high-water marks of five trainings of MiniLM-L6 (1 to 6 layers, batches of 32 to 128, 32 to 256
tokens); on those and three others (up to 512 tokens) the prediction lay between 6 % below and 14 % above the mark, on
five Llamas with 49,152 tokens between 0 and 12 % above (`tests/benchmarks/memory_fit.py`). On a GPU the same
sum is held against the device's free memory; it has not been measured there.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from core.engines.device import Device, device_of_model
from core.engines.device_memory import MIB, free_memory_mib, gpus_to_spread_over
from core.engines.distill.objective import BatchObjective
from core.engines.distill.training import Training
from core.errors import UserError
from core.i18n import english
from core.model_files import is_gguf_file, loaded_bytes
from core.worker.context import JobContext

IGNORE_VARIABLE = "TERCET_IGNORE_MEMORY"
ACTIVATION_FACTOR = 1.42
WORKSPACE_MIB = 150.0
STATED_ERROR = 0.15
_SHORTEST_TOKENS = 16
_HOST = Device(torch.device("cpu"), "CPU")

# A model, token ids and attention mask -> what holds the activations of the backward pass.
Forward = Callable[[Any, torch.Tensor, torch.Tensor], Any]


@dataclass(frozen=True)
class MemoryNeed:
    """What a training adds to the memory held now, MiB: `fixed_mib`, and `row_mib` for each row of a batch."""

    fixed_mib: float
    row_mib: float

    def of_batch(self, rows: int) -> float:
        """The peak with batches of so many rows, MiB."""
        return self.fixed_mib + self.row_mib * rows

    def largest_batch(self, free_mib: float) -> int:
        """The most rows of a batch that fit; 0 where not even one does."""
        return max(0, int((free_mib - self.fixed_mib) / self.row_mib))


def check_fit(training: Training, context: JobContext) -> None:
    """Say how much memory the training will take. Raises UserError, naming the nearest setting that fits, where that is
    more than is free; the environment variable TERCET_IGNORE_MEMORY lets it start all the same."""
    longest = int(training.tokens.lengths.max())
    need = training_need(training, longest)
    free_mib = _least_free_mib(training)
    figures = _fits(need, training.rows_at_once, free_mib, context, 1 + len(training.other_devices))
    if figures is None:
        return
    tokens = _longest_that_fits(training, longest, free_mib)
    if tokens is None:
        raise UserError("train.too_large_for_good", **figures)
    raise UserError("train.too_large_rows", **figures, max_length=tokens)


def splits_that_fit(training: Training, context: JobContext) -> int:
    """Into how many equal parts each batch is to be cut so that one part at a time fits, a power of two; says so.

    For trainings whose batch no setting names. Raises UserError where not even one row at a time fits;
    TERCET_IGNORE_MEMORY leaves the batches whole.
    """
    need = training_need(training, int(training.tokens.lengths.max()))
    free_mib, rows = _least_free_mib(training), training.rows_at_once
    figures = _figures(need.of_batch(rows), free_mib)
    context.log(english("train.log.memory", **figures))
    if need.of_batch(rows) <= free_mib:
        return 1
    if os.environ.get(IGNORE_VARIABLE):
        context.log(english("train.log.memory_ignored"), "warning")
        return 1
    fitting, splits = need.largest_batch(free_mib), 1
    if fitting == 0:
        raise UserError("prune.too_large", **_figures(need.of_batch(1), free_mib))
    while min(training.plan.batch_size // splits, len(training.row_names)) > fitting:
        splits *= 2
    context.log(english("prune.log.smaller_batches", rows=training.plan.batch_size // splits, splits=splits), "warning")
    return splits


def _least_free_mib(training: Training) -> float:
    """What is free on the fullest of the devices that share the work, each of which holds the model and its part of a
    batch, MiB."""
    return min(_free_mib(training.device, (training.device.torch_device, *training.other_devices)))


def _free_mib(device: Device, places: Sequence[torch.device]) -> list[float]:
    return [free_memory_mib(replace(device, torch_device=place)) for place in places]


def _figures(predicted_mib: float, free_mib: float) -> dict[str, str]:
    return {"predicted": f"{predicted_mib:,.0f}", "error": f"{STATED_ERROR:.0%}", "free": f"{free_mib:,.0f}"}


def _fits(need: MemoryNeed, rows: int, free_mib: float, context: JobContext, devices: int = 1) -> dict[str, str] | None:
    """Say how much memory `rows` rows of a batch take on each of `devices`; null where they may begin, the figures
    where no batch fits.

    Raises UserError, naming the largest batch that does, where a smaller one fits.
    """
    predicted_mib = need.of_batch(rows)
    figures = _figures(predicted_mib, free_mib)
    context.log(english("train.log.memory", **figures))
    if predicted_mib <= free_mib:
        return None
    if os.environ.get(IGNORE_VARIABLE):
        context.log(english("train.log.memory_ignored"), "warning")
        return None
    fitting = need.largest_batch(free_mib)
    if fitting > 0:
        raise UserError("train.too_large", **figures, batch_size=fitting * devices)
    return figures


def check_teacher_fit(source: Path, device: Device, context: JobContext) -> None:
    """Say how much memory the weights of a teacher in fp32 will take while it is asked, as those of every classifier
    do; it leaves memory before the training.

    Raises UserError where that is more than is free; TERCET_IGNORE_MEMORY lets it start all the same.
    """
    _check_weights(loaded_bytes(source, torch.float32.itemsize) / MIB, free_memory_mib(device), context)


def check_language_fit(source: Path, device: Device, context: JobContext) -> None:
    """As `check_teacher_fit`, of a language model that is opened on `device`: in its lower precision where it has one,
    and spread over all GPUs where one does not hold it, so that their free memory counts together."""
    free_mib = sum(_free_mib(device, gpus_to_spread_over(device) or (device.torch_device,)))
    dtype = device.autocast_dtype or torch.float32
    _check_weights(loaded_bytes(source, dtype.itemsize) / MIB, free_mib, context)


def _check_weights(needed_mib: float, free_mib: float, context: JobContext) -> None:
    if needed_mib == 0.0:
        return  # a floor: it has no weights of a network
    figures = {"predicted": f"{needed_mib:,.0f}", "free": f"{free_mib:,.0f}"}
    context.log(english("train.log.teacher_memory", **figures))
    if needed_mib > free_mib and not os.environ.get(IGNORE_VARIABLE):
        raise UserError("train.teacher_too_large", **figures)


def check_labeller_fit(source: Path, runtime: str, context: JobContext) -> None:
    """Say how much memory the weights of a model take that labels on this machine.

    Raises UserError where that is more than is free, naming llama.cpp where that runtime would fit, for it leaves a
    GGUF file's weights as they are stored; TERCET_IGNORE_MEMORY lets it start all the same.
    """
    if runtime == "llama.cpp":
        _check_weights(source.stat().st_size / MIB, free_memory_mib(_HOST), context)
        return
    try:
        check_language_fit(source, device_of_model(source), context)
    except UserError as refusal:
        stored_mib = source.stat().st_size / MIB if is_gguf_file(source) else math.inf
        if stored_mib > free_memory_mib(_HOST):
            raise
        values = {"predicted": refusal.values["predicted"], "free": refusal.values["free"]}
        raise UserError("label.too_large_for_torch", **values, stored=f"{stored_mib:,.0f}") from refusal


def check_beside_teacher(model: torch.nn.Module, tokens: int, rows: int, device: Device, context: JobContext) -> None:
    """Say how much memory a training by a library takes besides what is held now, its teacher among it, with batches of
    `rows` rows of at most so many tokens. Raises UserError as `check_fit` does."""
    figures = _fits(memory_need(model, tokens, device), rows, free_memory_mib(device), context)
    if figures is not None:
        raise UserError("train.too_large_for_good", **figures)


def training_need(training: Training, tokens: int) -> MemoryNeed:
    """What the training adds to the memory held now with rows of so many tokens."""
    objective = training.objective
    if not isinstance(objective, BatchObjective):
        return memory_need(training.model, tokens, training.device)
    workspace_mib = max(WORKSPACE_MIB, objective.workspace_mib(training.model))
    if objective.companion is not None:
        workspace_mib += 3 * _trained_bytes(objective.companion) / MIB
    need = memory_need(training.model, tokens, training.device, objective.saves, workspace_mib)
    return MemoryNeed(need.fixed_mib, need.row_mib + objective.row_mib(tokens))


def memory_need(
    model: torch.nn.Module,
    tokens: int,
    device: Device,
    forward: Forward | None = None,
    workspace_mib: float = WORKSPACE_MIB,
) -> MemoryNeed:
    """What training the model on rows of so many tokens adds to the memory held now; `forward` null runs all of it."""
    run = forward or _whole_model
    weights = _trained_bytes(model)
    one, two = (_saved_bytes(model, rows, tokens, device, run) for rows in (1, 2))
    return MemoryNeed(3 * weights / MIB + workspace_mib, ACTIVATION_FACTOR * max(1, two - one) / MIB)


def _trained_bytes(model: torch.nn.Module) -> int:
    return sum(part.numel() * part.element_size() for part in model.parameters() if part.requires_grad)


def _whole_model(model: Any, ids: torch.Tensor, mask: torch.Tensor) -> Any:
    return model(input_ids=ids, attention_mask=mask)


def _saved_bytes(model: torch.nn.Module, rows: int, tokens: int, device: Device, forward: Forward) -> int:
    """The bytes that autograd keeps for the backward pass of one batch, each storage counted once."""
    weights = {part.untyped_storage().data_ptr() for part in model.parameters()}
    kept: dict[int, int] = {}

    def remember(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    ids = torch.ones((rows, tokens), dtype=torch.int64, device=device.torch_device)
    model.train()
    with torch.autograd.graph.saved_tensors_hooks(remember, lambda tensor: tensor), device.autocast():
        # Held until the sum is taken: a freed storage's address would be given out again.
        output = forward(model, ids, torch.ones_like(ids))
    total = sum(size for address, size in kept.items() if address not in weights)
    del output
    return total


def _longest_that_fits(training: Training, longest: int, free_mib: float) -> int | None:
    tokens = longest // 2
    while tokens >= _SHORTEST_TOKENS:
        if training_need(training, tokens).largest_batch(free_mib) > 0:
            return tokens
        tokens //= 2
    return None
