"""Key-value caches: they grow as transformers' own do, and what requests begin with is read once."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tiny_language_models import write_language_model
from transformers import MistralConfig, MistralForCausalLM
from transformers.cache_utils import DynamicLayer

from core.engines.language import decoding
from core.engines.language.cache import GrowingLayer, new_cache, read_opening
from core.engines.language.decoding import continuation_log_probabilities, greedy
from core.engines.language.opening import open_language_model
from core.engines.language.prompts import prompt_ids
from core.engines.language.sharing import MINIMUM_OPENING_TOKENS
from core.engines.language.torch_generator import TorchGenerator

INSTRUCTION = "say which of these it is about: card, loan, rate. text: "
MESSAGES = [INSTRUCTION + text for text in ("lost", "my card is lost now please help", "rate", "money back")]
LABELS = ("card", "loan", "loan rate", "x")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_language_model(tmp_path_factory.mktemp("language"), vocab_pad=9)


@pytest.fixture(scope="module")
def opened(folder: Path) -> Any:
    return open_language_model(folder)


def prompts_of(opened: Any, messages: list[str]) -> list[list[int]]:
    return [prompt_ids(opened.tokenizer, message) for message in messages]


def states(rows: int, tokens: int, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    return tuple(torch.randn((rows, 2, tokens, 8), generator=generator) for _ in range(2))  # type: ignore[return-value]


def test_a_growing_layer_holds_what_transformers_own_layer_holds() -> None:
    generator = torch.Generator().manual_seed(1)
    own: Any = DynamicLayer()  # type: ignore[no-untyped-call]  # untyped there
    growing = GrowingLayer()
    for step in range(200):
        if step in (50, 120):
            rows = torch.tensor([2, 0, 1, 1] if step == 50 else [3, 1])
            own.batch_select_indices(rows)
            growing.batch_select_indices(rows)
        rows_now = 3 if step < 50 else 4 if step < 120 else 2
        given = states(rows_now, 7 if step == 0 else 1, generator)
        for wanted, found in zip(own.update(*given), growing.update(*given), strict=True):
            assert torch.equal(wanted, found)
    assert growing.get_seq_length() == own.get_seq_length() == 206


def test_rows_that_go_on_keep_their_keys_and_values_where_the_last_ones_fill_gaps() -> None:
    generator = torch.Generator().manual_seed(1)
    layer: Any = GrowingLayer()
    layer.update(*states(5, 7, generator))
    keys, values = layer.keys.clone(), layer.values.clone()
    order = decoding._closed_up([1, 3, 4])
    assert order == [4, 1, 3]
    layer.keep_rows(order)
    assert torch.equal(layer.keys, keys[order])
    assert torch.equal(layer.values, values[order])
    later = states(3, 90, generator)
    wanted = torch.cat([keys[order], later[0]], dim=2)
    assert torch.equal(layer.update(*later)[0], wanted)
    layer.keep_rows([0, 1])
    assert torch.equal(layer.keys, wanted[:2])


@given(st.lists(st.booleans(), min_size=1, max_size=40))
def test_closing_up_keeps_every_row_that_goes_on_and_moves_none_that_need_not(stays: list[bool]) -> None:
    going = [place for place, stay in enumerate(stays) if stay]
    order = decoding._closed_up(going)
    assert sorted(order) == going
    assert [place for place in order[: len(going)] if place < len(going)] == [
        place for place in going if place < len(going)
    ]


@given(st.lists(st.integers(1, 60), min_size=1, max_size=30))
def test_prompts_that_are_read_together_stay_in_order_and_within_the_tokens_given(lengths: list[int]) -> None:
    prompts = [[place] * length for place, length in enumerate(lengths)]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(decoding, "_READ_TOKENS", {"cpu": 100})
        groups = decoding._groups(prompts, 0, "cpu")
    assert [prompt for group in groups for prompt in group] == prompts
    assert all(len(group) == 1 or len(group) * max(map(len, group)) <= 100 for group in groups)


def test_rows_chosen_out_of_a_copied_layer_leave_the_layer_as_it_is() -> None:
    generator = torch.Generator().manual_seed(1)
    layer: Any = GrowingLayer()
    layer.update(*states(2, 5, generator))
    before = layer.keys.clone()
    chosen = copy.copy(layer)
    chosen.batch_select_indices(torch.tensor([1, 1, 0]))
    chosen.update(*states(3, 1, generator))
    assert torch.equal(layer.keys, before)
    later = states(2, 1, generator)
    assert torch.equal(layer.update(*later)[0], torch.cat([before, later[0]], dim=2))


def test_answers_after_a_shared_opening_are_those_without_it(opened: Any) -> None:
    prompts = prompts_of(opened, MESSAGES)
    opening = read_opening(opened.model, prompts)
    assert opening is not None
    assert len(opening.ids) == len(prompt_ids(opened.tokenizer, INSTRUCTION))
    asked = (opened.model, prompts, [12] * len(prompts), len(opened.tokenizer), frozenset({3}), 0)
    plain, shared = greedy(*asked), greedy(*asked, opening=opening)
    assert [answer.tokens for answer in shared] == [answer.tokens for answer in plain]
    for one, other in zip(shared, plain, strict=True):
        assert one.log_probability == pytest.approx(other.log_probability, abs=1e-4)
    choices = prompts_of(opened, list(LABELS))
    weighed = (opened.model, prompts, choices, len(opened.tokenizer), 0)
    found = continuation_log_probabilities(*weighed, opening=opening)
    np.testing.assert_allclose(found, continuation_log_probabilities(*weighed), atol=1e-4)


@pytest.mark.parametrize("shared", [False, True])
def test_prompts_read_some_at_a_time_are_answered_as_those_read_at_once(
    opened: Any, monkeypatch: pytest.MonkeyPatch, shared: bool
) -> None:
    prompts = prompts_of(opened, MESSAGES)
    opening = read_opening(opened.model, prompts) if shared else None
    limits = [12, 3, 100, 12]
    asked = (opened.model, prompts, limits, len(opened.tokenizer), frozenset({3}), 0)
    choices = prompts_of(opened, list(LABELS))
    weighed = (opened.model, prompts, choices, len(opened.tokenizer), 0)
    at_once, chances = greedy(*asked, opening=opening), continuation_log_probabilities(*weighed, opening=opening)
    monkeypatch.setattr(decoding, "_READ_TOKENS", {"cpu": 20})
    in_parts = greedy(*asked, opening=opening)

    assert [answer.tokens for answer in in_parts] == [answer.tokens for answer in at_once]
    for one, other in zip(in_parts, at_once, strict=True):
        assert one.log_probability == pytest.approx(other.log_probability, abs=1e-4)
    np.testing.assert_allclose(continuation_log_probabilities(*weighed, opening=opening), chances, atol=1e-4)


def test_a_shared_opening_is_read_once_for_all_batches(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    generator = TorchGenerator(folder)
    model = generator._opened.model
    read: list[int] = []
    forward = model.forward

    def counted(*arguments: Any, **options: Any) -> Any:
        read.append(int(options["input_ids"].numel()))
        return forward(*arguments, **options)

    monkeypatch.setattr(model, "forward", counted)
    generator.share_opening(MESSAGES)
    opening = len(prompt_ids(generator._tokenizer, INSTRUCTION))
    assert read == [opening]
    for message in MESSAGES:
        read.clear()
        generator.generate([message], 1)
        assert read == [generator.token_counts([message])[0] - opening]


def test_requests_that_do_not_begin_with_the_opening_are_read_whole(folder: Path) -> None:
    generator = TorchGenerator(folder)
    others = ["my card is lost", "rate"]
    wanted = [answer.text for answer in generator.generate(others, 8)]
    weighed = generator.classify(others, LABELS)
    generator.share_opening(MESSAGES)
    assert [answer.text for answer in generator.generate(others, 8)] == wanted
    np.testing.assert_allclose(generator.classify(others, LABELS), weighed, atol=1e-6)


@pytest.mark.parametrize(
    "messages",
    [MESSAGES[:1], ["lost", "rate", "money"], ["a" * (MINIMUM_OPENING_TOKENS - 2) + end for end in ("b", "c")]],
    ids=["one request", "nothing shared", "too little shared"],
)
def test_where_there_is_little_to_share_nothing_is_read_before(opened: Any, messages: list[str]) -> None:
    assert read_opening(opened.model, prompts_of(opened, messages)) is None


def test_a_request_that_is_the_opening_itself_keeps_one_token_of_its_own(opened: Any) -> None:
    prompts = prompts_of(opened, [INSTRUCTION, INSTRUCTION + "lost"])
    opening = read_opening(opened.model, prompts)
    assert opening is not None
    assert len(opening.ids) == len(prompts[0]) - 1
    asked = (opened.model, prompts, [6] * 2, len(opened.tokenizer), frozenset({3}), 0)
    assert [one.tokens for one in greedy(*asked, opening=opening)] == [one.tokens for one in greedy(*asked)]


def test_a_model_that_looks_back_over_a_window_makes_its_own_cache_and_shares_no_opening() -> None:
    torch.manual_seed(1)
    sizes: dict[str, Any] = {"vocab_size": 50, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2}
    heads: dict[str, Any] = {"num_attention_heads": 4, "num_key_value_heads": 2, "sliding_window": 8}
    model: Any = MistralForCausalLM(MistralConfig(**sizes, **heads, initializer_range=0.3))
    model.eval()
    prompts = [[*range(4, 34), 40], [*range(4, 34), 41, 42]]
    assert new_cache(model) is None
    assert read_opening(model, prompts) is None
    found = greedy(model, [prompts[1]], [5], 50, frozenset({3}), 0)[0].tokens
    ids = list(prompts[1])
    with torch.inference_mode():
        for _ in found:
            ids.append(int(model(input_ids=torch.tensor([ids]), use_cache=False).logits[0, -1].argmax()))
    assert found == ids[len(prompts[1]) :]
