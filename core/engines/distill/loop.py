"""The training loop, from the first step to the last; it goes on, bit for bit, where a checkpoint left off."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from core.domain import IntArray
from core.engines.checkpoint import Checkpoint, Checkpoints
from core.engines.device import Device
from core.engines.distill.batches import batch_count, epoch_batches
from core.engines.distill.schedule import one_cycle
from core.engines.models.starting import is_head
from core.engines.models.tokenization import TokenRows
from core.engines.random_state import random_state, restore_random_state
from core.errors import UserError
from core.i18n import english
from core.worker.context import JobContext, Stopped

PHASE = "phase.train"
WEIGHT_DECAY = 0.01
GRADIENT_NORM = 1.0
# A random head on a trained body has further to go: 3,000 rows of Banking77, MiniLM-L6, two epochs at 2e-4 reach an
# accuracy of 0.54 with factor 1, 0.80 with factor 5 and 0.85 with factor 10.
FRESH_HEAD_FACTOR = 10.0
_METRIC_POINTS = 200

# The loss of a batch: logits (rows, classes) and the rows' indices in the training data -> scalar.
Objective = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class TrainingPlan:
    """How a model is trained. `learning_rate` is the peak of the one-cycle schedule.

    A fresh head learns at `FRESH_HEAD_FACTOR` times that rate.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    seed: int
    fresh_head: bool = False


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
    """All that a training works on. `row_names` name the rows of `tokens` in messages; `pad_id` fills batches."""

    model: Any
    tokens: TokenRows
    pad_id: int
    row_names: tuple[str, ...]
    objective: Objective
    plan: TrainingPlan
    device: Device

    @property
    def total_steps(self) -> int:
        """Steps of all epochs together."""
        return self.plan.epochs * batch_count(len(self.row_names), self.plan.batch_size)


def train(
    training: Training, checkpoints: Checkpoints, resumed: Checkpoint | None, context: JobContext
) -> TrainingState:
    """Train the model in place and return how it went; `resumed` is the checkpoint to go on from.

    Raises Stopped after a checkpoint where the job is told to stop, and UserError where the loss is not finite (the
    last good checkpoint stays) or the disk is full.
    """
    plan, device, model = training.plan, training.device, training.model
    optimizer = _optimizer(model, plan, device)
    scaler = torch.amp.GradScaler(device.torch_device.type, enabled=device.scales_gradients)
    state = _restore(training, optimizer, scaler, resumed)
    saved_step, first_step, begin = state.step, state.step, time.monotonic()
    earlier_seconds = state.seconds
    total = training.total_steps
    per_epoch = total // plan.epochs
    point_every = max(1, total // _METRIC_POINTS)
    batches: list[IntArray] = []
    model.train()

    while state.step < total:
        if context.should_stop():
            if state.step > saved_step:
                _save(training, optimizer, scaler, state, checkpoints, context)
            raise Stopped
        epoch, index = divmod(state.step, per_epoch)
        if not batches or index == 0:
            batches = epoch_batches(training.tokens.lengths, plan.batch_size, plan.seed, epoch)

        rows = batches[index]
        ids, mask = (
            torch.from_numpy(array).to(device.torch_device) for array in training.tokens.padded(rows, training.pad_id)
        )
        for group in optimizer.param_groups:
            group["lr"] = one_cycle(state.step, total, plan.learning_rate * group["rate_factor"])
        optimizer.zero_grad(set_to_none=True)
        with device.autocast():
            logits = model(input_ids=ids, attention_mask=mask).logits
        loss = training.objective(logits, torch.from_numpy(rows))
        value = float(loss.detach())
        if not math.isfinite(value):
            raise _not_finite(training, state.step, rows, saved_step)
        scaler.scale(loss).backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        scaler.unscale_(optimizer)
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), GRADIENT_NORM)
        # With fp16 an overflow is expected now and then: the scaler skips that step and scales less.
        if not scaler.is_enabled() and not math.isfinite(float(norm)):
            raise _not_finite(training, state.step, rows, saved_step)
        scaler.step(optimizer)
        scaler.update()

        state.step += 1
        state.seconds = earlier_seconds + time.monotonic() - begin
        remaining_s = (time.monotonic() - begin) / (state.step - first_step) * (total - state.step)
        context.progress(PHASE, state.step, total, remaining_s)
        _count_loss(state, value, state.step % point_every == 0 or state.step == total, context)
        if index == per_epoch - 1:
            mean = state.epoch_sum / per_epoch
            context.log(english("train.log.epoch", epoch=epoch + 1, epochs=plan.epochs, loss=f"{mean:.4f}"))
            state.epoch_sum = 0.0
        if checkpoints.due() and state.step < total:
            _save(training, optimizer, scaler, state, checkpoints, context)
            saved_step = state.step
    return state


def _optimizer(model: Any, plan: TrainingPlan, device: Device) -> torch.optim.Optimizer:
    """AdamW (Loshchilov, Hutter 2019); biases and layer norms, which have one dimension, are not decayed."""
    groups: dict[tuple[float, float], list[torch.nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            factor = FRESH_HEAD_FACTOR if plan.fresh_head and is_head(model, name) else 1.0
            groups.setdefault((factor, WEIGHT_DECAY if parameter.ndim > 1 else 0.0), []).append(parameter)
    # One kernel over all of a parameter's state; the plain one costs a tenth of a step on the CPU.
    fused = device.torch_device.type in ("cpu", "cuda")
    return torch.optim.AdamW(
        [
            {"params": parameters, "rate_factor": factor, "weight_decay": decay}
            for (factor, decay), parameters in groups.items()
        ],
        lr=plan.learning_rate,
        fused=fused,
    )


def _count_loss(state: TrainingState, value: float, point_due: bool, context: JobContext) -> None:
    state.loss_sum += value
    state.loss_steps += 1
    state.epoch_sum += value
    if point_due:
        state.last_loss = state.loss_sum / state.loss_steps
        context.metric("loss", state.step, state.last_loss)
        state.loss_sum, state.loss_steps = 0.0, 0


def _not_finite(training: Training, step: int, rows: IntArray, saved_step: int) -> UserError:
    """The error that names the batch; a diverged model is not kept, the checkpoint before it is."""
    names = ", ".join(training.row_names[row] for row in rows[:3])
    return UserError(
        "train.loss_not_finite",
        step=step + 1,
        total_steps=training.total_steps,
        examples=names + (" …" if len(rows) > 3 else ""),
        saved_step=saved_step,
        learning_rate=training.plan.learning_rate,
    )


def _save(
    training: Training,
    optimizer: torch.optim.Optimizer,
    scaler: torch.amp.GradScaler,
    state: TrainingState,
    checkpoints: Checkpoints,
    context: JobContext,
) -> None:
    """Write a checkpoint of everything that the next step depends on."""
    moments = optimizer.state_dict()["state"]
    parts = {
        "model": _model_tensors(training.model),
        "optimizer": {f"{index}.{name}": tensor for index, part in moments.items() for name, tensor in part.items()},
        "random": random_state(training.device.torch_device),
    }
    document = {"training": {**vars(state), "resumed_steps": list(state.resumed_steps)}, "scaler": scaler.state_dict()}
    folder = checkpoints.save(state.step, parts, document)
    context.checkpointed(state.step, folder)


def _restore(
    training: Training, optimizer: torch.optim.Optimizer, scaler: torch.amp.GradScaler, resumed: Checkpoint | None
) -> TrainingState:
    """The state to begin with; model, optimizer and random generators are put back where a checkpoint is given."""
    if resumed is None:
        return TrainingState()
    device = training.device.torch_device
    saved = resumed.tensors("model", device)
    for name, tensor in _model_tensors(training.model).items():
        tensor.data.copy_(saved[name])
    moments: dict[int, dict[str, torch.Tensor]] = {}
    for key, tensor in resumed.tensors("optimizer").items():
        index, _, name = key.partition(".")
        moments.setdefault(int(index), {})[name] = tensor
    optimizer.load_state_dict({"state": moments, "param_groups": optimizer.state_dict()["param_groups"]})
    if scaler.is_enabled():
        scaler.load_state_dict(resumed.state["scaler"])
    restore_random_state(resumed.tensors("random"), device)
    fields = resumed.state["training"]
    return TrainingState(**{**fields, "resumed_steps": (*fields["resumed_steps"], resumed.step)})


def _model_tensors(model: Any) -> dict[str, torch.Tensor]:
    """Parameters and saved buffers by name, those that are tied only once."""
    kept = set(model.state_dict())
    buffers = {name: tensor for name, tensor in model.named_buffers() if name in kept}
    return {**dict(model.named_parameters()), **buffers}
