"""The moving average of the weights: what it is after some steps, and that it survives a stop."""

from __future__ import annotations

import pytest
import torch

from core.engines.dynamic.average import WeightAverage


def model_with(value: float) -> torch.nn.Module:
    model = torch.nn.Linear(2, 1, bias=False)
    torch.nn.init.constant_(model.weight, value)
    return model


def moved(average: WeightAverage, model: torch.nn.Module, values: list[float]) -> None:
    for step, value in enumerate(values, 1):
        torch.nn.init.constant_(next(model.parameters()), value)
        average.after_step(step)


def test_the_average_moves_by_one_minus_decay_a_step_and_replaces_the_weights() -> None:
    model = model_with(1.0)
    average = WeightAverage(model, 0.75)
    average.before_training()
    moved(average, model, [5.0, 9.0])
    average.after_training()
    # 1 → 0.75 · 1 + 0.25 · 5 = 2 → 0.75 · 2 + 0.25 · 9 = 3.75
    assert next(model.parameters()).tolist() == [[3.75, 3.75]]


def test_an_average_put_back_goes_on_where_it_was() -> None:
    model = model_with(1.0)
    first = WeightAverage(model, 0.9)
    first.before_training()
    moved(first, model, [2.0])
    kept = {name: tensor.clone() for name, tensor in first.tensors().items()}
    moved(first, model, [3.0, 4.0])
    second = WeightAverage(model, 0.9)
    second.before_training()
    second.restore(kept)
    moved(second, model, [3.0, 4.0])
    assert torch.equal(first.tensors()["weight"], second.tensors()["weight"])


def test_frozen_weights_stay_as_they_are() -> None:
    model = model_with(1.0)
    next(model.parameters()).requires_grad_(False)
    average = WeightAverage(model, 0.5)
    average.before_training()
    assert average.tensors() == {}
    average.after_training()
    assert next(model.parameters()).tolist() == [[pytest.approx(1.0)] * 2]
