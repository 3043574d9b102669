"""Which label a text names, and how its tokens' probability spreads over the labels."""

from __future__ import annotations

import math

import pytest

from core.engines.language.answer import TokenStep
from core.engines.language.label_text import LabelText

LABELS = ("card", "card_arrival", "Lost loan", "exchange rate")
TEXTS = LabelText(LABELS)


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("card", "card"),
        (" Card_Arrival\n", "card_arrival"),
        ("card arrival", "card_arrival"),
        ('"lost loan".', "Lost loan"),
        ("**Exchange-Rate**", "exchange rate"),
        ("Label: card arrival", "card_arrival"),
        ("The category is `exchange rate`.", "exchange rate"),
        ("I would say this is about the exchange rate, for they ask what it is.", "exchange rate"),
        ("The customer waits: card_arrival it is.", "card_arrival"),
        ("Let me think: a card? No.\n\nLabel: lost loan", "Lost loan"),
        ("lost loan\n\nBecause the card is not meant.", "Lost loan"),
        ('{"label": "lost loan"}', "Lost loan"),
        ("", None),
        ("something else", None),
        ("discarded", None),
        ("card or lost loan", None),
        ("card\nlost loan", None),
    ],
)
def test_a_label_is_found_where_exactly_one_is_named(text: str, label: str | None) -> None:
    assert TEXTS.label_of(text) == label


def test_labels_that_differ_by_case_only_are_told_apart() -> None:
    texts = LabelText(("US", "us"))
    assert texts.label_of("us") == "us"
    assert texts.label_of(" US ") == "US"
    assert texts.label_of("Us") is None


def test_labels_in_chinese_are_found_between_other_characters() -> None:
    texts = LabelText(("投诉", "投诉处理", "咨询"))
    assert texts.label_of("这条属于投诉处理。") == "投诉处理"
    assert texts.label_of("类别：咨询") == "咨询"
    assert texts.label_of("投诉还是咨询") is None


def step(text: str, probability: float, **others: float) -> TokenStep:
    every = {text: probability, **others}
    return TokenStep(text, math.log(probability), tuple((other, math.log(value)) for other, value in every.items()))


def test_each_token_gives_its_probability_to_the_only_label_that_it_begins() -> None:
    told = TEXTS.distribution([step("Lost", 0.7, exch=0.22, card=0.06, what=0.01), step(" loan", 1.0)])
    # "card" begins two labels and "what" none: 0.07 of the mass leads nowhere and is left out.
    assert told == pytest.approx({"Lost loan": 0.7 / 0.92, "exchange rate": 0.22 / 0.92})


def test_labels_with_a_common_beginning_are_told_apart_further_on() -> None:
    end = {"<|end|>": 0.25}
    told = TEXTS.distribution([step("card", 0.8, Lost=0.2), step("_arr", 0.75, **end), step("ival", 1.0)])
    assert told == pytest.approx({"card_arrival": 0.6, "card": 0.2, "Lost loan": 0.2})


def test_an_answer_that_ends_with_a_label_within_another_is_that_label() -> None:
    told = TEXTS.distribution([step("card", 0.95, Lost=0.05)])
    assert told == pytest.approx({"card": 0.95, "Lost loan": 0.05})


def test_where_too_little_of_the_probability_leads_to_a_label_there_is_no_distribution() -> None:
    assert TEXTS.distribution([step("Lost", 0.89, what=0.1), step(" loan", 1.0)]) is None
    assert TEXTS.distribution([step("The", 0.9), step(" card", 1.0)]) is None
    assert TEXTS.distribution([]) is None


def test_characters_that_two_tokens_share_are_put_together() -> None:
    texts = LabelText(("投诉", "咨询"))
    whole = "投诉".encode()
    halves = [part.decode("utf-8", "surrogateescape") for part in (whole[:2], whole[2:4], whole[4:])]
    steps = [step(halves[0], 0.9, 咨=0.1), step(halves[1], 1.0), step(halves[2], 1.0)]
    assert texts.distribution(steps) == pytest.approx({"投诉": 0.9, "咨询": 0.1})
