"""How values of more than one number are written in a line, and read back: `1, 2, 3`, `0, 2, 5`, `all, 512`, `1 – 8`.

Reading gives the text itself where it is not understood, so that the form says so; blank text is null.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gui.formatting import Formats
from gui.widgets.fields import FieldKind

_COMMAS = re.compile(r"[，、；;]")
_RANGE = re.compile(r"^\s*([\d.]+)\s*(?:–|-|—|~|～|to|至|到|,|\s)\s*([\d.]+)\s*$")
ALL_WORDS = ("all", "全部")


@dataclass(frozen=True)
class WrittenForm:
    """How values of a kind are read from text and written; `write` also gets the word for "all"."""

    read: Callable[[str], Any]
    write: Callable[[Any, str], str]


def _listed(text: str) -> list[Any] | None:
    """The values between commas; null where the text is no such list."""
    try:
        values = json.loads(f"[{_COMMAS.sub(',', text)}]")
    except json.JSONDecodeError:
        return None
    return values if isinstance(values, list) else None


def _read_numbers(text: str) -> Any:
    values = _listed(text) if "," in _COMMAS.sub(",", text) else _listed(",".join(text.split()))
    return text.strip() if values is None else values or None


def _read_layers(text: str) -> Any:
    values = _listed(text)
    if not values:
        return text.strip() or None
    return values[0] if len(values) == 1 else values


def _read_choices(text: str) -> Any:
    values = _listed(text)
    return text.strip() if values is None else values


def _read_widths(text: str) -> Any:
    for word in ALL_WORDS:
        text = re.sub(rf"\b{word}\b" if word.isascii() else word, "null", text, flags=re.IGNORECASE)
    values = _listed(text)
    return text.strip() if values is None else values


def _read_range(text: str) -> Any:
    match = _RANGE.match(text)
    if match is None:
        return text.strip() or None
    try:
        return [float(match.group(1)), float(match.group(2))]
    except ValueError:
        return text.strip()


def _read_pairs(text: str) -> Any:
    pairs: dict[str, str] = {}
    for line in filter(str.strip, text.splitlines()):
        name, colon, value = line.partition(":")
        if not colon or not name.strip():
            return text
        pairs[name.strip()] = value.strip()
    return pairs


def _read_json(text: str) -> Any:
    if not text.strip():
        return {}
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def _number(value: Any, all_word: str) -> str:
    if value is None:
        return all_word
    if isinstance(value, list):
        return f"[{', '.join(_number(part, all_word) for part in value)}]"
    return Formats("en").number(value) if isinstance(value, int | float) else str(value)


def _write_list(value: Any, all_word: str) -> str:
    return ", ".join(_number(part, all_word) for part in value) if isinstance(value, list) else str(value or "")


def _write_layers(value: Any, all_word: str) -> str:
    if isinstance(value, list) and len(value) > 1:
        return _write_list(value, all_word)
    return "" if value is None else _number(value, all_word)


def _write_range(value: Any, all_word: str) -> str:
    if not isinstance(value, list | tuple) or len(value) != 2:
        return str(value or "")
    return " – ".join(_number(end, all_word) for end in value)


def _write_pairs(value: Any, _all_word: str) -> str:
    return "\n".join(f"{name}: {text}" for name, text in value.items()) if isinstance(value, dict) else str(value or "")


def _write_json(value: Any, _all_word: str) -> str:
    if isinstance(value, str) or not value:
        return value or ""
    return json.dumps(value, ensure_ascii=False, indent=2)


def _read_long_text(text: str) -> Any:
    return text if text.strip() else None


FORMS: dict[FieldKind, WrittenForm] = {
    FieldKind.INTEGERS: WrittenForm(_read_numbers, _write_list),
    FieldKind.NUMBERS: WrittenForm(_read_numbers, _write_list),
    FieldKind.LAYERS: WrittenForm(_read_layers, _write_layers),
    FieldKind.LAYER_CHOICES: WrittenForm(_read_choices, _write_list),
    FieldKind.WIDTHS: WrittenForm(_read_widths, _write_list),
    FieldKind.RANGE: WrittenForm(_read_range, _write_range),
    FieldKind.PAIRS: WrittenForm(_read_pairs, _write_pairs),
    FieldKind.JSON: WrittenForm(_read_json, _write_json),
    FieldKind.LONG_TEXT: WrittenForm(_read_long_text, lambda value, _all_word: value or ""),
}
