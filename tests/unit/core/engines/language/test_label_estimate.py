"""Labelling is priced before anything is bought, from what earlier answers took where there are any."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.domain import Example, Split
from core.engines.language.answer import Answer
from core.engines.language.answer_store import Asked, open_answers
from core.engines.language.generator import Generation
from core.engines.language.label_estimate import estimate
from core.engines.language.labelling import LabelRows
from core.spec import Task

ASKED = Asked("https://host/v1", "m", {})
MESSAGES = ("a" * 336, "b" * 336, "c" * 336, "汉" * 84)


def rows(labels: tuple[str, ...] = ("x", "y"), messages: tuple[str, ...] = MESSAGES) -> LabelRows:
    kind = "classification" if labels else "generation"
    metric = "accuracy" if labels else "exact_match"
    task = Task.model_validate({"kind": kind, "metric": metric, "max_output_tokens": 50})
    examples = tuple(Example(f"r{n}", Split.TRAIN, "g", text, "x") for n, text in enumerate(messages))
    return LabelRows(task, examples, labels, messages)


def test_tokens_are_guessed_from_characters_where_nothing_was_bought(tmp_path: Path) -> None:
    with open_answers(tmp_path, ASKED) as store:
        keys = [ASKED.key(message) for message in MESSAGES]
        guess = estimate(rows(), keys, store)
        texts = estimate(rows(labels=()), keys, store)
    assert (guess.requests, guess.measured_rows, guess.most_output_tokens) == (4, 0, 200)
    assert guess.input_tokens == 4 * (84 + 16)
    assert (guess.output_tokens, texts.output_tokens) == (4 * 8, 200)
    assert guess.money(2.0, 10.0) == pytest.approx((400 * 2.0 + 32 * 10.0) / 1e6)
    assert guess.most_money(2.0, 10.0) == pytest.approx((400 * 2.0 + 200 * 10.0) / 1e6)


def test_what_was_bought_is_not_priced_again_and_scales_the_rest(tmp_path: Path) -> None:
    with open_answers(tmp_path, ASKED) as store:
        keys = [ASKED.key(message) for message in MESSAGES]
        store.put(keys[0], Answer(Generation("x", input_tokens=150, output_tokens=2)), "job")
        store.put(keys[3], Answer(Generation("x", input_tokens=50, output_tokens=4)), "job")
        guess = estimate(rows(), keys, store)
    assert (guess.requests, guess.measured_rows) == (2, 2)
    assert guess.input_tokens == pytest.approx(200.0)
    assert guess.output_tokens == pytest.approx(6.0)


def test_a_message_that_stands_twice_is_priced_once(tmp_path: Path) -> None:
    twice = rows(messages=("same", "same"))
    with open_answers(tmp_path, ASKED) as store:
        assert estimate(twice, [ASKED.key(message) for message in twice.messages], store).requests == 1
