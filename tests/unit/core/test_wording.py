from __future__ import annotations

import pytest

from core.wording import Wording, money


@pytest.mark.parametrize(
    ("value", "currency", "text"),
    [
        (759.31, "EUR", "€759"),
        (12345.6, "USD", "$12,346"),
        (4.2, "USD", "$4.20"),
        (0.002, "EUR", "€0.002"),
        (0.0123456, "CNY", "¥0.0123"),
        (-8.5, "GBP", "\u2212£8.50"),
        (0, "USD", "$0"),
        (12, "CHF", "CHF\u00a012"),
        (12, None, "12"),
    ],
)
def test_money_has_no_more_digits_than_a_reader_can_use(value: float, currency: str | None, text: str) -> None:
    assert money(value, currency) == text


def test_a_share_in_a_sentence_loses_empty_decimals_and_is_spaced_as_the_language_does() -> None:
    template = "{value:.1%} of {limit:.1%}"
    values = {"value": 0.8125, "limit": 0.8}
    assert Wording("en").fill(template, values) == "81.2\u00a0% of 80\u00a0%"
    assert Wording("zh_CN").fill(template, values) == "81.2% of 80%"


@pytest.mark.parametrize(
    ("chance", "english", "chinese"),
    [(1.0, ">\u00a099\u00a0%", ">\u00a099%"), (0.9949, "99\u00a0%", "99%"), (0.0, "<\u00a01\u00a0%", "<\u00a01%")],
)
def test_a_chance_in_a_sentence_is_never_certain(chance: float, english: str, chinese: str) -> None:
    assert Wording("en").fill("{chance:chance}", {"chance": chance}) == english
    assert Wording("zh_CN").fill("{chance:chance}", {"chance": chance}) == chinese


def test_an_amount_in_a_sentence_carries_the_sign_of_its_currency() -> None:
    values = {"benefit": 1234.5, "currency": "EUR"}
    assert Wording("en").fill("{benefit:money} a month", values) == "€1,234 a month"


def test_what_is_below_nothing_has_a_minus_and_no_hyphen() -> None:
    filled = Wording("en").fill(
        "{gap:+.1f} points, {share:.1%}, {tiny:g}", {"gap": -1.42, "share": -0.05, "tiny": -1e-7}
    )
    assert filled == "\u22121.4 points, \u22125\u00a0%, \u22121e-07"


def test_other_formats_text_and_missing_values_are_as_in_str_format() -> None:
    assert Wording("en").fill("{count:,} {name} {gap:+.1f} {n!r}", {"count": 1200, "name": "x", "gap": 1, "n": 3}) == (
        "1,200 x +1.0 3"
    )
    with pytest.raises(KeyError):
        Wording("en").fill("{absent}", {})


def test_a_value_is_told_by_the_catalogues_word_for_it() -> None:
    words = {"kind.a": "an apple"}
    assert Wording("en", words).fill("{one:word kind}, {two:word kind}", {"one": "a", "two": "b"}) == "an apple, b"
