"""Losses over next tokens: the teacher's likeliest tokens with one class for the rest, chunk by chunk.

The logits of a whole batch never exist: positions that no answer token follows are dropped before the output head, and
the head runs on a chunk of positions at a time, whose gradient is taken at once (as in Liger Kernel's fused linear
cross-entropy, Hsu and others 2024, arXiv 2410.10989). Nothing is computed twice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch.nn import functional

from core.engines.distill.token_gradient import TeacherTokens, taught_loss

# 256 positions of a vocabulary of 50,000 tokens take 50 MiB in fp32.
CHUNK_POSITIONS = 256

# Chunk of hidden states (positions, width), first and last position -> the sum of their losses.
ChunkLoss = Callable[[torch.Tensor, int, int], torch.Tensor]


class HeadWeights(NamedTuple):
    """The output head's `trained` weights, and the `receivers` that their gradients go to: themselves, or what stands
    for them where they are embeddings too."""

    trained: list[torch.Tensor]
    receivers: list[torch.Tensor]


class Outputs(NamedTuple):
    """What a teacher says of some positions: its likeliest tokens, and the probabilities of all others, shape
    (positions, vocabulary), with those of the likeliest at 0."""

    tokens: TeacherTokens
    rest: torch.Tensor


def likeliest_tokens(logits: torch.Tensor, count: int, temperature: float) -> Outputs:
    """The `count` likeliest tokens of each position of `logits`, shape (positions, vocabulary), at a temperature.

    The rest's probability is summed over the tokens of the rest, so that it is right to the last bit also where it is
    tiny. Log-probabilities of each position, rest included, add up to one in probability.
    """
    log_probabilities = (logits.float() / temperature).log_softmax(dim=-1)
    top, ids = log_probabilities.topk(min(count, logits.shape[-1]), dim=-1)
    rest = log_probabilities.exp_().scatter_(-1, ids, 0.0)
    return Outputs(TeacherTokens(ids, top, rest.sum(dim=-1).log()), rest)


def token_divergence(logits: torch.Tensor, teacher: TeacherTokens, temperature: float) -> torch.Tensor:
    """T² · KL(teacher ‖ student) of each position over the teacher's likeliest tokens and the rest.

    `logits` are the student's, shape (positions, vocabulary). Without the rest the loss would pull the student's
    likeliest tokens towards a total of one, whatever the teacher's total is. Where tokens were drawn from it, they
    stand for it, and the loss is that over the whole vocabulary in expectation. Else it is one more class: the loss is
    then 0 only where the masses agree, and never above the divergence over the whole vocabulary (data-processing
    inequality).
    """
    scaled = logits.float() / temperature
    whole = scaled.logsumexp(dim=-1, keepdim=True)
    own = scaled.gather(-1, teacher.ids) - whole
    top = (teacher.log_probabilities.exp() * (teacher.log_probabilities - own)).sum(dim=-1)
    if teacher.drawn is not None:
        told = (scaled.gather(-1, teacher.drawn.ids) - whole).mean(dim=-1)
        return temperature**2 * (top + teacher.log_rest.exp() * (teacher.drawn.mean_log_probability - told))
    rest = scaled.scatter(-1, teacher.ids, -torch.inf).logsumexp(dim=-1) - whole.squeeze(-1)
    # Where the likeliest tokens are the whole vocabulary there is no rest: 0 · (−∞ + ∞) would be NaN.
    beyond = teacher.log_rest > -torch.inf
    difference = torch.where(beyond, teacher.log_rest, 0.0) - torch.where(beyond, rest, 0.0)
    return temperature**2 * (top + torch.where(beyond, teacher.log_rest.exp(), 0.0) * difference)


def mixed_token_loss(
    logits: torch.Tensor, targets: torch.Tensor, teacher: TeacherTokens | None, temperature: float, alpha: float
) -> torch.Tensor:
    """The sum over positions of alpha · T² · KL(teacher ‖ student) + (1 − alpha) · cross-entropy; `targets` are the
    tokens that follow, shape (positions,). Without a teacher it is the cross-entropy alone."""
    if teacher is None:
        return functional.cross_entropy(logits.float(), targets, reduction="sum")
    return taught_loss(logits.float(), targets, teacher, temperature, alpha)


def chunked_loss(hidden: torch.Tensor, head: HeadWeights, of_chunk: ChunkLoss) -> torch.Tensor:
    """The mean of `of_chunk` over all positions of `hidden`, shape (positions, width), a scalar.

    `of_chunk` gives sums and uses the weights of `head`. Gradients are those of the plain mean.
    """
    if not torch.is_grad_enabled():
        chunks = range(0, len(hidden), CHUNK_POSITIONS)
        parts = [of_chunk(hidden[at : at + CHUNK_POSITIONS], at, at + CHUNK_POSITIONS) for at in chunks]
        return torch.stack(parts).sum() / len(hidden)
    return _ChunkedLoss.apply(of_chunk, head.trained, hidden, *head.receivers)  # type: ignore[no-any-return, no-untyped-call]  # untyped there


def head_workspace_mib(model: Any, vocabulary: int) -> float:
    """What a chunk of positions needs in the output head, MiB: three tensors of logits in fp32, and the gradient of the
    head's weights before it is added to that of the chunks before."""
    weights = sum(int(part.numel() * part.element_size()) for part in model.get_output_embeddings().parameters())
    return (3 * 4 * CHUNK_POSITIONS * vocabulary + weights) / 2**20


class _ChunkedLoss(torch.autograd.Function):
    """Takes each chunk's gradient in the forward pass and only scales it in the backward pass, where that is needed."""

    @staticmethod
    def forward(
        context: Any,
        of_chunk: ChunkLoss,
        parameters: Sequence[torch.Tensor],
        hidden: torch.Tensor,
        *receivers: torch.Tensor,
    ) -> torch.Tensor:
        """The mean loss; the gradients are kept for `backward`, which gives those of `parameters` to `receivers`."""
        total = torch.zeros((), dtype=torch.float32, device=hidden.device)
        # Divided at once, so that no table as large as the vocabulary has to be divided later; not in fp16, where the
        # small gradients of a mean vanish, and all are multiplied by the scaler's factor later anyhow.
        positions = max(1, len(hidden))
        at_once, later = (1, positions) if _in_fp16(hidden) else (positions, 1)
        of_hidden = torch.zeros_like(hidden)
        of_parameters: list[torch.Tensor | None] = [None] * len(parameters)
        for first in range(0, len(hidden), CHUNK_POSITIONS):
            last = min(first + CHUNK_POSITIONS, len(hidden))
            with torch.enable_grad():
                chunk = hidden[first:last].detach().requires_grad_()
                loss = of_chunk(chunk, first, last) / at_once
            total += loss.detach()
            wanted = [chunk, *parameters]
            found = torch.autograd.grad(loss, wanted, allow_unused=True)
            of_hidden[first:last] = found[0]
            of_parameters = [_added(kept, part) for kept, part in zip(of_parameters, found[1:], strict=True)]
        # Not `save_for_backward`, which would hold on to them: autograd adds the gradient of tied embeddings in place
        # only to a tensor that nobody else holds, and they are as large as the vocabulary.
        context.gradients, context.later = [of_hidden, *of_parameters], later
        return total / later

    @staticmethod
    def backward(context: Any, *outputs: Any) -> Any:
        """The kept gradients times the one of the mean."""
        (scale,) = outputs
        gradients, context.gradients = context.gradients, None
        factor = scale / context.later
        if float(factor) != 1.0:
            for tensor in gradients:
                if tensor is not None:
                    tensor.mul_(factor)
        return (None, None, *gradients)


def _in_fp16(hidden: torch.Tensor) -> bool:
    """Whether the head's products are taken in half precision, whose smallest number is 6e-8."""
    kind = hidden.device.type
    return torch.is_autocast_enabled(kind) and torch.get_autocast_dtype(kind) is torch.float16


def _added(kept: torch.Tensor | None, part: torch.Tensor | None) -> torch.Tensor | None:
    if part is None:
        return kept
    # `data` is no view: a view's base would hold on to the memory, and nothing could be added to it in place later.
    return part.data if kept is None else kept.add_(part)
