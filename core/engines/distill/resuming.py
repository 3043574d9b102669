"""A training's checkpoint: written, and taken up again so that it goes on, on the CPU bit for bit.

On a GPU sums may be added in another order at every run, so that a resumed training ends alike there.
"""

from __future__ import annotations

import torch

from core.engines.checkpoint import Checkpoint, Checkpoints
from core.engines.distill.training import Training, TrainingState, trained_weights
from core.engines.random_state import random_state, restore_random_state
from core.worker.context import JobContext


def save(
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
        "model": _changing_tensors(training),
        "optimizer": {f"{index}.{name}": tensor for index, part in moments.items() for name, tensor in part.items()},
        "random": random_state(training.device.torch_device),
    }
    followed = training.observer.tensors()
    if followed:
        parts["observer"] = followed
    document = {"training": {**vars(state), "resumed_steps": list(state.resumed_steps)}, "scaler": scaler.state_dict()}
    folder = checkpoints.save(state.step, parts, document)
    context.checkpointed(state.step, folder)


def restore(
    training: Training, optimizer: torch.optim.Optimizer, scaler: torch.amp.GradScaler, resumed: Checkpoint | None
) -> TrainingState:
    """The state to begin with; model, optimizer and random generators are put back where a checkpoint is given."""
    if resumed is None:
        return TrainingState()
    device = training.device.torch_device
    saved = resumed.tensors("model", device)
    for name, tensor in _changing_tensors(training).items():
        tensor.data.copy_(saved[name])
    moments: dict[int, dict[str, torch.Tensor]] = {}
    for key, tensor in resumed.tensors("optimizer").items():
        index, _, name = key.partition(".")
        moments.setdefault(int(index), {})[name] = tensor
    optimizer.load_state_dict({"state": moments, "param_groups": optimizer.state_dict()["param_groups"]})
    # It is empty where the training began on a device that scales nothing.
    if resumed.state["scaler"]:
        scaler.load_state_dict(resumed.state["scaler"])
    restore_random_state(resumed.tensors("random"), device)
    if training.observer.tensors():
        training.observer.restore(resumed.tensors("observer", device))
    fields = resumed.state["training"]
    return TrainingState(**{**fields, "resumed_steps": (*fields["resumed_steps"], resumed.step)})


def _changing_tensors(training: Training) -> dict[str, torch.Tensor]:
    """Trained weights and saved buffers by name, those that are tied only once; frozen weights are where they were."""
    kept = set(training.model.state_dict())
    buffers = {name: tensor for name, tensor in training.model.named_buffers() if name in kept}
    return {**trained_weights(training), **buffers}
