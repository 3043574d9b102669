"""Losses of distillation."""

from __future__ import annotations

import torch
from torch.nn import functional


def soft_label_loss(
    student_logits: torch.Tensor,
    teacher_logits: torch.Tensor,
    labels: torch.Tensor,
    temperature: float,
    alpha: float,
    real: torch.Tensor | None = None,
    weights: torch.Tensor | None = None,
) -> torch.Tensor:
    """alpha · T² · KL(teacher ‖ student) + (1 − alpha) · cross-entropy, a scalar, averaged over real positions.

    Logits have the shape (…, classes), `labels` and `real` (…); `real` null means that every position counts. The
    teacher's logits may be shifted by a constant in each position, so log-probabilities serve as well. Both softmaxes
    are taken at `temperature`; T² keeps the size of the soft gradients (Hinton, Vinyals, Dean 2015, section 2). The sum
    is divided by the number of real positions, neither by classes nor by padding. `weights`, of the shape of `labels`,
    multiply each position's loss; null means all alike.
    """
    if student_logits.shape != teacher_logits.shape:
        raise ValueError(f"student {tuple(student_logits.shape)} and teacher {tuple(teacher_logits.shape)} differ")
    student, teacher = student_logits.float(), teacher_logits.detach().float()
    divergence = functional.kl_div(
        functional.log_softmax(student / temperature, dim=-1),
        functional.log_softmax(teacher / temperature, dim=-1),
        reduction="none",
        log_target=True,
    ).sum(dim=-1)
    hard = functional.cross_entropy(student.flatten(0, -2), labels.flatten(), reduction="none").view(labels.shape)
    return _mean_of_real(alpha * temperature**2 * divergence + (1.0 - alpha) * hard, real, weights)


def hard_label_loss(
    logits: torch.Tensor,
    labels: torch.Tensor,
    real: torch.Tensor | None = None,
    weights: torch.Tensor | None = None,
) -> torch.Tensor:
    """Cross-entropy, a scalar, averaged over real positions; shapes as in `soft_label_loss`."""
    hard = functional.cross_entropy(logits.float().flatten(0, -2), labels.flatten(), reduction="none")
    return _mean_of_real(hard.view(labels.shape), real, weights)


def _mean_of_real(values: torch.Tensor, real: torch.Tensor | None, weights: torch.Tensor | None = None) -> torch.Tensor:
    values = values if weights is None else values * weights
    if real is None:
        return values.mean()
    # where() and not a product: 0 · inf would be NaN in a padded position.
    return torch.where(real, values, 0.0).sum() / real.sum().clamp(min=1)
