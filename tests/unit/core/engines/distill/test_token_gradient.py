"""The closed form of the next-token loss against automatic differentiation of the plain one."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from core.engines.distill.token_gradient import taught_loss
from core.engines.distill.token_losses import likeliest_tokens, token_divergence


def random_logits(seed: int, scale: float = 3.0) -> torch.Tensor:
    return scale * torch.randn(12, 50, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).float()


@pytest.mark.parametrize("kept", [4, 50])
@pytest.mark.parametrize("alpha", [1.0, 0.7, 0.0])
@pytest.mark.parametrize("temperature", [1.0, 2.0])
def test_value_and_gradient_are_those_of_automatic_differentiation(kept: int, alpha: float, temperature: float) -> None:
    targets = torch.arange(12)
    teacher = likeliest_tokens(random_logits(1), kept, temperature)
    own = random_logits(2).requires_grad_()
    found = taught_loss(own, targets, teacher, temperature, alpha)
    soft = token_divergence(own, teacher, temperature).sum()
    expected = alpha * soft + (1 - alpha) * functional.cross_entropy(own, targets, reduction="sum")
    assert float(found.detach()) == pytest.approx(float(expected.detach()), rel=1e-5)
    (one,), (other,) = (torch.autograd.grad(3.0 * loss, own) for loss in (found, expected))
    assert torch.allclose(one, other, atol=1e-5)


def test_a_student_that_gives_the_rest_no_probability_at_all_has_a_finite_loss_that_corrects_it() -> None:
    teacher = likeliest_tokens(random_logits(1), 4, 1.0)
    certain = torch.full((12, 50), -400.0).scatter(-1, teacher.ids, 0.0).requires_grad_()
    loss = taught_loss(certain, torch.zeros(12, dtype=torch.int64), teacher, 1.0, 1.0)
    (gradient,) = torch.autograd.grad(loss, certain)
    assert torch.isfinite(loss)
    assert torch.isfinite(gradient).all()
    assert float(gradient.gather(-1, teacher.ids).sum()) > 0.1
