"""How much each train row counts in a loss, where a training is weighted.

The loss of a batch is the mean over its rows of weight · loss, with the mean weight of all rows at 1: the expected
gradient is that of the weighted mean over all rows, whatever the batches are (importance weighting; Shimodaira 2000,
"Improving predictive inference under covariate shift by weighting the log-likelihood function", section 2).
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import torch

from core.domain import FloatArray, IntArray
from core.engines.train_weights import row_weights

__all__ = ["of_batch", "position_weights", "row_tensor", "row_weights", "weighted_spans"]


def row_tensor(weights: FloatArray | None) -> torch.Tensor | None:
    """The weights as fp32, shape (rows,); null for null."""
    return None if weights is None else torch.from_numpy(weights.astype(np.float32))


def of_batch(weights: torch.Tensor | None, rows: torch.Tensor, device: torch.device) -> torch.Tensor | None:
    """The weights of a batch's rows; null for null."""
    return None if weights is None else weights[rows].to(device)


def weighted_spans(
    weights: FloatArray, first: int, last: int, of_span: Callable[[int, int], torch.Tensor]
) -> torch.Tensor:
    """The sum of weight · `of_span` over the stretches of equal weight between two positions; `weights` has one entry
    for each position of a batch, shape (positions,)."""
    own = weights[first:last]
    borders = [0, *(np.flatnonzero(np.diff(own)) + 1).tolist(), len(own)]
    parts = [float(own[begin]) * of_span(first + begin, first + end) for begin, end in pairwise(borders) if end > begin]
    return torch.stack(parts).sum()


def position_weights(weights: FloatArray, rows: IntArray, lengths: IntArray) -> FloatArray:
    """The weight of each completion token of a batch, row after row; `lengths` are the rows' completion tokens."""
    return np.asarray(np.repeat(weights[rows], lengths[rows]))
