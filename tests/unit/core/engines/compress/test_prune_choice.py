"""What goes: importance is the derivative by a gate, and shapes meet the number of parameters asked for."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from model_families import DECODERS, ENCODERS, FAMILIES, family_model, logits

from core.engines.compress.narrow import Kept, narrowed
from core.engines.compress.prune_anatomy import anatomy_of
from core.engines.compress.prune_importance import Importance, importance
from core.engines.compress.prune_shape import Shape, Sizes, choose, least_parameters

# Families whose every part can go.
WHOLE = [name for name in FAMILIES if name not in ("mpnet", "deberta_v2", "gemma2", "phi3")]


def loss_of(model: Any, shift: float) -> torch.Tensor:
    ids = torch.tensor([[2, 5, 9, 7, 3]])
    found: torch.Tensor = model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits
    return (found - shift).pow(2).mean()


def scaled_loss(model: Any, parameters: list[tuple[torch.nn.Parameter, Any]], scale: float) -> float:
    """The loss with the named parts of some weights scaled; the weights are put back."""
    saved = [(parameter, parameter.detach().clone()) for parameter, _ in parameters]
    with torch.no_grad():
        for parameter, part in parameters:
            parameter[part] *= scale
        found = float(loss_of(model, 0.3))
        for parameter, before in saved:
            parameter.copy_(before)
    return found


def test_importance_is_the_size_of_the_losss_derivative_by_a_gate() -> None:
    model = family_model("llama, tied").double()
    measured = importance(model, anatomy_of(model), [0.3], loss_of)
    layer = model.model.layers[1]
    every = slice(None)
    norms = [model.model.norm.weight]
    for one in model.model.layers:
        norms += [one.input_layernorm.weight, one.post_attention_layernorm.weight]
    gates: dict[float, list[tuple[torch.nn.Parameter, Any]]] = {
        float(measured.neurons[1, 7]): [(layer.mlp.down_proj.weight, (every, 7))],
        float(measured.groups[1, 1]): [(layer.self_attn.o_proj.weight, (every, slice(8, 16)))],
        float(measured.channels[5]): [(norm, 5) for norm in norms],
    }
    assert len(gates) == 3
    for found, parts in gates.items():
        # Llama's norms are taken in single precision, whose noise a smaller step would amplify.
        step = 3e-3
        derivative = (scaled_loss(model, parts, 1 + step) - scaled_loss(model, parts, 1 - step)) / (2 * step)
        assert found == pytest.approx(abs(derivative), rel=1e-2)


@pytest.mark.parametrize("name", FAMILIES)
def test_a_layers_importance_is_by_how_much_the_loss_rises_without_it(name: str) -> None:
    model = family_model(name)
    anatomy = anatomy_of(model)
    measured = importance(model, anatomy, [0.3, -2.0], loss_of)
    without = narrowed(model, Kept(layers=(0, 2)))
    with torch.no_grad():
        rise = sum(float(loss_of(without, shift) - loss_of(model, shift)) for shift in (0.3, -2.0)) / 2
    assert float(measured.layers[1]) == pytest.approx(max(0.0, rise), abs=1e-5)
    assert len(measured.layers) == 3


def test_importance_is_the_root_mean_square_over_batches_and_leaves_the_model_as_it_was() -> None:
    model = family_model("bert")
    before = logits(model)
    anatomy = anatomy_of(model)
    one, other, both = (importance(model, anatomy, batches, loss_of) for batches in ([0.3], [-2.0], [0.3, -2.0]))
    assert torch.allclose(both.neurons, ((one.neurons**2 + other.neurons**2) / 2).sqrt())
    assert torch.equal(logits(model), before)
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.mark.parametrize("name", WHOLE)
def test_the_count_of_a_shape_is_that_of_the_model_cut_to_it(name: str) -> None:
    model = family_model(name)
    anatomy = anatomy_of(model)
    measured = importance(model, anatomy, [0.3], loss_of)
    whole = sum(parameter.numel() for parameter in model.parameters())
    assert (
        Sizes(model, anatomy).parameters(
            Shape(anatomy.layers, anatomy.groups, anatomy.neurons, anatomy.hidden), range(anatomy.layers)
        )
        == whole
    )
    for left in (0.7, 0.5, 0.35):
        chosen = choose(model, anatomy, measured, [round(left * whole)], whole)
        assert chosen is not None
        shape, kept = chosen
        smaller = narrowed(model, kept)
        count = sum(parameter.numel() for parameter in smaller.parameters())
        assert kept.layers is not None
        assert count == Sizes(model, anatomy).parameters(shape, kept.layers)
        assert left * whole - 0.05 * whole <= count <= round(left * whole)


@pytest.mark.parametrize("name", ["bert", "llama, tied"])
def test_what_does_not_matter_goes_first(name: str) -> None:
    model = family_model(name)
    anatomy = anatomy_of(model)
    idle = torch.ones(3, anatomy.neurons, dtype=torch.float64)
    idle[:, ::2] = 0.0
    even = Importance(
        torch.ones(3).double(), torch.ones(3, anatomy.groups).double(), idle, torch.ones(16).double(),
        torch.ones(16).double(),
    )  # fmt: skip
    whole = sum(parameter.numel() for parameter in model.parameters())
    chosen = choose(model, anatomy, even, [round(0.85 * whole)], whole)
    assert chosen is not None
    shape, kept = chosen
    assert (shape.layers, shape.hidden) == (3, 16)
    assert shape.neurons < anatomy.neurons
    assert kept.neurons is not None
    assert all(set(range(1, anatomy.neurons, 2)) & set(row) for row in kept.neurons)
    assert all(set(row) <= set(range(1, anatomy.neurons, 2)) or len(row) > 12 for row in kept.neurons)


@pytest.mark.parametrize("name", [*ENCODERS, *DECODERS])
def test_no_shape_is_below_the_smallest_one(name: str) -> None:
    model = family_model(name)
    anatomy = anatomy_of(model)
    measured = importance(model, anatomy, [0.3], loss_of)
    least = least_parameters(model, anatomy)
    assert choose(model, anatomy, measured, [least - anatomy.neurons * 100], least) is None
    assert choose(model, anatomy, measured, [least * 2], least) is not None


def test_an_early_rung_leaves_the_last_one_a_way() -> None:
    model = family_model("bert")
    whole = sum(parameter.numel() for parameter in model.parameters())
    targets = [round(whole * left) for left in (0.75, 0.5, 0.3)]
    for place in range(3):
        anatomy = anatomy_of(model)
        chosen = choose(model, anatomy, importance(model, anatomy, [0.3], loss_of), targets[place:], whole)
        assert chosen is not None
        model = narrowed(model, chosen[1])
    left = sum(parameter.numel() for parameter in model.parameters()) / whole
    assert 0.28 <= left <= 0.3
