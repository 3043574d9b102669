"""The loss over next tokens with its gradient in closed form: one buffer of logits where autograd takes a dozen.

`token_losses.token_divergence` is the same divergence written plainly; the tests hold the two against each other.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch

from core.engines.distill.rest_draws import RestDraws

# Below it a probability's logarithm is that of a rounded or vanished number.
_SMALLEST_TOLD = 1e-30
# One minus a sum near one has lost so many digits that the rest is added up itself.
_SMALLEST_DIFFERENCE = 0.01


class TeacherTokens(NamedTuple):
    """The teacher's distribution at some positions: `ids` and `log_probabilities` of its likeliest tokens, shape
    (positions, k), the logarithm of the probability of all others together, shape (positions,), and tokens `drawn` from
    them, null where they are one class."""

    ids: torch.Tensor
    log_probabilities: torch.Tensor
    log_rest: torch.Tensor
    drawn: RestDraws | None = None

    def part(self, first: int, last: int) -> TeacherTokens:
        """The positions from `first` up to, not including, `last`."""
        drawn = None if self.drawn is None else self.drawn.part(first, last)
        return TeacherTokens(self.ids[first:last], self.log_probabilities[first:last], self.log_rest[first:last], drawn)


def taught_loss(
    logits: torch.Tensor, targets: torch.Tensor, teacher: TeacherTokens, temperature: float, alpha: float
) -> torch.Tensor:
    """The sum over positions of alpha · T² · KL(teacher ‖ student) + (1 − alpha) · cross-entropy, with its gradient.

    `logits` are fp32, shape (positions, vocabulary); `targets` the tokens that follow, shape (positions,).
    """
    return _TaughtLoss.apply(logits, targets, teacher, temperature, alpha)  # type: ignore[no-any-return, no-untyped-call]  # untyped there


class _TaughtLoss(torch.autograd.Function):
    """With q the student's softmax at T, p the teacher's, r what is beyond its likeliest tokens:

    ∂KL/∂z of a likely token is q − p; of any other q · (1 − p_r / q_r), or q less p_r / draws for each time that it was
    drawn; all times 1/T. ∂CE/∂z is softmax(z) − one-hot.
    """

    @staticmethod
    def forward(
        context: Any,
        logits: torch.Tensor,
        targets: torch.Tensor,
        teacher: TeacherTokens,
        temperature: float,
        alpha: float,
    ) -> torch.Tensor:
        """The summed loss; the gradient is kept for `backward`."""
        scaled = logits if temperature == 1.0 else logits / temperature
        # The buffer of the gradient from here on: the fewer passes over the vocabulary, the quicker.
        gradient = scaled.softmax(dim=-1)
        whole = _log_normalizers(scaled, gradient, teacher.ids)
        own = scaled.gather(-1, teacher.ids) - whole[:, None]
        # At T = 1 both losses share one softmax.
        shared = 1.0 - alpha if temperature == 1.0 else 0.0
        hard = (
            (whole - scaled.gather(-1, targets[:, None]).squeeze(-1)).sum() if shared else torch.zeros_like(own[0, 0])
        )
        weight = alpha * temperature
        taught = teacher.log_probabilities.exp()
        divergence = (taught * (teacher.log_probabilities - own)).sum()
        if teacher.drawn is None:
            divergence += _summed_rest(gradient, own, teacher, weight, shared)
            gradient.scatter_(-1, teacher.ids, (weight + shared) * own.exp() - weight * taught)
        else:
            divergence += _drawn_rest(gradient, scaled, whole, teacher.log_rest, teacher.drawn, weight, shared)
            gradient.scatter_add_(-1, teacher.ids, -weight * taught)
        if alpha < 1.0 and not shared:
            log_q = logits.log_softmax(dim=-1)
            hard = -log_q.gather(-1, targets[:, None]).sum()
            gradient.add_(log_q.exp_(), alpha=1.0 - alpha)
        if alpha < 1.0:
            gradient.scatter_add_(-1, targets[:, None], torch.full_like(own[:, :1], alpha - 1.0))
        # Not `save_for_backward`: what is kept there must not be changed, and this is scaled in place.
        context.gradient = gradient
        return alpha * temperature**2 * divergence + (1.0 - alpha) * hard

    @staticmethod
    def backward(context: Any, *outputs: Any) -> Any:
        """The kept gradient times the one of the sum."""
        (scale,) = outputs
        gradient, context.gradient = context.gradient, None
        return gradient.mul_(scale), None, None, None, None


def _summed_rest(
    gradient: torch.Tensor, own: torch.Tensor, teacher: TeacherTokens, weight: float, shared: float
) -> torch.Tensor:
    """The rest's share of the divergence as one class, a scalar; `gradient`, the student's softmax, becomes that of all
    tokens but the likeliest."""
    gradient.scatter_(-1, teacher.ids, 0.0)
    rest = _rest_of(gradient, own)
    taught = teacher.log_rest.exp()
    gradient *= (weight * (1.0 - taught / rest) + shared)[:, None]
    return (taught * (torch.where(taught > 0, teacher.log_rest, 0.0) - rest.log())).sum()


def _drawn_rest(
    gradient: torch.Tensor,
    scaled: torch.Tensor,
    whole: torch.Tensor,
    log_rest: torch.Tensor,
    drawn: RestDraws,
    weight: float,
    shared: float,
) -> torch.Tensor:
    """The rest's share of the divergence by its draws, a scalar; `gradient`, the student's softmax, becomes that of all
    tokens, but for what the likeliest take from it."""
    taught = log_rest.exp()
    own = scaled.gather(-1, drawn.ids) - whole[:, None]
    if weight + shared != 1.0:
        gradient *= weight + shared
    each = -weight / drawn.ids.shape[-1] * taught
    gradient.scatter_add_(-1, drawn.ids, each[:, None].expand_as(own))
    return (taught * (drawn.mean_log_probability - own.mean(dim=-1))).sum()


def _log_normalizers(scaled: torch.Tensor, softmax: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
    """log Σ exp of each position, shape (positions,): from the likeliest of `ids` and its probability, which spares a
    pass over the vocabulary, and from the sum itself where that probability is too small to tell."""
    best, place = scaled.gather(-1, ids).max(dim=-1, keepdim=True)
    told = softmax.gather(-1, ids.gather(-1, place))
    whole = (best - told.log()).squeeze(-1)
    vague = torch.nonzero(told.squeeze(-1) < _SMALLEST_TOLD).squeeze(-1)
    if len(vague):
        whole[vague] = scaled[vague].logsumexp(dim=-1)
    return whole


def _rest_of(others: torch.Tensor, own: torch.Tensor) -> torch.Tensor:
    """The student's probability beyond the likeliest tokens, shape (positions,); `others` are the probabilities with
    those of the likeliest at 0, `own` the logarithms of these.

    One minus the likeliest where that is right to five digits, else the sum over the rest itself, so that it is right
    where it is tiny; where it underflows it stays above 0, and the loss finite.
    """
    rest = 1.0 - own.exp().sum(dim=-1)
    small = torch.nonzero(rest < _SMALLEST_DIFFERENCE).squeeze(-1)
    if 3 * len(small) > len(rest):
        rest = others.sum(dim=-1)
    elif len(small):
        rest[small] = others[small].sum(dim=-1)
    return rest.clamp_min(torch.finfo(others.dtype).tiny)
