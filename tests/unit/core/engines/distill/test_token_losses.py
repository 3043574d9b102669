"""Losses over next tokens: the traps that have bitten other projects."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
from tiny_language_models import write_language_model, write_text_dataset
from torch.nn import functional
from torch.profiler import ProfilerActivity, profile

from core.data.train_part import train_examples
from core.engines.distill import causal_model, token_losses
from core.engines.distill.causal_objective import CausalObjective
from core.engines.distill.causal_rows import CausalRows, causal_rows
from core.engines.distill.cross_tokenizer import sorted_distance
from core.engines.distill.token_cache import TokenCache
from core.engines.distill.token_gradient import TeacherTokens
from core.engines.distill.token_losses import (
    HeadWeights,
    chunked_loss,
    likeliest_tokens,
    mixed_token_loss,
    token_divergence,
)
from core.engines.language.opening import open_language_model
from core.spec import Task

TASK = Task(kind="generation", metric="exact_match", prompt="Last word of: {text}")


class Told:
    """A cache that says the same of every batch."""

    def __init__(self, tokens: TeacherTokens) -> None:
        self._tokens = tokens

    def of_rows(self, rows: Any, device: torch.device) -> TeacherTokens:
        return self._tokens


def random_logits(positions: int = 12, vocabulary: int = 50, seed: int = 0, scale: float = 3.0) -> torch.Tensor:
    return scale * torch.randn(positions, vocabulary, generator=torch.Generator().manual_seed(seed))


def whole_divergence(teacher: torch.Tensor, student: torch.Tensor, temperature: float) -> torch.Tensor:
    first, second = ((logits / temperature).log_softmax(-1) for logits in (teacher, student))
    return temperature**2 * (first.exp() * (first - second)).sum(-1)


@pytest.mark.parametrize("temperature", [1.0, 2.0, 4.0])
def test_equal_models_do_not_diverge(temperature: float) -> None:
    logits = random_logits()
    loss = token_divergence(logits, likeliest_tokens(logits, 8, temperature).tokens, temperature)
    assert float(loss.abs().max()) < 1e-5


def test_all_tokens_kept_give_the_whole_divergence_without_nan() -> None:
    teacher, student = random_logits(seed=1), random_logits(seed=2)
    found = token_divergence(student, likeliest_tokens(teacher, 50, 2.0).tokens, 2.0)
    assert torch.allclose(found, whole_divergence(teacher, student, 2.0), atol=1e-4)


def test_a_few_tokens_and_the_rest_never_exceed_the_whole_divergence() -> None:
    teacher, student = random_logits(seed=1), random_logits(seed=2)
    found = token_divergence(student, likeliest_tokens(teacher, 8, 1.0).tokens, 1.0)
    assert (found <= whole_divergence(teacher, student, 1.0) + 1e-5).all()
    assert (found >= 0).all()


def test_the_rest_keeps_the_loss_unbiased_where_likeliest_tokens_alone_do_not() -> None:
    """The gradient at the teacher's own logits is zero with the rest, and not without it."""
    logits = random_logits(scale=1.0)
    teacher = likeliest_tokens(logits, 8, 1.0).tokens
    student = logits.clone().requires_grad_()
    (with_rest,) = torch.autograd.grad(token_divergence(student, teacher, 1.0).sum(), student)
    renormalised = teacher.log_probabilities.log_softmax(-1)
    own = student.log_softmax(-1).gather(-1, teacher.ids)
    (without,) = torch.autograd.grad((renormalised.exp() * (renormalised - own)).sum(), student)
    assert float(with_rest.abs().max()) < 1e-5
    assert float(without.abs().max()) > 0.01


def test_the_square_of_the_temperature_keeps_the_size_of_the_gradient() -> None:
    teacher, base = random_logits(seed=1, scale=0.2), random_logits(seed=2, scale=0.2)
    sizes = []
    for temperature in (1.0, 2.0, 4.0):
        student = base.clone().requires_grad_()
        loss = token_divergence(student, likeliest_tokens(teacher, 50, temperature).tokens, temperature).sum()
        sizes.append(float(torch.autograd.grad(loss, student)[0].norm()))
    assert max(sizes) / min(sizes) < 1.1


def test_a_chunked_loss_has_the_gradients_of_the_plain_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_losses, "CHUNK_POSITIONS", 5)
    generator = torch.Generator().manual_seed(3)
    hidden = torch.randn(17, 6, generator=generator, requires_grad=True)
    head = torch.randn(40, 6, generator=generator, requires_grad=True)
    targets = torch.randint(0, 40, (17,), generator=generator)
    teacher = likeliest_tokens(torch.randn(17, 40, generator=generator), 7, 2.0).tokens

    def of_chunk(chunk: torch.Tensor, first: int, last: int) -> torch.Tensor:
        return mixed_token_loss(chunk @ head.T, targets[first:last], teacher.part(first, last), 2.0, 0.7)

    chunked = chunked_loss(hidden, HeadWeights([head], [head]), of_chunk) * 3.0
    plain = mixed_token_loss(hidden @ head.T, targets, teacher, 2.0, 0.7) / 17 * 3.0
    assert float((chunked - plain).detach()) == pytest.approx(0.0, abs=1e-3)
    for one, other in zip(
        torch.autograd.grad(chunked, [hidden, head]), torch.autograd.grad(plain, [hidden, head]), strict=True
    ):
        assert torch.allclose(one, other, atol=1e-5)


@pytest.mark.parametrize("alpha", [0.0, 0.7], ids=["targets", "taught"])
def test_the_gradients_of_many_positions_do_not_vanish_in_fp16(alpha: float) -> None:
    """The mean's gradient by a logit is a probability over the number of positions, which fp16 rounds to nothing."""
    generator = torch.Generator().manual_seed(3)
    hidden = (1.0 + torch.randn(16384, 8, generator=generator)).requires_grad_()
    head = (0.02 * torch.randn(512, 8, generator=generator)).requires_grad_()
    targets = torch.randint(0, 512, (16384,), generator=generator)
    teacher = likeliest_tokens(random_logits(16384, 512), 7, 1.0).tokens if alpha else None

    def of_chunk(chunk: torch.Tensor, first: int, last: int) -> torch.Tensor:
        part = None if teacher is None else teacher.part(first, last)
        return mixed_token_loss(functional.linear(chunk, head), targets[first:last], part, 1.0, alpha)

    losses, found = [], []
    for scale in (1.0, 65536.0):
        with torch.autocast("cpu", dtype=torch.float16, enabled=scale > 1.0):
            loss = chunked_loss(hidden, HeadWeights([head], [head]), of_chunk)
        losses.append(float(loss.detach()))
        found.append(torch.autograd.grad(loss * scale, [hidden, head]))
    assert losses[1] == pytest.approx(losses[0], rel=1e-4)
    for other, one in zip(*found, strict=True):
        assert one.dtype is torch.float32
        assert float((one / 65536.0 - other).norm() / other.norm()) < 3e-3


def test_the_temperature_keeps_the_size_of_the_gradient_of_sorted_probabilities() -> None:
    teacher, base = random_logits(seed=1, scale=0.4), random_logits(seed=2, scale=0.2)
    sizes = []
    for temperature in (1.0, 2.0, 4.0):
        student = base.clone().requires_grad_()
        distance = sorted_distance(student, likeliest_tokens(teacher, 24, temperature).tokens, temperature).sum()
        sizes.append(float(torch.autograd.grad(temperature * distance, student)[0].norm()))
    assert max(sizes) / min(sizes) < 1.2


def test_equal_distributions_have_no_distance_whatever_their_tokens_are_called() -> None:
    logits = random_logits()
    shuffled = logits[:, torch.randperm(50, generator=torch.Generator().manual_seed(1))]
    assert float(sorted_distance(shuffled, likeliest_tokens(logits, 8, 2.0).tokens, 2.0).max()) < 1e-5


@pytest.fixture(scope="module")
def language_model(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, CausalRows, Any]:
    folder = tmp_path_factory.mktemp("language")
    opened = open_language_model(write_language_model(folder / "model"))
    rows = causal_rows(train_examples(write_text_dataset(folder / "data")), TASK, opened.tokenizer, 64)
    return opened.model, rows, opened.tokenizer


def gradient(model: Any, rows: CausalRows, picked: list[int], vocabulary: int) -> torch.Tensor:
    ids, mask = rows.tokens.padded(np.asarray(picked), 0)
    model.zero_grad()
    objective = CausalObjective(rows, vocabulary)
    loss = objective.loss(model, torch.from_numpy(ids), torch.from_numpy(mask), np.asarray(picked))
    loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
    return torch.cat([part.grad.flatten() for part in model.parameters() if part.grad is not None])


@pytest.mark.parametrize("padding", [None, 5])
def test_tied_embeddings_get_the_gradient_of_looking_up_and_of_the_head(
    language_model: tuple[Any, CausalRows, Any], monkeypatch: pytest.MonkeyPatch, padding: int | None
) -> None:
    model, rows, tokenizer = language_model
    lookup = model.get_input_embeddings()
    assert lookup.weight is model.get_output_embeddings().weight
    monkeypatch.setattr(lookup, "padding_idx", padding)
    together = gradient(model, rows, [0, 1, 2], len(tokenizer))
    assert torch.equal(together, gradient(model, rows, [0, 1, 2], len(tokenizer)))
    assert not lookup._forward_hooks
    monkeypatch.setattr(causal_model, "one_gradient", lambda model, head: nullcontext())
    assert torch.allclose(together, gradient(model, rows, [0, 1, 2], len(tokenizer)), atol=1e-6)


def test_the_gradient_of_tied_embeddings_is_added_in_place(language_model: tuple[Any, CausalRows, Any]) -> None:
    model, rows, tokenizer = language_model
    shape = list(model.get_input_embeddings().weight.shape)
    with profile(activities=[ProfilerActivity.CPU], record_shapes=True) as recorded:
        gradient(model, rows, [0, 1, 2], len(tokenizer))
    names = {event.name for event in recorded.events()}
    assert "aten::index_put_" in names
    assert not any("embedding" in name and "backward" in name for name in names)
    assert not [one for one in recorded.events() if one.name == "aten::copy_" and one.input_shapes[:1] == [shape]]


def test_the_loss_is_the_mean_cross_entropy_of_completion_tokens_shifted_once(
    language_model: tuple[Any, CausalRows, Any],
) -> None:
    model, rows, tokenizer = language_model
    picked = np.array([0, 3, 5])
    ids, mask = (torch.from_numpy(part) for part in rows.tokens.padded(picked, 0))
    labels = ids.clone()
    for place, row in enumerate(picked):
        labels[place, : rows.prompt_lengths[row]] = -100
        labels[place, rows.tokens.lengths[row] :] = -100
    logits = model(input_ids=ids, attention_mask=mask).logits
    expected = functional.cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten(), ignore_index=-100)
    found = CausalObjective(rows, len(tokenizer)).loss(model, ids, mask, picked)
    assert float((expected - found).detach()) == pytest.approx(0.0, abs=1e-5)


def test_padding_and_the_make_up_of_a_batch_do_not_change_a_steps_gradient(
    language_model: tuple[Any, CausalRows, Any],
) -> None:
    model, rows, tokenizer = language_model
    picked = [0, 1, 2, 3, 4, 5]
    together = gradient(model, rows, picked, len(tokenizer))
    units = rows.completion_lengths[picked]
    apart = torch.stack(
        [gradient(model, rows, [row], len(tokenizer)) * int(units[row]) / int(units.sum()) for row in picked]
    ).sum(0)
    assert float(together.norm()) > 0.01
    assert float((together - apart).abs().max()) < 1e-5


def test_dropping_other_positions_and_chunks_change_no_gradient_in_lower_precision_either(
    language_model: tuple[Any, CausalRows, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Against the loss over the logits of every position, as a plain trainer computes it, in bf16 and fp32."""
    model, rows, tokenizer = language_model
    picked = np.array([0, 3, 5, 6])
    ids, mask = (torch.from_numpy(part) for part in rows.tokens.padded(picked, 0))
    followed = torch.from_numpy(rows.followed(picked))
    teacher = likeliest_tokens(random_logits(int(followed.sum()), len(tokenizer), seed=4), 24, 2.0).tokens
    monkeypatch.setattr(token_losses, "CHUNK_POSITIONS", 3)
    for precision, tolerance in ((None, 1e-5), (torch.bfloat16, 0.02)):
        objective = CausalObjective(rows, len(tokenizer), cast(TokenCache, Told(teacher)), 2.0, 0.7)
        found = []
        for chunked in (True, False):
            model.zero_grad()
            with torch.autocast("cpu", dtype=precision or torch.bfloat16, enabled=precision is not None):
                if chunked:
                    loss = objective.loss(model, ids, mask, picked)
                else:
                    logits = model(input_ids=ids, attention_mask=mask).logits[:, :-1][followed]
                    loss = mixed_token_loss(logits, ids[:, 1:][followed], teacher, 2.0, 0.7) / len(logits)
            torch.autograd.backward(loss)
            found.append(torch.cat([part.grad.flatten() for part in model.parameters()]))
        assert float((found[0] - found[1]).norm() / found[1].norm()) < tolerance


def test_a_padded_vocabulary_changes_neither_loss_nor_gradient_of_equal_models(tmp_path: Path) -> None:
    plain = open_language_model(write_language_model(tmp_path / "plain"))
    padded = open_language_model(write_language_model(tmp_path / "padded", vocab_pad=9))
    with torch.no_grad():
        weights = {name: tensor for name, tensor in plain.model.state_dict().items() if "embed" not in name}
        padded.model.load_state_dict({k: v for k, v in weights.items() if "lm_head" not in k}, strict=False)
        padded.model.get_input_embeddings().weight[: len(plain.tokenizer)] = plain.model.get_input_embeddings().weight
    rows = causal_rows(train_examples(write_text_dataset(tmp_path / "data")), TASK, plain.tokenizer, 64)
    picked = np.arange(4)
    ids, mask = (torch.from_numpy(part) for part in rows.tokens.padded(picked, 0))
    losses = [
        float(CausalObjective(rows, len(plain.tokenizer)).loss(model.model, ids, mask, picked).detach())
        for model in (plain, padded)
    ]
    assert losses[0] == pytest.approx(losses[1], abs=1e-5)


def test_teacher_tokens_are_cut_by_position() -> None:
    teacher = likeliest_tokens(random_logits(), 4, 1.0).tokens
    part = teacher.part(3, 5)
    assert isinstance(part, TeacherTokens)
    assert torch.equal(part.ids, teacher.ids[3:5])
    assert torch.equal(part.log_rest, teacher.log_rest[3:5])
