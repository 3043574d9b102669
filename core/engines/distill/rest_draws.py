"""Tokens drawn from what lies beyond a teacher's likeliest ones, in proportion to their probability.

The rest as one class says how much probability it has and nothing of how that is shared out, so that a student learns
nothing of it. Drawn tokens, each with an equal part of the rest, have the gradient of the whole distribution in
expectation (Anshumann and others 2025, arXiv 2503.16870, who draw all tokens so; the likeliest, kept exactly, need no
luck). Draws are evenly spaced along the sum of the probabilities (systematic sampling: Madow and Madow 1944), which
varies less than independent ones.
"""

from __future__ import annotations

from typing import NamedTuple

import torch

# The golden ratio's multiples fall evenly between 0 and 1, however many there are.
_GOLDEN = 0.6180339887498949


class RestDraws(NamedTuple):
    """Tokens of the rest, shape (positions, draws), each with an equal part of its probability, and the mean of the
    teacher's log-probabilities of them, shape (positions,)."""

    ids: torch.Tensor
    mean_log_probability: torch.Tensor

    def part(self, first: int, last: int) -> RestDraws:
        """The positions from `first` up to, not including, `last`."""
        return RestDraws(self.ids[first:last], self.mean_log_probability[first:last])


def drawn_from_rest(rest: torch.Tensor, count: int, places: torch.Tensor) -> RestDraws:
    """`count` tokens of each position, given the probabilities of the rest, shape (positions, vocabulary), with the
    likeliest tokens at 0.

    `places` are the positions' numbers in the whole cache, shape (positions,): they alone choose where the draws begin,
    so that a cache that was stopped and gone on with is the same. Where nothing is left of the rest the mean is 0.
    """
    reached = rest.cumsum(dim=-1)
    whole = reached[:, -1:]
    begin = torch.remainder((places.double() + 0.5) * _GOLDEN, 1.0).to(rest.dtype).to(rest.device)
    steps = torch.arange(count, device=rest.device, dtype=rest.dtype)
    points = (begin[:, None] + steps) / count * whole
    ids = torch.searchsorted(reached, points, right=True).clamp_max_(rest.shape[-1] - 1)
    told = rest.gather(-1, ids)
    # A point that rounding puts beyond the last token of the rest meets one of no probability: the likeliest stands in.
    ids = torch.where(told > 0, ids, rest.argmax(dim=-1, keepdim=True))
    mean = rest.gather(-1, ids).log().mean(dim=-1)
    return RestDraws(ids, torch.where(whole.squeeze(-1) > 0, mean, 0.0))
