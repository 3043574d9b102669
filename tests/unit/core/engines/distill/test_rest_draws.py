"""Tokens drawn from what lies beyond the likeliest: by their probability, repeatable, and without bias."""

from __future__ import annotations

import pytest
import torch

from core.engines.distill.rest_draws import drawn_from_rest
from core.engines.distill.token_gradient import TeacherTokens, taught_loss
from core.engines.distill.token_losses import likeliest_tokens, token_divergence


def random_logits(seed: int, rows: int = 12, scale: float = 2.0) -> torch.Tensor:
    return scale * torch.randn(rows, 60, generator=torch.Generator().manual_seed(seed))


def taught(logits: torch.Tensor, draws: int, places: torch.Tensor, temperature: float = 1.0) -> TeacherTokens:
    found = likeliest_tokens(logits, 6, temperature)
    return found.tokens._replace(drawn=drawn_from_rest(found.rest, draws, places))


def test_tokens_are_drawn_as_often_as_they_are_probable() -> None:
    rest = likeliest_tokens(random_logits(1, rows=1), 6, 1.0).rest.expand(4000, -1)
    drawn = drawn_from_rest(rest, 5, torch.arange(4000))
    share = torch.bincount(drawn.ids.flatten(), minlength=60) / drawn.ids.numel()
    assert torch.allclose(share, rest[0] / rest[0].sum(), atol=1e-3)


def test_a_likely_token_is_never_drawn_and_the_mean_is_that_of_the_drawn() -> None:
    found = likeliest_tokens(random_logits(1), 6, 1.0)
    drawn = drawn_from_rest(found.rest, 16, torch.arange(12))
    assert not (drawn.ids[:, :, None] == found.tokens.ids[:, None, :]).any()
    wanted = random_logits(1).log_softmax(-1).gather(-1, drawn.ids).mean(-1)
    assert torch.allclose(drawn.mean_log_probability, wanted, atol=1e-5)


def test_draws_depend_on_the_place_in_the_cache_and_not_on_the_batch() -> None:
    rest, places = likeliest_tokens(random_logits(1), 6, 1.0).rest, torch.arange(12)
    whole = drawn_from_rest(rest, 8, places)
    half = drawn_from_rest(rest[6:], 8, places[6:])
    assert torch.equal(whole.ids[6:], half.ids)
    assert not torch.equal(whole.ids, drawn_from_rest(rest, 8, places + 1).ids)


def test_a_rest_without_probability_is_drawn_from_without_nan() -> None:
    sure = torch.full((3, 60), -1e4).scatter(-1, torch.arange(6).expand(3, -1), 0.0)
    teacher = taught(sure, 4, torch.arange(3))
    assert torch.isneginf(teacher.log_rest).all()
    own = random_logits(2, rows=3).requires_grad_()
    loss = taught_loss(own, torch.zeros(3, dtype=torch.int64), teacher, 1.0, 0.7)
    assert torch.isfinite(loss)
    assert torch.isfinite(torch.autograd.grad(loss, own)[0]).all()
    assert torch.isfinite(token_divergence(own, teacher, 1.0)).all()


@pytest.mark.parametrize("temperature", [1.0, 2.0])
def test_loss_and_gradient_are_those_over_the_whole_vocabulary_in_the_mean_over_draws(temperature: float) -> None:
    """As one class the rest has another gradient: what lies beyond the likeliest is not learnt."""
    logits, own = random_logits(1, rows=1), random_logits(2, rows=1).requires_grad_()
    many = 4000
    spread = own.expand(many, -1)
    teacher = taught(logits.expand(many, -1), 4, torch.arange(many), temperature)
    drawn = token_divergence(spread, teacher, temperature).mean()
    target, told = (part / temperature for part in (logits, own))
    whole = temperature**2 * (target.softmax(-1) * (target.log_softmax(-1) - told.log_softmax(-1))).sum()
    summed = token_divergence(own, teacher._replace(drawn=None).part(0, 1), temperature).sum()
    by_draws, by_all, by_sum = (torch.autograd.grad(loss, own, retain_graph=True)[0] for loss in (drawn, whole, summed))
    assert float(drawn.detach()) == pytest.approx(float(whole.detach()), rel=5e-3)
    assert float((by_draws - by_all).norm()) < 0.02 * float(by_all.norm())
    assert float((by_sum - by_all).norm()) > 0.2 * float(by_all.norm())


def test_the_square_of_the_temperature_keeps_the_size_of_the_gradient_with_draws() -> None:
    logits, base = random_logits(1, scale=0.2), random_logits(2, scale=0.2)
    many = 2000
    sizes = []
    for temperature in (1.0, 2.0, 4.0):
        own = base[:1].clone().requires_grad_()
        teacher = taught(logits[:1].expand(many, -1), 16, torch.arange(many), temperature)
        loss = token_divergence(own.expand(many, -1), teacher, temperature).mean()
        sizes.append(float(torch.autograd.grad(loss, own)[0].norm()))
    assert max(sizes) / min(sizes) < 1.15
