"""How much each layer, head, neuron and channel matters: the change of the loss that its loss would bring.

A part's gate multiplies all that it adds to the model, and stands at 1. To first order, closing it changes a batch's
loss by the loss's derivative by the gate, which is the sum of weight times gradient over the weights behind it: the
columns that read a neuron or a head, the scale and shift of a channel in every norm. The importance is the root of the
mean square of that derivative over batches (Molchanov et al. 2019, "Importance Estimation for Neural Network Pruning",
equations 8 and 9; gates on heads as in Michel, Levy, Neubig 2019).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch

from core.engines.compress.prune_anatomy import Anatomy, Weight


@dataclass(frozen=True)
class Importance:
    """Of each layer, shape (layers,); of head groups and neurons, (layers, groups) and (layers, neurons); of channels
    and of the outputs of the layer between body and classifier, (hidden,) each. None is below 0."""

    layers: torch.Tensor
    groups: torch.Tensor
    neurons: torch.Tensor
    channels: torch.Tensor
    pooled: torch.Tensor


def importance(
    model: Any, anatomy: Anatomy, batches: Iterable[Any], loss_of: Callable[[Any, Any], torch.Tensor]
) -> Importance:
    """The importance of the parts of `model`, by the losses `loss_of(model, batch)` in evaluation mode.

    The model's weights and mode stay as they are; its gradients are cleared.
    """
    was_training = model.training
    model.eval()
    squares = _Gates.zeros(anatomy)
    count = 0
    for batch in batches:
        model.zero_grad(set_to_none=True)
        torch.autograd.backward(loss_of(model, batch))
        squares.add_squares(_gates(model, anatomy))
        count += 1
    model.zero_grad(set_to_none=True)
    model.train(was_training)
    return Importance(*(values.div(max(1, count)).sqrt() for values in squares.all()))


@dataclass
class _Gates:
    """The derivatives by the gates of one batch, or sums of their squares; shapes as in `Importance`."""

    layers: torch.Tensor
    groups: torch.Tensor
    neurons: torch.Tensor
    channels: torch.Tensor
    pooled: torch.Tensor

    @staticmethod
    def zeros(anatomy: Anatomy) -> _Gates:
        """All of them at 0, in double precision."""
        shapes = (
            (anatomy.layers,),
            (anatomy.layers, anatomy.groups),
            (anatomy.layers, anatomy.neurons),
            (anatomy.hidden,),
            (anatomy.hidden,),
        )
        return _Gates(*(torch.zeros(shape, dtype=torch.float64) for shape in shapes))

    def all(self) -> tuple[torch.Tensor, ...]:
        """The tensors in the order of their fields."""
        return (self.layers, self.groups, self.neurons, self.channels, self.pooled)

    def add_squares(self, other: _Gates) -> None:
        """Add the squares of another one's values."""
        for mine, theirs in zip(self.all(), other.all(), strict=True):
            mine += theirs**2


def _gates(model: Any, anatomy: Anatomy) -> _Gates:
    gates = _Gates.zeros(anatomy)
    for weight in anatomy.weights(model.named_parameters()):
        gradient = weight.tensor.grad
        if gradient is not None:
            _count(gates, weight, (weight.tensor.detach() * gradient).double().cpu())
    return gates


def _count(gates: _Gates, weight: Weight, products: torch.Tensor) -> None:
    """Add what one weight times its gradient says of the gates that it lies behind."""
    module, layer = weight.module, weight.layer
    if len(module) == 1:
        # ELECTRA's embeddings may be of another width, and their norm is then no gate of the channels.
        if weight.roles == ("h",):
            gates.channels += products
        return
    if layer is not None and module and module[0] == "h":
        gates.layers[layer] += products.sum()
    if products.ndim != 2 or not module or module[1] not in weight.roles:
        return
    read = _by_entry(products, weight.roles.index(module[1]))
    if module[1] == "p":
        gates.pooled += read
    elif layer is not None and module[1] == "f":
        gates.neurons[layer] += read
    elif layer is not None and module[1] == "o":
        gates.groups[layer] += read.reshape(gates.groups.shape[1], -1).sum(dim=1)


def _by_entry(products: torch.Tensor, axis: int) -> torch.Tensor:
    """The sum over the other axis, shape (entries of `axis`,)."""
    return products.sum(dim=1 - axis)
