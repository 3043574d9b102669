"""A model made smaller: some of its layers, heads, neurons and channels, copied into a model of that shape.

Each layer keeps as many as every other one, though not the same ones, so that config and weights describe a plain model
of the family, which reloads with `from_pretrained`.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from core.engines.compress.prune_anatomy import Anatomy, Weight, anatomy_of
from core.errors import UserError

# Lists in configs that have one entry for each layer.
_LISTS_BY_LAYER = ("layer_types", "mlp_layer_types", "no_rope_layers")


@dataclass(frozen=True)
class Kept:
    """What stays, as indices of the model that is cut. `layers` may stand in any order.

    `groups` and `neurons` have one entry for each kept layer, in the order of `layers`, all of one length. `pooled` are
    the outputs of the layer between body and classifier, as many as `channels`. Null means that all of them stay.
    """

    layers: tuple[int, ...] | None = None
    groups: tuple[tuple[int, ...], ...] | None = None
    neurons: tuple[tuple[int, ...], ...] | None = None
    channels: tuple[int, ...] | None = None
    pooled: tuple[int, ...] | None = None


def narrowed(model: Any, kept: Kept) -> Any:
    """A new model in fp32 with the kept parts of `model`; weights that were tied are tied, its generation config stays.

    Whatever the model reads of the parts that go is lost with them; nothing is done to make up for it. Raises UserError
    for a family that is not known where more than layers go, and for a first layer that cannot be one.
    """
    only_layers = kept.groups is None and kept.neurons is None and kept.channels is None
    anatomy = anatomy_of(model, known=not only_layers)
    if anatomy.first_differs and kept.layers is not None and (kept.layers[0] != 0 or 0 in kept.layers[1:]):
        raise UserError("train.layers_first", architecture=type(model).__name__)
    config = _config_of(model.config, anatomy, kept)
    smaller: Any = type(model)(config).to(torch.float32)
    state = dict(model.state_dict())
    # Parameters that are tied are there under each of their names, and are cut alike.
    smaller.load_state_dict(_cut(anatomy, state, kept), strict=True)
    smaller.tie_weights()
    if getattr(model, "generation_config", None) is not None:
        smaller.generation_config = copy.deepcopy(model.generation_config)
    return smaller.train(model.training)


def _config_of(config: Any, anatomy: Anatomy, kept: Kept) -> Any:
    """A copy of the config with the new sizes; lists with one entry for each layer are cut alike."""
    smaller, family = copy.deepcopy(config), anatomy.family
    if kept.layers is not None:
        for name in _LISTS_BY_LAYER:
            value = getattr(config, name, None)
            if isinstance(value, list) and len(value) == anatomy.layers:
                setattr(smaller, name, [value[index] for index in kept.layers])
        smaller.num_hidden_layers = len(kept.layers)
    if kept.neurons is not None:
        setattr(smaller, family.feed_forward_field, len(kept.neurons[0]))
    if kept.groups is not None:
        smaller.num_attention_heads = len(kept.groups[0]) * anatomy.queries_per_group
        if getattr(config, "num_key_value_heads", None) is not None:
            smaller.num_key_value_heads = len(kept.groups[0])
    if kept.channels is not None:
        if getattr(config, "embedding_size", None) == config.hidden_size:
            smaller.embedding_size = len(kept.channels)
        if family.feed_forward_field == "n_inner":
            smaller.n_inner = smaller.n_inner or anatomy.neurons
        smaller.hidden_size = len(kept.channels)
    if family.heads == "free":
        smaller.head_dim = anatomy.head_width
    return smaller


def _cut(anatomy: Anatomy, tensors: dict[str, torch.Tensor], kept: Kept) -> dict[str, torch.Tensor]:
    layers = kept.layers if kept.layers is not None else tuple(range(anatomy.layers))
    place_of = {old: new for new, old in enumerate(layers)}
    result: dict[str, torch.Tensor] = {}
    for weight in anatomy.weights(iter(tensors.items())):
        if weight.layer is None:
            result[weight.name] = _cut_one(weight, anatomy, kept, 0)
        elif weight.layer in place_of:
            place = place_of[weight.layer]
            rest = weight.name[len(anatomy.prefix) + 1 :].partition(".")[2]
            result[f"{anatomy.prefix}.{place}.{rest}"] = _cut_one(weight, anatomy, kept, place)
    return result


def _cut_one(weight: Weight, anatomy: Anatomy, kept: Kept, place: int) -> torch.Tensor:
    tensor = weight.tensor
    for axis, role in enumerate(weight.roles):
        rows = _rows(role, anatomy, kept, place)
        if rows is not None:
            tensor = tensor.index_select(axis, torch.tensor(rows, device=tensor.device))
    return tensor


def _rows(role: str, anatomy: Anatomy, kept: Kept, place: int) -> Sequence[int] | None:
    """Which entries of an axis stay, for the layer at `place` of those that stay; null for all."""
    if role == "h":
        return kept.channels
    if role == "p":
        return kept.pooled
    if role in ("f", "ff") and kept.neurons is not None:
        chosen = kept.neurons[place]
        return chosen if role == "f" else [*chosen, *(index + anatomy.neurons for index in chosen)]
    if role in ("q", "k", "v", "o", "qkv") and kept.groups is not None:
        queries = _spread(kept.groups[place], anatomy.queries_per_group * anatomy.head_width)
        keys = _spread(kept.groups[place], anatomy.head_width)
        if role != "qkv":
            return queries if role in ("q", "o") else keys
        first = anatomy.groups * anatomy.queries_per_group * anatomy.head_width
        second = first + anatomy.groups * anatomy.head_width
        return [*queries, *(first + index for index in keys), *(second + index for index in keys)]
    return None


def _spread(groups: Sequence[int], width: int) -> list[int]:
    return [index for group in groups for index in range(group * width, (group + 1) * width)]


def largest_neurons(model: Any, layers: Sequence[int], count: int) -> tuple[tuple[int, ...], ...]:
    """The `count` neurons of each layer's feed-forward block with the largest weights, in order.

    A neuron's size is the product of the Euclidean norms of all that it reads with (of a gated block the gate's and the
    value's) and of what it writes with. The product stays the same where the weights going in are scaled up and those
    going out are scaled down, as the function of a ReLU network does (Neyshabur, Salakhutdinov, Srebro 2015,
    "Path-SGD", section 2). Raises UserError for more neurons than there are.
    """
    anatomy = anatomy_of(model)
    if count > anatomy.neurons:
        raise UserError("train.feed_forward_too_many", count=count, available=anatomy.neurons)
    sizes = _products_of_norms(anatomy, model, ("f", "ff"), anatomy.neurons)
    return tuple(_largest(sizes[layer], count) for layer in layers)


def largest_groups(model: Any, layers: Sequence[int], heads: int) -> tuple[tuple[int, ...], ...]:
    """The head groups of each layer with the largest weights, in order, so many that `heads` attention heads stay.

    A group's size is the product of the norms of its values' weights and of its output's weights: what its heads add to
    the residual stream, whatever they attend to. Raises UserError where the family's config cannot say how many heads
    there are, for more heads than there are, and for a part of a group.
    """
    anatomy = anatomy_of(model)
    available = anatomy.groups * anatomy.queries_per_group
    if heads == available:
        return (tuple(range(anatomy.groups)),) * len(layers)
    if anatomy.family.heads != "free":
        raise UserError("train.heads_fixed", architecture=type(model).__name__, available=available)
    possible = [number * anatomy.queries_per_group for number in possible_groups(anatomy, anatomy.hidden)]
    if heads not in possible:
        raise UserError("train.heads_unfit", heads=heads, possible=", ".join(map(str, possible)))
    sizes = _products_of_norms(anatomy, model, ("v", "o"), anatomy.groups)
    return tuple(_largest(sizes[layer], heads // anatomy.queries_per_group) for layer in layers)


def possible_groups(anatomy: Anatomy, hidden: int) -> list[int]:
    """The numbers of head groups, ascending, that a model with free heads can have at this hidden width.

    Configs refuse a number of heads that does not divide the hidden width, though the heads have a width of their own.
    """
    return [
        groups
        for groups in range(1, anatomy.groups + 1)
        if hidden % (groups * anatomy.queries_per_group) == 0 or (groups, hidden) == (anatomy.groups, anatomy.hidden)
    ]


def _products_of_norms(anatomy: Anatomy, model: Any, roles: Sequence[str], count: int) -> dict[int, torch.Tensor]:
    """By layer, of the `count` parts that an axis of one of the roles has, the product of norms, shape (count,)."""
    products: dict[int, torch.Tensor] = {}
    for weight in anatomy.weights(model.named_parameters()):
        if weight.layer is None or weight.tensor.ndim != 2:
            continue
        axis = next((axis for axis, role in enumerate(weight.roles) if role in roles), None)
        if axis is None:
            continue
        rows = weight.tensor.detach().cpu().double().movedim(axis, 0)
        parts = rows.reshape(2 if weight.roles[axis] == "ff" else 1, count, -1).norm(dim=2).prod(dim=0)
        products[weight.layer] = products.get(weight.layer, torch.ones_like(parts)) * parts
    return products


def _largest(sizes: torch.Tensor, count: int) -> tuple[int, ...]:
    """The places of the `count` largest, ascending; of equals the first ones."""
    order = torch.sort(-sizes, stable=True).indices[:count]
    return tuple(sorted(int(index) for index in order))
