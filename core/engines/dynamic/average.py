"""The exponential moving average of a model's weights, which is what a round hands over."""

from __future__ import annotations

from typing import Any

import torch

from core.engines.distill.observer import Observer


class WeightAverage(Observer):
    """After each step: average ← decay · average + (1 − decay) · weights, beginning with the weights before the round.

    At the end of the training the model gets the average (Tarvainen, Valpola 2017, "Mean teachers are better role
    models", section 2, where the averaged student is the better one; Polyak, Juditsky 1992). What is not trained is
    left as it is.
    """

    def __init__(self, model: Any, decay: float) -> None:
        self._model, self._decay = model, decay
        self._average: dict[str, torch.Tensor] = {}

    def before_training(self) -> None:
        """Begin with the weights as they are."""
        self._average = {name: weight.detach().clone() for name, weight in self._trained().items()}

    def _trained(self) -> dict[str, torch.Tensor]:
        return {name: weight for name, weight in self._model.named_parameters() if weight.requires_grad}

    def after_step(self, step: int) -> None:
        """Move the average towards the weights."""
        with torch.no_grad():
            for name, weight in self._trained().items():
                self._average[name].lerp_(weight.detach(), 1.0 - self._decay)

    def after_training(self) -> None:
        """Give the model the average."""
        with torch.no_grad():
            for name, weight in self._trained().items():
                weight.copy_(self._average[name])

    def tensors(self) -> dict[str, torch.Tensor]:
        """The average by the names of the weights."""
        return dict(self._average)

    def restore(self, tensors: dict[str, torch.Tensor]) -> None:
        """Take up the average of a checkpoint."""
        self._average = dict(tensors)
