"""How deep and wide a pruned model is to be, and which parts of it stay.

Of all uniform shapes with the wanted number of parameters the one is taken that keeps the largest product of shares of
importance: of the layers, and within those that stay of head groups, neurons and channels. Each share is of its own
kind, so that the kinds need no common scale. An axis on which importance is spread evenly gives least; one with many
idle entries gives most.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from core.engines.compress.narrow import Kept, possible_groups
from core.engines.compress.prune_anatomy import Anatomy
from core.engines.compress.prune_importance import Importance

# A shape may be so far below the wanted number of parameters, as a share of the whole model.
TOLERANCE = 0.01
# Kernels work on blocks; a width that is a multiple of this wastes none. Small models are cut entry by entry.
_NEURON_STEP, _CHANNEL_STEP = 8, 8
_SMALL = 256
# Below this share of the hidden width nothing is left to recover.
_LEAST_CHANNELS = 1 / 8

_Terms = Counter[tuple[tuple[str, int], ...]]


@dataclass(frozen=True)
class Shape:
    """The sizes of a model; heads are `groups` times the query heads of a group."""

    layers: int
    groups: int
    neurons: int
    hidden: int


class Sizes:
    """Counts the parameters of shapes of one model, tied weights once."""

    def __init__(self, model: Any, anatomy: Anatomy) -> None:
        self._anatomy = anatomy
        self._around: _Terms = Counter()
        self._layers: list[_Terms] = [Counter() for _ in range(anatomy.layers)]
        self._merged: dict[tuple[int, ...], _Terms] = {}
        for weight in anatomy.weights(model.named_parameters()):
            term = tuple(zip(weight.roles, weight.tensor.shape, strict=True))
            (self._around if weight.layer is None else self._layers[weight.layer])[term] += 1

    def parameters(self, shape: Shape, layers: Sequence[int]) -> int:
        """The parameters of the model in that shape with those of its layers."""
        lengths = self._lengths(shape)
        terms = self._terms(tuple(layers))
        return sum(count * math.prod(lengths.get(role, size) for role, size in term) for term, count in terms.items())

    def _terms(self, layers: tuple[int, ...]) -> _Terms:
        """The axes of all weights of these layers and around them; alike ones, of which most layers are, once."""
        if layers not in self._merged:
            self._merged[layers] = sum((self._layers[layer] for layer in layers), Counter(self._around))
        return self._merged[layers]

    def _lengths(self, shape: Shape) -> Mapping[str, int]:
        anatomy = self._anatomy
        keys = shape.groups * anatomy.head_width
        queries = keys * anatomy.queries_per_group
        return {
            "h": shape.hidden,
            "p": shape.hidden,
            "f": shape.neurons,
            "ff": 2 * shape.neurons,
            "q": queries,
            "o": queries,
            "k": keys,
            "v": keys,
            "qkv": queries + 2 * keys,
        }


def choose(
    model: Any, anatomy: Anatomy, measured: Importance, targets: Sequence[int], whole: int
) -> tuple[Shape, Kept] | None:
    """The best shape with at most `targets[0]` parameters, and what stays in it; null where even the smallest has more.

    `whole` is the number of parameters of the unpruned model, which `TOLERANCE` is a share of; where no shape is that
    close below the target, the closest one is taken. `targets` are those of this rung and all later ones: a shape that
    would leave the last one no way to be met as closely is not taken.
    """
    sizes = Sizes(model, anatomy)
    order = _descending(measured.layers)
    if anatomy.first_differs:
        order = [0, *(layer for layer in order if layer != 0)]
    shares = _Shares(measured, order)
    close = whole * TOLERANCE
    ends = np.asarray(
        [_numbers(shape) for shape, missed in _candidates(model, sizes, anatomy, order, targets[-1]) if missed <= close]
    )
    best: tuple[tuple[float, ...], Shape] | None = None
    for shape, missed in _candidates(model, sizes, anatomy, order, targets[0]):
        if len(ends) and not (ends <= np.asarray(_numbers(shape))).all(axis=1).any():
            continue
        merit = (-max(0.0, missed - close), shares.product(shape))
        if best is None or merit > best[0]:
            best = (merit, shape)
    return None if best is None else (best[1], _kept(best[1], anatomy, measured, order))


def _candidates(
    model: Any, sizes: Sizes, anatomy: Anatomy, order: Sequence[int], target: int
) -> Iterator[tuple[Shape, int]]:
    """For each depth and width the shape with the most neurons within the target, and how far below it that is."""
    for layers in range(anatomy.layers, 0, -1):
        for groups, hidden in _widths(model, anatomy):
            shape = _filled(sizes, anatomy, order[:layers], groups, hidden, target)
            if shape is not None:
                yield shape, target - sizes.parameters(shape, order[:layers])


def _numbers(shape: Shape) -> tuple[int, int, int, int]:
    return (shape.layers, shape.groups, shape.neurons, shape.hidden)


def least_parameters(model: Any, anatomy: Anatomy) -> int:
    """The parameters of the smallest shape that `choose` may take."""
    sizes = Sizes(model, anatomy)
    step = _step(anatomy.neurons, _NEURON_STEP)
    return min(
        sizes.parameters(Shape(1, groups, min(step, anatomy.neurons), hidden), [layer])
        for groups, hidden in _widths(model, anatomy)
        for layer in ([0] if anatomy.first_differs else range(anatomy.layers))
    )


def parameters_around(model: Any, anatomy: Anatomy) -> int:
    """The parameters outside the layers: embeddings, mostly."""
    weights = anatomy.weights(model.named_parameters())
    return sum(weight.tensor.numel() for weight in weights if weight.layer is None)


def _widths(model: Any, anatomy: Anatomy) -> Iterator[tuple[int, int]]:
    """The numbers of head groups and channels that the family's config can say, widest first."""
    family = anatomy.family
    if family.heads == "with hidden":
        widths = [(groups, groups * anatomy.head_width) for groups in range(anatomy.groups, 0, -1)]
    elif family.heads == "free":
        step = _step(anatomy.hidden, _CHANNEL_STEP)
        least = max(step, math.ceil(anatomy.hidden * _LEAST_CHANNELS))
        channels = range(anatomy.hidden, least - 1, -step) if family.hidden else [anatomy.hidden]
        widths = [(groups, hidden) for hidden in channels for groups in possible_groups(anatomy, hidden)]
    else:
        widths = [(anatomy.groups, anatomy.hidden)]
    # ELECTRA has a projection from its embeddings' width only where that is another one than the hidden width.
    embedded = getattr(model.config, "embedding_size", anatomy.hidden)
    yield from ((groups, hidden) for groups, hidden in widths if hidden != embedded or embedded == anatomy.hidden)


def _filled(
    sizes: Sizes, anatomy: Anatomy, layers: Sequence[int], groups: int, hidden: int, target: int
) -> Shape | None:
    """The shape with as many neurons as the target leaves room for; null where it leaves none."""
    step = min(_step(anatomy.neurons, _NEURON_STEP), anatomy.neurons)
    # The number of parameters grows evenly with the neurons.
    none, one = (sizes.parameters(Shape(len(layers), groups, count, hidden), layers) for count in (0, 1))
    room = anatomy.neurons if one == none else min(anatomy.neurons, (target - none) // (one - none))
    neurons = room if room == anatomy.neurons else room - room % step
    return Shape(len(layers), groups, neurons, hidden) if neurons >= step else None


def _step(size: int, step: int) -> int:
    return step if size >= _SMALL else 1


class _Shares:
    """What share of the importance stays, by how many of each kind stay."""

    def __init__(self, measured: Importance, order: Sequence[int]) -> None:
        self._layers = _cumulated(measured.layers, order)
        self._channels = _cumulated(measured.channels)
        # Averages over the first layers of the order, for every number of them.
        self._groups, self._neurons = (
            _running_mean(torch.stack([_cumulated(values[layer]) for layer in order]))
            for values in (measured.groups, measured.neurons)
        )

    def product(self, shape: Shape) -> float:
        """The product of the shares that the shape keeps."""
        parts = (
            self._layers[shape.layers],
            self._groups[shape.layers - 1, shape.groups],
            self._neurons[shape.layers - 1, shape.neurons],
            self._channels[shape.hidden],
        )
        return math.prod(float(part) for part in parts)


def _cumulated(values: torch.Tensor, order: Sequence[int] | None = None) -> torch.Tensor:
    """The share of the sum that the n largest have, or the first n of `order`, for n from 0 to all, (count + 1,)."""
    ordered = values.sort(descending=True).values if order is None else values[list(order)]
    total = float(ordered.sum())
    # Without any signal all entries count alike.
    ordered = ordered / total if total > 0.0 else torch.full_like(ordered, 1 / len(ordered))
    return torch.cat([torch.zeros(1, dtype=ordered.dtype), ordered.cumsum(0)])


def _running_mean(rows: torch.Tensor) -> torch.Tensor:
    return rows.cumsum(0) / torch.arange(1, len(rows) + 1, dtype=rows.dtype)[:, None]


def _descending(values: torch.Tensor) -> list[int]:
    """Places from the largest value to the smallest; of equals the first one first."""
    return [int(place) for place in torch.sort(-values, stable=True).indices]


def _kept(shape: Shape, anatomy: Anatomy, measured: Importance, order: Sequence[int]) -> Kept:
    layers = tuple(sorted(order[: shape.layers]))
    channels, pooled = (
        tuple(sorted(_descending(values)[: shape.hidden])) for values in (measured.channels, measured.pooled)
    )
    narrower = shape.hidden < anatomy.hidden
    return Kept(
        layers=layers,
        groups=_largest(measured.groups, layers, shape.groups) if shape.groups < anatomy.groups else None,
        neurons=_largest(measured.neurons, layers, shape.neurons) if shape.neurons < anatomy.neurons else None,
        channels=channels if narrower else None,
        pooled=pooled if narrower else None,
    )


def _largest(values: torch.Tensor, layers: Sequence[int], count: int) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(sorted(_descending(values[layer])[:count])) for layer in layers)
