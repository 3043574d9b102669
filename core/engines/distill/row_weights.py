"""How much each train row counts in a loss, where a training is weighted.

The loss of a batch is the mean over its rows of weight · loss, with the mean weight of all rows at 1: the expected
gradient is that of the weighted mean over all rows, whatever the batches are (importance weighting; Shimodaira 2000,
"Improving predictive inference under covariate shift by weighting the log-likelihood function", section 2).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import torch

from core.data.examples import read_examples
from core.domain import FloatArray, IntArray
from core.engines.finished_result import finished_result
from core.i18n import english
from core.jobs.results import PrepareResult
from core.metrics.effective import effective_rows
from core.spec import Train
from core.worker.context import JobContext


def row_weights(settings: Train, names: Sequence[str], context: JobContext) -> FloatArray | None:
    """The weights of the rows of these names, shape (rows,), their mean at 1; null where the training is not weighted
    or all are equal, which is the same training to the bit. Says what the rows are worth."""
    if not settings.weighted or not names:
        return None
    folder = context.input_folder("data")
    prepared = PrepareResult.model_validate(finished_result(folder))
    if not prepared.weights:
        raise ValueError("the data of a weighted training have no weights")
    of_name = {row.example_id: weight for row, weight in zip(read_examples(folder), prepared.weights, strict=True)}
    own = np.array([of_name[name] for name in names], dtype=np.float64)
    if bool((own == own[0]).all()):
        context.log(english("train.log.weights_equal"))
        return None
    worth = effective_rows([str(row) for row in range(len(own))], own)
    context.log(english("train.log.weighted", rows=len(own), worth=round(worth)))
    return np.asarray(own / own.mean())


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
