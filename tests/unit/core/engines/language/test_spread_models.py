"""A language model that accelerate has spread over two GPUs answers and teaches as on one device."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from job_context import job_context
from tiny_language_models import write_language_model, write_text_dataset
from transformers import MistralConfig, MistralForCausalLM
from two_cards import FIRST, SECOND, TwoCards, on_card

from core.data.train_part import train_examples
from core.engines.device import Device
from core.engines.distill.causal_rows import causal_rows
from core.engines.distill.token_cache import teacher_tokens
from core.engines.language.cache import read_opening
from core.engines.language.decoding import continuation_log_probabilities, greedy
from core.engines.language.opening import OpenedLanguageModel, open_language_model
from core.jobs.specs import DistillParameters
from core.lazy import load
from core.spec import Task, Train

TASK = Task(kind="generation", metric="exact_match", prompt="Last word of: {text}")
VOCABULARY, STOP = 50, frozenset({3})
OPENING = [5, 6, 7, 8] * 12
PROMPTS = [[*OPENING, 9], [*OPENING, 11, 12], [*OPENING, 9, 10, 4]]
CHOICES = [[5, 6, 7], [8], [9, 4]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_language_model(tmp_path_factory.mktemp("spread"), tied=False)


def spread(model: Any) -> Any:
    """The model with its last layer and its head on the second of two cards."""
    layers = len(model.model.layers)
    places = {f"model.layers.{layer}": FIRST if layer < layers - 1 else SECOND for layer in range(layers)}
    places |= {"model.embed_tokens": FIRST, "model.rotary_emb": FIRST, "model.norm": SECOND, "lm_head": SECOND}
    skipped = model._skip_keys_device_placement
    return load("accelerate").dispatch_model(model, places, main_device=FIRST, skip_keys=skipped)


def windowed() -> Any:
    """A model whose layers make their own cache."""
    torch.manual_seed(1)
    sizes: dict[str, Any] = {"vocab_size": VOCABULARY, "hidden_size": 32, "intermediate_size": 64}
    heads: dict[str, Any] = {"num_attention_heads": 4, "num_key_value_heads": 2, "sliding_window": 8}
    model: Any = MistralForCausalLM(MistralConfig(**sizes, **heads, num_hidden_layers=2, initializer_range=0.3))
    return model.eval()


def test_tensors_of_two_cards_do_not_meet_here_either() -> None:
    with TwoCards():
        one = on_card(torch.ones(2), FIRST)
        with pytest.raises(RuntimeError, match="same device"):
            one + on_card(torch.ones(2), SECOND)
        assert (one.to(SECOND) + on_card(torch.ones(2), SECOND)).device == SECOND


@pytest.mark.parametrize("kind", ["growing", "opening", "windowed"])
def test_it_answers_and_weighs_choices_as_on_one_device(folder: Path, kind: str) -> None:
    made: Callable[[], Any] = windowed if kind == "windowed" else lambda: open_language_model(folder).model
    limits = [6, 2, 6]

    def answers(model: Any) -> tuple[list[list[int]], torch.Tensor]:
        opening = read_opening(model, PROMPTS) if kind == "opening" else None
        assert kind != "opening" or opening is not None
        told = greedy(model, PROMPTS, limits, VOCABULARY, STOP, 0, opening=opening)
        weighed = continuation_log_probabilities(model, PROMPTS, CHOICES, VOCABULARY, 0, opening=opening)
        return [one.tokens for one in told], weighed

    wanted, model = answers(made()), made()
    with TwoCards():
        model = spread(model)
        assert {parameter.device for parameter in model.parameters()} == {FIRST, SECOND}
        found = answers(model)
    assert found[0] == wanted[0]
    torch.testing.assert_close(found[1], wanted[1])


def test_its_outputs_are_kept_as_those_of_a_teacher_on_one_device(folder: Path, tmp_path: Path) -> None:
    opened: OpenedLanguageModel = open_language_model(folder)
    rows = causal_rows(train_examples(write_text_dataset(tmp_path / "data", rows=20)), TASK, opened.tokenizer, 64)

    def kept(name: str, model: Any, place: str) -> Any:
        context = job_context(tmp_path / name, DistillParameters(train=Train(method="distill"), task=TASK), {})
        context.started(place)
        device = Device(torch.device(place), place)
        cache = teacher_tokens(
            lambda: model, (name,), rows, 8, len(opened.tokenizer), 1.0, device, tmp_path / name / "out", context
        )
        return cache.of_rows(np.arange(len(rows.names)), torch.device("cpu"))

    wanted = kept("one", opened.model, "cpu")
    with TwoCards():
        found = kept("two", spread(opened.model), "cuda")
    assert torch.equal(found.ids, wanted.ids)
    torch.testing.assert_close(found.log_probabilities, wanted.log_probabilities)
