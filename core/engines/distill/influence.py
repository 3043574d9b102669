"""How much each layer of a model does: block influence (Men and others 2024, ShortGPT, arXiv 2403.03853, equation 1).

The influence of a layer is one less the mean cosine similarity of a token's hidden state before and after it: where it
is near 0 the layer hardly turns the state, and is missed least. A student's layers are chosen on the CPU in single
precision whatever it trains on: other rounding could choose others, and a study means one student on every machine.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch

from core.domain import FloatArray, IntArray

# Token ids and attention mask of a batch, each of the shape (rows, tokens).
Batch = tuple[torch.Tensor, torch.Tensor]
# Rows that influence is measured on: means over some thousand tokens hardly move with more.
MEASURED_ROWS = 64


def layer_influence(model: Any, batches: Iterable[Batch]) -> FloatArray:
    """The influence of each layer of a transformers model on these batches, shape (layers,), between 0 and 2."""
    body, training = model.base_model, model.training
    body.eval()
    sums, tokens = np.zeros(int(model.config.get_text_config().num_hidden_layers)), 0
    place = next(model.parameters()).device
    for ids, mask in batches:
        with torch.no_grad():
            states = body(
                input_ids=ids.to(place), attention_mask=mask.to(place), output_hidden_states=True
            ).hidden_states
        real = mask.to(place).bool()
        tokens += int(real.sum())
        for layer in range(len(sums)):
            before, after = (states[layer + step][real].cpu().double() for step in (0, 1))
            sums[layer] += float((1.0 - torch.nn.functional.cosine_similarity(before, after, dim=-1)).sum())
    model.train(training)
    return np.asarray(sums / max(1, tokens))


def most_influential(influence: FloatArray, count: int) -> tuple[int, ...]:
    """The `count` layers to keep, ascending: the first and the last, and between them those of most influence. One
    layer means the first. What the last does is not compared, for a model may normalise its outputs."""
    if count == 1:
        return (0,)
    last = len(influence) - 1
    between = sorted(range(1, last), key=lambda layer: (-float(influence[layer]), layer))
    return tuple(sorted({0, last, *between[: count - 2]}))


def spread_rows(count: int) -> Sequence[int]:
    """The numbers of the rows to measure on, of `count`, evenly spread."""
    return range(0, count, max(1, -(-count // MEASURED_ROWS)))


def batch_of(padded: tuple[IntArray, IntArray]) -> Batch:
    """Token ids and attention mask as tensors."""
    ids, mask = padded
    return torch.from_numpy(ids), torch.from_numpy(mask)
