"""The training loop, from first step to last; it goes on where a checkpoint left off, on the CPU bit for bit."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from core.domain import IntArray
from core.engines.checkpoint import Checkpoint, Checkpoints
from core.engines.distill.batches import epoch_batches
from core.engines.distill.objective import batch_loss, units_of
from core.engines.distill.replicas import Replicas, replicas_of
from core.engines.distill.resuming import restore, save
from core.engines.distill.schedule import one_cycle
from core.engines.distill.training import COMPANION, Training, TrainingState, trained_weights
from core.engines.models.starting import is_head
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


def train(
    training: Training, checkpoints: Checkpoints, resumed: Checkpoint | None, context: JobContext
) -> TrainingState:
    """Train the model in place and return how it went; `resumed` is the checkpoint to go on from.

    Raises Stopped after a checkpoint where the job is told to stop, and UserError where the loss is not finite (the
    last good checkpoint stays) or the disk is full.
    """
    plan, device, model = training.plan, training.device, training.model
    optimizer = _optimizer(training)
    scaler = torch.amp.GradScaler(device.torch_device.type, enabled=device.scales_gradients)
    training.observer.before_training()
    state = restore(training, optimizer, scaler, resumed)
    saved_step, first_step, begin = state.step, state.step, time.monotonic()
    earlier_seconds = state.seconds
    total = training.total_steps
    batches: list[IntArray] = []
    of_step: Sequence[IntArray] = ()
    model.train()
    replicas = replicas_of(model, device.torch_device, training.other_devices)
    # The first call makes the scaler's own tensors, and the replicas' threads may not race for it.
    scaler.scale(torch.zeros((), device=device.torch_device))

    while state.step < total:
        if context.should_stop():
            if state.step > saved_step:
                save(training, optimizer, scaler, state, checkpoints, context)
            raise Stopped
        epoch, index = divmod(state.step, total // plan.epochs)
        if not batches or index == 0:
            batches = epoch_batches(training.tokens.lengths, plan.batch_size, plan.seed, epoch)
        of_step = batches[index * plan.accumulate : (index + 1) * plan.accumulate]
        value = _step(training, optimizer, scaler, replicas, of_step, state.step, saved_step)

        state.step += 1
        training.observer.after_step(state.step)
        state.seconds = earlier_seconds + time.monotonic() - begin
        remaining_s = (time.monotonic() - begin) / (state.step - first_step) * (total - state.step)
        context.progress(PHASE, state.step, total, remaining_s)
        _count_loss(training, state, value, context)
        if state.step % (total // plan.epochs) == 0:
            training.observer.after_epoch(epoch + 1)
        if checkpoints.due() and state.step < total:
            save(training, optimizer, scaler, state, checkpoints, context)
            saved_step = state.step
    # The last update is looked at by no further step; a diverged model must not pass for a finished one.
    if state.step > first_step and not math.isfinite(_loss_now(training, of_step[-1])):
        raise _not_finite(training, state.step - 1, of_step[-1], saved_step)
    training.observer.after_training()
    return state


def _loss_now(training: Training, rows: IntArray) -> float:
    """The loss of some rows without learning from them."""
    model, place = training.model, training.device.torch_device
    was_training = model.training
    model.eval()
    ids, mask = (torch.from_numpy(array).to(place) for array in training.tokens.padded(rows, training.pad_id))
    with torch.no_grad(), training.device.autocast():
        loss = float(batch_loss(training.objective, model, ids, mask, rows))
    model.train(was_training)
    return loss


def _step(
    training: Training,
    optimizer: torch.optim.Optimizer,
    scaler: torch.amp.GradScaler,
    replicas: Replicas,
    of_step: Sequence[IntArray],
    step: int,
    saved_step: int,
) -> float:
    """Change the weights once by these batches; their loss. Raises UserError where it is not finite."""
    rows = of_step[0] if len(of_step) == 1 else np.concatenate(of_step)
    for group in optimizer.param_groups:
        group["lr"] = one_cycle(step, training.total_steps, training.plan.learning_rate * group["rate_factor"])
    optimizer.zero_grad(set_to_none=True)
    value = _accumulated_loss(training, of_step, scaler, replicas)
    if not math.isfinite(value):
        raise _not_finite(training, step, rows, saved_step)
    scaler.unscale_(optimizer)
    norm = torch.nn.utils.clip_grad_norm_(trained_weights(training).values(), GRADIENT_NORM)
    # With fp16 an overflow is expected now and then: the scaler skips that step and scales less.
    if not scaler.is_enabled() and not math.isfinite(float(norm)):
        raise _not_finite(training, step, rows, saved_step)
    scaler.step(optimizer)
    scaler.update()
    replicas.spread()
    return value


def _accumulated_loss(
    training: Training, batches: Sequence[IntArray], scaler: torch.amp.GradScaler, replicas: Replicas
) -> float:
    """The mean loss over all units of a step's batches, its gradient added to the weights; NaN or infinity at once."""
    all_units = sum(units_of(training.objective, rows) for rows in batches)

    def of_part(model: Any, place: torch.device, part: Sequence[IntArray]) -> float:
        total = 0.0
        for rows in part:
            ids, mask = (torch.from_numpy(array).to(place) for array in training.tokens.padded(rows, training.pad_id))
            with training.device.autocast():
                loss = batch_loss(training.objective, model, ids, mask, rows)
            units = units_of(training.objective, rows)
            if units != all_units:
                loss = loss * (units / all_units)
            total += float(loss.detach())
            if not math.isfinite(total):
                return total
            scaler.scale(loss).backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        return total

    if replicas.copies:
        return replicas.loss(batches, of_part)
    return of_part(training.model, training.device.torch_device, batches)


def _optimizer(training: Training) -> torch.optim.Optimizer:
    """AdamW (Loshchilov, Hutter 2019); biases and layer norms, which have one dimension, are not decayed."""
    model, plan = training.model, training.plan
    groups: dict[tuple[float, float], list[torch.nn.Parameter]] = {}
    for name, parameter in trained_weights(training).items():
        fresh = name.startswith(f"{COMPANION}.") or (plan.fresh_head and is_head(model, name))
        factor = FRESH_HEAD_FACTOR if fresh else 1.0
        groups.setdefault((factor, WEIGHT_DECAY if parameter.ndim > 1 else 0.0), []).append(parameter)
    # One kernel over all of a parameter's state; the plain one costs a tenth of a step on the CPU.
    fused = training.device.torch_device.type in ("cpu", "cuda")
    return torch.optim.AdamW(
        [
            {"params": parameters, "rate_factor": factor, "weight_decay": decay}
            for (factor, decay), parameters in groups.items()
        ],
        lr=plan.learning_rate,
        fused=fused,
    )


def _count_loss(training: Training, state: TrainingState, value: float, context: JobContext) -> None:
    """Tell a point of the curve where one is due, and the mean of an epoch at its end."""
    total, epochs = training.total_steps, training.plan.epochs
    state.loss_sum += value
    state.loss_steps += 1
    state.epoch_sum += value
    if state.step % max(1, total // _METRIC_POINTS) == 0 or state.step == total:
        state.last_loss = state.loss_sum / state.loss_steps
        context.metric("loss", state.step, state.last_loss)
        state.loss_sum, state.loss_steps = 0.0, 0
    epoch, rest = divmod(state.step, total // epochs)
    if rest == 0:
        mean = state.epoch_sum / (total // epochs)
        context.log(english("train.log.epoch", epoch=epoch, epochs=epochs, loss=f"{mean:.4f}"))
        state.epoch_sum = 0.0


def _not_finite(training: Training, step: int, rows: IntArray, saved_step: int) -> UserError:
    """The error that names the rows that have no loss, else the batch; a diverged model is not kept, the checkpoint
    before it is."""
    alone = [row for row in rows if not math.isfinite(_loss_now(training, np.asarray([row])))]
    if 0 < len(alone) < len(rows):
        return UserError(
            "train.row_not_finite",
            step=step + 1,
            total_steps=training.total_steps,
            rows=", ".join(training.row_names[row] for row in alone[:3]) + (" …" if len(alone) > 3 else ""),
            saved_step=saved_step,
        )
    names = ", ".join(training.row_names[row] for row in rows[:3])
    return UserError(
        "train.loss_not_finite",
        step=step + 1,
        total_steps=training.total_steps,
        examples=names + (" …" if len(rows) > 3 else ""),
        saved_step=saved_step,
        learning_rate=training.plan.learning_rate,
    )
