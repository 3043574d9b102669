"""Answers of a local language model, and the probabilities of given answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny_language_models import CHAT_TEMPLATE, CONTEXT_TOKENS, write_language_model

from core.engines.language import decoding
from core.engines.language.decoding import continuation_log_probabilities, greedy
from core.engines.language.opening import open_language_model
from core.engines.language.prompts import completion_ids, prompt_ids
from core.engines.language.told import Decoded, first_place
from core.engines.language.torch_generator import TorchGenerator
from core.engines.models.starting import load_tokenizer
from core.errors import UserError

MESSAGES = ("lost", "my card is lost now please help", "rate", "money back")
LABELS = ("card", "loan", "loan rate", "x")


@pytest.fixture(scope="module", params=[None, CHAT_TEMPLATE], ids=["plain", "chat"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_language_model(tmp_path_factory.mktemp("language"), chat_template=request.param, vocab_pad=9)


@pytest.fixture(scope="module")
def generator(folder: Path) -> TorchGenerator:
    return TorchGenerator(folder)


def prompts_of(folder: Path) -> tuple[Any, Any, list[list[int]]]:
    opened = open_language_model(folder)
    return opened.model, opened.tokenizer, [prompt_ids(opened.tokenizer, message) for message in MESSAGES]


def reference(model: Any, prompt: list[int], tokens: int, vocabulary: int) -> list[int]:
    """Greedy decoding without cache, batch or padding."""
    ids = list(prompt)
    with torch.inference_mode():
        while len(ids) < len(prompt) + tokens and ids[-1] != 3:
            ids.append(int(model(input_ids=torch.tensor([ids])).logits[0, -1, :vocabulary].argmax()))
    return ids[len(prompt) :]


def test_a_batch_answers_as_each_request_alone_without_a_cache(folder: Path) -> None:
    model, tokenizer, prompts = prompts_of(folder)
    vocabulary = len(tokenizer)
    wanted = [reference(model, prompt, 12, vocabulary) for prompt in prompts]
    found = greedy(model, prompts, [12] * len(prompts), vocabulary, frozenset({3}), 0)
    assert [answer.tokens for answer in found] == wanted


def test_finished_rows_leave_the_batch_and_the_others_answer_as_before(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, tokenizer, prompts = prompts_of(folder)
    long = [one.tokens for one in greedy(model, prompts, [12] * len(prompts), len(tokenizer), frozenset({3}), 0)]
    stop = long[1][2]
    sizes: list[int] = []
    step = decoding.Prefill.step

    def counted(self: decoding.Prefill, tokens: torch.Tensor) -> None:
        sizes.append(len(tokens))
        step(self, tokens)

    monkeypatch.setattr(decoding.Prefill, "step", counted)
    limits = [12, 12, 3, 12]
    found = greedy(model, prompts, limits, len(tokenizer), frozenset({stop}), 0)
    for answer, whole, limit in zip(found, long, limits, strict=True):
        end = whole.index(stop) + 1 if stop in whole else len(whole)
        assert answer.tokens == whole[: min(end, limit)]
    assert sizes[0] <= len(prompts)
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] < len(prompts)


def test_rows_of_the_head_that_no_token_belongs_to_are_never_chosen(folder: Path) -> None:
    model, tokenizer, prompts = prompts_of(folder)
    with torch.no_grad():
        model.get_output_embeddings().weight[len(tokenizer) :] *= 100.0
    answers = greedy(model, prompts, [6] * len(prompts), len(tokenizer), frozenset({3}), 0)
    assert max(token for answer in answers for token in answer.tokens) < len(tokenizer)


def test_a_label_s_probability_is_the_product_of_its_tokens_and_the_end(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, tokenizer, prompts = prompts_of(folder)
    choices = [completion_ids(tokenizer, label) for label in LABELS]
    monkeypatch.setattr(decoding, "_CHOICE_POSITIONS", 20)
    found = continuation_log_probabilities(model, prompts, choices, len(tokenizer), 0)
    for row, prompt in enumerate(prompts):
        for place, choice in enumerate(choices):
            with torch.inference_mode():
                logits = model(input_ids=torch.tensor([prompt + choice])).logits[0, :, : len(tokenizer)].double()
            steps = logits.log_softmax(-1)[len(prompt) - 1 : -1]
            wanted = sum(float(steps[step, token]) for step, token in enumerate(choice))
            assert float(found[row, place]) == pytest.approx(wanted, abs=1e-4)


def test_the_distribution_over_the_labels_sums_to_one_and_ignores_the_order_of_the_batch(
    generator: TorchGenerator,
) -> None:
    found = generator.classify(MESSAGES, LABELS)
    assert found.shape == (len(MESSAGES), len(LABELS))
    np.testing.assert_allclose(found.sum(axis=1), 1.0)
    again = generator.classify(MESSAGES[::-1], LABELS[::-1])[::-1, ::-1]
    np.testing.assert_allclose(found, again, atol=1e-5)


def test_an_answer_says_its_tokens_its_times_and_how_it_ended(generator: TorchGenerator) -> None:
    answers = generator.generate(MESSAGES, 7)
    assert [answer.input_tokens for answer in answers] == generator.token_counts(MESSAGES)
    for answer in answers:
        assert answer.output_tokens is not None
        assert 1 <= answer.output_tokens <= 7
        assert answer.finish_reason == ("stop" if answer.output_tokens < 7 else answer.finish_reason)
        assert answer.latency_ms is not None
        assert answer.time_to_first_token_ms is None or answer.time_to_first_token_ms <= answer.latency_ms
        assert "</s>" not in answer.text


def test_the_first_token_of_the_answer_comes_after_the_reasoning(
    generator: TorchGenerator, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokenizer = generator._tokenizer
    written = tokenizer("<think>so</think>\nyes", add_special_tokens=False)["input_ids"] + [3]

    def recite(*arguments: Any, on_tokens: Any, **options: Any) -> list[Decoded]:
        for _ in written:
            on_tokens([0])
        return [Decoded(list(written), -1.0)]

    monkeypatch.setattr("core.engines.language.torch_generator.greedy", recite)
    answer = generator.generate(["hi"], 40)[0]
    assert (answer.reasoning, answer.text, answer.finish_reason) == ("so", "yes", "stop")
    assert answer.output_tokens == len(written)
    assert answer.time_to_first_output_token_ms is not None
    assert answer.time_to_first_token_ms is not None
    assert answer.time_to_first_token_ms < answer.time_to_first_output_token_ms
    assert answer.time_per_output_token_ms is not None
    after_first = answer.time_per_output_token_ms * (len(written) - 1)
    assert answer.time_to_first_token_ms + after_first == pytest.approx(answer.latency_ms)
    assert first_place(written, "</think>", generator._text) == len(written) - 4
    assert first_place(written, "", generator._text) == 0


def test_an_answer_s_probability_is_that_of_its_tokens(generator: TorchGenerator, folder: Path) -> None:
    model, tokenizer, prompts = prompts_of(folder)
    found = greedy(model, prompts, [8] * len(prompts), len(tokenizer), frozenset({3}), 0)
    exact = continuation_log_probabilities(model, prompts, [answer.tokens for answer in found], len(tokenizer), 0)
    for row, answer in enumerate(found):
        assert answer.log_probability == pytest.approx(float(exact[row, row]), abs=1e-4)
    told = generator.generate(MESSAGES, 8)
    for answer, generation in zip(found, told, strict=True):
        wanted = answer.log_probability / len(answer.tokens)
        assert generation.mean_log_probability == pytest.approx(wanted, abs=1e-4)


def test_where_memory_is_short_batches_are_smaller_and_answers_the_same(
    generator: TorchGenerator, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = [answer.text for answer in generator.generate(MESSAGES, 5)]
    whole = generator.classify(MESSAGES, LABELS)
    sizes: list[int] = []
    prefill = decoding.Prefill.__init__

    def counted(self: decoding.Prefill, model: Any, prompts: Any, pad_id: int, opening: Any) -> None:
        sizes.append(len(prompts))
        prefill(self, model, prompts, pad_id, opening)

    monkeypatch.setattr(decoding.Prefill, "__init__", counted)
    monkeypatch.setattr("core.engines.language.torch_generator._memory_bytes", lambda device: 1)
    assert [answer.text for answer in generator.generate(MESSAGES, 5)] == answers
    np.testing.assert_allclose(generator.classify(MESSAGES, LABELS), whole, atol=1e-5)
    assert sizes == [1] * (2 * len(MESSAGES))


def test_an_answer_can_be_ended_from_outside_between_its_tokens(folder: Path) -> None:
    steps: list[int] = []

    def end() -> None:
        steps.append(1)
        if len(steps) == 3:
            raise InterruptedError

    generator = TorchGenerator(folder, on_step=end)
    with pytest.raises(InterruptedError):
        generator.generate(MESSAGES, 50)
    steps.clear()
    generator.classify(MESSAGES, LABELS[:1])
    with pytest.raises(InterruptedError):
        generator.classify(MESSAGES, LABELS)


def test_a_request_that_does_not_fit_is_told_and_the_others_are_answered(generator: TorchGenerator) -> None:
    long = "a" * (CONTEXT_TOKENS + 1)
    answers = generator.generate([long, "hi"], 3)
    assert [answer.finish_reason == "too_long" for answer in answers] == [True, False]
    assert answers[0].text == ""
    with pytest.raises(UserError, match=str(CONTEXT_TOKENS)):
        generator.classify([long], LABELS)


def test_an_answer_ends_where_the_context_does(generator: TorchGenerator) -> None:
    message = "a" * (CONTEXT_TOKENS - generator.token_counts([""])[0] - 2)
    answer = generator.generate([message], 50)[0]
    assert answer.output_tokens is not None
    assert answer.output_tokens <= 2


def test_a_padding_token_without_an_embedding_fills_no_place_that_is_read(tmp_path: Path) -> None:
    plain = write_language_model(tmp_path / "plain")
    added = write_language_model(tmp_path / "added")
    tokenizer = load_tokenizer(added)
    tokenizer.add_special_tokens({"pad_token": "<newpad>"})
    tokenizer.save_pretrained(added)
    messages = ["my card", "the interest rate today please help"]
    texts = [[one.text for one in TorchGenerator(folder).generate(messages, 4)] for folder in (plain, added)]
    assert "<newpad>" in load_tokenizer(added).all_special_tokens
    assert texts[0] == texts[1]
