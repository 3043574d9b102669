"""Words by code: one catalogue of messages for errors, reasons, charts, reports and the window.

Each language is a folder of JSON files in `resources/i18n`, each a flat object from code to a `str.format` template.
A code that ends in `.one` stands in for `.other` where the value `count` is 1. core always speaks English; the
window and the report translate by code.
"""

from __future__ import annotations

import json
from functools import lru_cache
from importlib.resources import files

from core.wording import Wording

LANGUAGES: dict[str, str] = {"en": "English", "zh_CN": "简体中文"}

Value = str | int | float | bool | None


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


def translate(language: str, code: str, **values: Value) -> str:
    """The sentence of `code` in `language`, filled with `values`; falls back to English, then raises KeyError."""
    templates = catalogue(language)
    if values.get("count") == 1 and f"{code}.one" in templates:
        return _wording(language).fill(templates[f"{code}.one"], values)
    template = templates.get(code) or templates.get(f"{code}.other")
    if template is None:
        if language == "en":
            raise KeyError(f"no message {code!r} in resources/i18n/en")
        return translate("en", code, **values)
    return _wording(language).fill(template, values)


def english(code: str, **values: Value) -> str:
    """The English sentence of `code`, filled with `values`."""
    return translate("en", code, **values)


def translate_text(language: str, code: str, values: dict[str, Value], text: str) -> str:
    """The sentence of a stored (code, values, English text) triple; the stored text where the code is unknown."""
    try:
        return translate(language, code, **values)
    except (KeyError, IndexError, ValueError):
        return text
