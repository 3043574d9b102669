"""Who follows a training: told of its steps and epochs, kept in its checkpoints, heard before its model is saved."""

from __future__ import annotations

from collections.abc import Mapping

import torch


class Observer:
    """Follows a training and does nothing; what it holds in `tensors` is in every checkpoint.

    An exception raised by one of the `after_…` methods ends the training as it stands, without a checkpoint.
    """

    def before_training(self) -> None:
        """The weights are those that the training begins with; a checkpoint is put back after this."""

    def after_step(self, step: int) -> None:
        """The weights have changed for the `step`-th time."""

    def after_epoch(self, epoch: int) -> None:
        """Epoch number `epoch`, counted from 1, is over; a checkpoint is written after this, never before."""

    def after_training(self) -> None:
        """All steps are done and nothing is saved yet."""

    def details(self) -> Mapping[str, float]:
        """What the training's result says of it."""
        return {}

    def tensors(self) -> dict[str, torch.Tensor]:
        """All that `restore` needs."""
        return {}

    def restore(self, tensors: dict[str, torch.Tensor]) -> None:
        """Be as one was when `tensors` gave these."""
