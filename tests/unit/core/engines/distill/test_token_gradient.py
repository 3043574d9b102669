"""The closed form of the next-token loss against automatic differentiation of the plain one."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from core.engines.distill.rest_draws import drawn_from_rest
from core.engines.distill.token_gradient import TeacherTokens, taught_loss
from core.engines.distill.token_losses import likeliest_tokens, token_divergence


def random_logits(seed: int, scale: float = 3.0) -> torch.Tensor:
    return scale * torch.randn(12, 50, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).float()


def teacher_of(kept: int, temperature: float, draws: int) -> TeacherTokens:
    found = likeliest_tokens(random_logits(1), kept, temperature)
    drawn = drawn_from_rest(found.rest, draws, torch.arange(12)) if draws else None
    return found.tokens._replace(drawn=drawn)


@pytest.mark.parametrize(("kept", "draws"), [(4, 0), (50, 0), (4, 1), (4, 16)])
@pytest.mark.parametrize("alpha", [1.0, 0.7, 0.0])
@pytest.mark.parametrize("temperature", [1.0, 2.0])
def test_value_and_gradient_are_those_of_automatic_differentiation(
    kept: int, draws: int, alpha: float, temperature: float
) -> None:
    targets = torch.arange(12)
    teacher = teacher_of(kept, temperature, draws)
    own = random_logits(2).requires_grad_()
    found = taught_loss(own, targets, teacher, temperature, alpha)
    soft = token_divergence(own, teacher, temperature).sum()
    expected = alpha * soft + (1 - alpha) * functional.cross_entropy(own, targets, reduction="sum")
    assert float(found.detach()) == pytest.approx(float(expected.detach()), rel=1e-5)
    (one,), (other,) = (torch.autograd.grad(3.0 * loss, own) for loss in (found, expected))
    assert torch.allclose(one, other, atol=1e-5)


@pytest.mark.parametrize("draws", [0, 16])
def test_a_student_that_gives_the_rest_no_probability_at_all_has_a_finite_loss_that_corrects_it(draws: int) -> None:
    teacher = teacher_of(4, 1.0, draws)
    certain = torch.full((12, 50), -400.0).scatter(-1, teacher.ids, 0.0).requires_grad_()
    loss = taught_loss(certain, torch.zeros(12, dtype=torch.int64), teacher, 1.0, 1.0)
    (gradient,) = torch.autograd.grad(loss, certain)
    assert torch.isfinite(loss)
    assert torch.isfinite(gradient).all()
    assert float(gradient.gather(-1, teacher.ids).sum()) > 0.1


@pytest.mark.parametrize("scale", [30.0, 80.0], ids=["peaked", "beyond what fp32 can tell"])
@pytest.mark.parametrize("sure", [True, False], ids=["of the teacher's tokens", "of others"])
def test_a_very_sure_student_is_judged_as_in_double_precision(scale: float, sure: bool) -> None:
    teacher = likeliest_tokens(random_logits(1), 4, 1.0).tokens
    own = scale * random_logits(2, 1.0)
    own = own.scatter_add(-1, teacher.ids, torch.full_like(own[:, :4], scale if sure else -scale))
    exact = own.double().requires_grad_()
    told = own.requires_grad_()
    whole = exact.logsumexp(dim=-1, keepdim=True)
    near = exact.gather(-1, teacher.ids) - whole
    rest = (exact.scatter(-1, teacher.ids, -torch.inf).logsumexp(dim=-1) - whole.squeeze(-1)).clamp_min(-87.3)
    taught = teacher.log_probabilities.double()
    wanted = (taught.exp() * (taught - near)).sum()
    wanted = wanted + (teacher.log_rest.double().exp() * (teacher.log_rest.double() - rest)).sum()
    found = taught_loss(told, torch.arange(12), teacher, 1.0, 1.0)
    assert float(found.detach()) == pytest.approx(float(wanted.detach()), rel=1e-4)
    (gradient,) = torch.autograd.grad(found, told)
    assert torch.isfinite(gradient).all()
