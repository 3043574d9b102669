"""Asking is priced before anything is bought, from what earlier answers took where there are any."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.engines.language.answer import Answer
from core.engines.language.answer_store import AnswerStore, Asked, known_answers, open_answers
from core.engines.language.generator import Generation
from core.engines.language.request_estimate import RequestEstimate, estimate, told_estimate
from core.jobs.specs import VendorPrice

ASKED = Asked("https://host/v1", "m", {})
MESSAGES = ("a" * 336, "b" * 336, "c" * 336, "汉" * 84)
PRICE = VendorPrice(currency="EUR", per_million_input_tokens=2.0, per_million_output_tokens=10.0)


def estimated(store: AnswerStore, messages: tuple[str, ...] = MESSAGES, names_labels: bool = True) -> RequestEstimate:
    return estimate(messages, [ASKED.key(message) for message in messages], store, 50, names_labels)


def test_tokens_are_guessed_from_characters_where_nothing_was_bought(tmp_path: Path) -> None:
    with open_answers(tmp_path, ASKED) as store:
        guess, texts = estimated(store), estimated(store, names_labels=False)
    assert (guess.requests, guess.measured_rows, guess.most_output_tokens) == (4, 0, 200)
    assert guess.input_tokens == 4 * (84 + 16)
    assert (guess.output_tokens, texts.output_tokens) == (4 * 8, 200)
    assert guess.money(PRICE) == pytest.approx((400 * 2.0 + 32 * 10.0) / 1e6)
    assert guess.most_money(PRICE) == pytest.approx((400 * 2.0 + 200 * 10.0) / 1e6)


def test_a_price_for_each_request_counts_requests_alone(tmp_path: Path) -> None:
    with open_answers(tmp_path, ASKED) as store:
        guess = estimated(store)
    assert guess.money(VendorPrice(currency="EUR", per_million_requests=500_000.0)) == pytest.approx(2.0)


def test_what_was_bought_is_not_priced_again_and_scales_the_rest(tmp_path: Path) -> None:
    with open_answers(tmp_path, ASKED) as store:
        keys = [ASKED.key(message) for message in MESSAGES]
        store.put(keys[0], Answer(Generation("x", input_tokens=150, output_tokens=2)), "job")
        store.put(keys[3], Answer(Generation("x", input_tokens=50, output_tokens=4)), "job")
        guess = estimated(store)
    assert (guess.requests, guess.measured_rows) == (2, 2)
    assert guess.input_tokens == pytest.approx(200.0)
    assert guess.output_tokens == pytest.approx(6.0)


def test_a_message_that_stands_twice_is_priced_once(tmp_path: Path) -> None:
    with open_answers(tmp_path, ASKED) as store:
        assert estimated(store, ("same", "same")).requests == 1


def test_the_sentence_before_the_first_request_names_the_money_where_there_is_a_price(tmp_path: Path) -> None:
    expected = RequestEstimate(4, 400.0, 32.0, 200, 0)
    assert "0.0011 EUR, 0.0028 at most" in told_estimate(expected, PRICE)
    assert "EUR" not in told_estimate(expected, None)


def test_looking_at_what_is_known_leaves_no_trace(tmp_path: Path) -> None:
    folder = tmp_path / "answers"
    assert ASKED.key("a") not in known_answers(folder, ASKED)
    assert not folder.exists()
    with open_answers(folder, ASKED) as store:
        store.put(ASKED.key("a"), Answer(Generation("x")), "job")
    path = folder / ASKED.file_name
    with path.open("ab") as stream:
        stream.write(b'{"key": "half a li')
    before = path.read_bytes()
    assert ASKED.key("a") in known_answers(folder, ASKED)
    assert path.read_bytes() == before
