"""What a teacher's distribution is at any temperature, from what was kept of it once.

At temperature T the probability of a token is its own to the power 1/T, scaled. Of the likeliest tokens it is known;
of the rest together it is the sum over thousands of tokens that are not kept. Its logarithm is a smooth function of
1/T (the cumulant generating function of the rest's log-probabilities), so that a polynomial through a few of its values
gives all of them. They are taken at Chebyshev's nodes, where such a polynomial keeps closest to the function.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from core.domain import FloatArray

_NODES = 8


@dataclass(frozen=True)
class Temperatures:
    """A range of temperatures for which outputs are kept."""

    low: float
    high: float

    @cached_property
    def powers(self) -> FloatArray:
        """The powers 1/T at which the rest's probability is kept, shape (nodes,); one where the range has no width."""
        first, last = 1.0 / self.high, 1.0 / self.low
        if first == last:
            return np.array([first])
        places = np.cos((2 * np.arange(_NODES) + 1) / (2 * _NODES) * np.pi)
        return np.asarray((first + last) / 2 + (last - first) / 2 * places)


def tails_beyond(logits: torch.Tensor, likeliest: torch.Tensor, temperatures: Temperatures) -> torch.Tensor:
    """The logarithm of Σ p^(1/T) over all tokens but the `likeliest` ones, at each node, shape (positions, nodes).

    `logits` have the shape (positions, vocabulary), `likeliest` are ids, shape (positions, k); p is the probability at
    temperature 1.
    """
    rest = logits.float().log_softmax(dim=-1).scatter_(-1, likeliest, -torch.inf)
    return torch.stack([(rest * float(power)).logsumexp(dim=-1) for power in temperatures.powers], dim=-1)


def node_weights(temperatures: Temperatures, temperature: float) -> FloatArray:
    """How much each node counts at a temperature, shape (nodes,): Lagrange's polynomials, which sum to 1."""
    nodes, wanted = temperatures.powers, 1.0 / temperature
    weights = np.ones(len(nodes))
    for place, node in enumerate(nodes):
        others = np.delete(nodes, place)
        weights[place] = np.prod((wanted - others) / (node - others))
    return weights
