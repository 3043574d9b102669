"""Figures inside sentences: `str.format` templates with shares and money written as the window writes them."""

from __future__ import annotations

import string
from collections.abc import Mapping
from typing import Any

CURRENCY_SIGNS = {"USD": "$", "EUR": "€", "GBP": "£", "CNY": "¥", "JPY": "JP¥", "INR": "₹", "KRW": "₩"}
NO_BREAK_SPACE = "\u00a0"


_WORD = "word "
_SURELY = 0.995  # from here on, a chance in whole per cent would read as certain


class Wording(string.Formatter):
    """Fills templates of one language.

    `{share:.1%}` writes 0.8 as `80 %` and 0.812 as `81.2 %` (no space in Chinese); `{amount:money}` writes an amount in
    the currency that the value `currency` names: whole from 10 on, with cents below, three figures under ten cents.
    `{share:chance}` writes a chance in whole per cent, never a bare 100 % or 0 %: 0.998 as `> 99 %`.
    `{metric:word field.task.metric}` writes the word that `words` has for `field.task.metric.` and the value, and the
    value itself where there is none.
    """

    def __init__(self, language: str, words: Mapping[str, str] | None = None) -> None:
        self._words = words or {}
        self._gap = "" if language.startswith("zh") else NO_BREAK_SPACE

    def fill(self, template: str, values: Mapping[str, Any]) -> str:
        """The sentence. Raises KeyError for a blank that has no value."""
        return self.vformat(template, (), {**values, _CURRENCY: values.get("currency")})

    def get_field(self, field_name: str, args: Any, kwargs: Any) -> Any:
        """The value of a blank; an amount goes with its currency, for `format_field` sees one value only."""
        value, key = super().get_field(field_name, args, kwargs)
        return (_Amount(value, kwargs.get(_CURRENCY)) if _is_number(value) else value), key

    def format_field(self, value: Any, format_spec: str) -> str:
        """One blank's text."""
        if format_spec.startswith(_WORD):
            return self._words.get(f"{format_spec.removeprefix(_WORD)}.{value}", str(value))
        if not isinstance(value, _Amount):
            return str(super().format_field(value, format_spec))
        if format_spec == "money":
            return money(value.value, value.currency)
        if format_spec == "chance":
            return self._chance(value)
        if format_spec.endswith("%"):
            figure = format(value.value, format_spec)[:-1]
            whole = figure.rstrip("0").rstrip(".") if "." in figure else figure
            return f"{_with_minus(whole)}{self._gap}%"
        figure = format(value.value, format_spec)
        return _with_minus(figure) if format_spec else figure

    def _chance(self, share: _Amount) -> str:
        if share.value >= _SURELY:
            return f">{NO_BREAK_SPACE}{self.format_field(_Amount(0.99, None), '.0%')}"
        if share.value < 1.0 - _SURELY:
            return f"<{NO_BREAK_SPACE}{self.format_field(_Amount(0.01, None), '.0%')}"
        return self.format_field(share, ".0%")


def _with_minus(figure: str) -> str:
    """The figure with the sign that amounts have too; a hyphen is shorter and may break a line."""
    return f"\u2212{figure[1:]}" if figure.startswith("-") else figure


def money(value: float, currency: str | None) -> str:
    """An amount with its currency's sign, `€759`, `$4.20`, `CHF 0.0021`; without a currency the figure alone."""
    size = abs(value)
    if size >= 10 or size == 0:
        figure = f"{size:,.0f}"
    elif size >= 0.1:
        figure = f"{size:.2f}"
    else:
        figure = f"{float(f'{size:.3g}'):.12f}".rstrip("0")
    sign = "\u2212" if value < 0 else ""
    mark = CURRENCY_SIGNS.get(currency or "") or (f"{currency}{NO_BREAK_SPACE}" if currency else "")
    return f"{sign}{mark}{figure}"


_CURRENCY = " currency"  # no template can name it


class _Amount:
    """A number on its way into a sentence, with the currency of that sentence."""

    def __init__(self, value: float, currency: str | None) -> None:
        self.value = value
        self.currency = currency

    def __format__(self, spec: str) -> str:
        return format(self.value, spec)

    def __str__(self) -> str:
        return str(self.value)

    __repr__ = __str__


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
