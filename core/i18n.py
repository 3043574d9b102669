"""Words by code: one catalogue of messages for errors, reasons, charts, reports and the window.

Each language is a folder of JSON files in `resources/i18n`, each a flat object from code to a `str.format` template.
A code that ends in `.one` stands in for `.other` where the value `count` is 1. core always speaks English; the
window and the report translate by code. What `english` says knows its code and values, so that a line of a log, or a
sentence inside another one, can be told in any language later.
"""

from __future__ import annotations

import json
import numbers
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any

from core.wording import Wording

LANGUAGES: dict[str, str] = {"en": "English", "zh_CN": "简体中文"}

Value = str | int | float | bool | None
Stored = Value | Mapping[str, Any]
"""A value as JSON keeps it: one that is a sentence itself is an object with its `code`, `values` and English `text`."""


class Sentence(str):
    """An English sentence with the code and the values that it was made of."""

    code: str
    values: Mapping[str, Value]

    def __new__(cls, text: str, code: str, values: Mapping[str, Value]) -> Sentence:
        """`text` is what `code` says of `values` in English."""
        made = super().__new__(cls, text)
        made.code, made.values = code, dict(values)
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        return Sentence, (str(self), self.code, self.values)


@lru_cache(maxsize=len(LANGUAGES))
def catalogue(language: str) -> dict[str, str]:
    """Every template of one language by code. Raises KeyError for a language that is not in `LANGUAGES`."""
    if language not in LANGUAGES:
        raise KeyError(language)
    merged: dict[str, str] = {}
    for entry in sorted(files("resources").joinpath("i18n", language).iterdir(), key=lambda item: item.name):
        if entry.name.endswith(".json"):
            merged.update(json.loads(entry.read_text(encoding="utf-8")))
    return merged


@lru_cache(maxsize=len(LANGUAGES))
def _wording(language: str) -> Wording:
    return Wording(language, catalogue(language))


def translate(language: str, code: str, **values: Stored) -> str:
    """The sentence of `code` in `language`, filled with `values`; falls back to English, then raises KeyError.

    A value that is a sentence itself is told in `language` too.
    """
    templates = catalogue(language)
    filled = {name: _told(language, value) for name, value in values.items()}
    if values.get("count") == 1 and f"{code}.one" in templates:
        return _wording(language).fill(templates[f"{code}.one"], filled)
    template = templates.get(code) or templates.get(f"{code}.other")
    if template is None:
        if language == "en":
            raise KeyError(f"no message {code!r} in resources/i18n/en")
        return translate("en", code, **values)
    return _wording(language).fill(template, filled)


def _told(language: str, value: Stored) -> Value:
    if isinstance(value, Sentence):
        return translate_text(language, value.code, value.values, str(value))
    if isinstance(value, Mapping):
        return translate_text(language, str(value.get("code")), value.get("values") or {}, str(value.get("text", "")))
    return value


def english(code: str, **values: Value) -> Sentence:
    """The English sentence of `code`, filled with `values`."""
    return Sentence(translate("en", code, **values), code, values)


def listed(parts: Iterable[str]) -> str:
    """Words one after the other, as each language lists them; empty without any."""
    told = list(parts)
    if len(told) < 2:
        return told[0] if told else ""
    middle = len(told) // 2  # halves, for a long list that nested at every name would be too deep to tell
    return english("words.list", before=listed(told[:middle]), part=listed(told[middle:]))


def translate_text(language: str, code: str, values: Mapping[str, Stored], text: str) -> str:
    """The sentence of a stored (code, values, English text) triple; the stored text where the code is unknown, or
    where the values do not fill what it says here: another version of Tercet may have written them."""
    try:
        return translate(language, code, **values)
    except (KeyError, IndexError, ValueError, TypeError):
        return text


def stored_values(values: Mapping[str, Value]) -> dict[str, Stored]:
    """Values as JSON keeps them."""
    return {name: _stored(value) for name, value in values.items()}


def _stored(value: object) -> Stored:
    if isinstance(value, Sentence):
        return {"code": value.code, "values": stored_values(value.values), "text": str(value)}
    if value is None or isinstance(value, str | bool):
        return value
    # A figure of numpy is kept like Python's own.
    if isinstance(value, numbers.Integral):
        return int(value)
    return float(value) if isinstance(value, numbers.Real) else str(value)
