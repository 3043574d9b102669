"""JSON in the text of an answer, whatever a model puts around it."""

from __future__ import annotations

import json
import re
from typing import Any

from core.metrics.reasoning import split_reasoning

_FENCE = re.compile(r"```[^\n`]*\n(.*?)```", re.DOTALL)
# Each place where JSON may begin is tried; a text of nothing but brackets would take for ever.
_MOST_TRIES = 1000
_OPENING = re.compile(r"[{\[]")
_OBJECT_BEGUN = re.compile(r'\{\s*"(?:[^"\\\n]|\\.)*"\s*:')


def json_of(text: str, kinds: tuple[type, ...] = (dict, list)) -> Any:
    """The JSON value of an answer, the model's reasoning left out. Raises ValueError where there is none.

    The whole answer where it is JSON of any kind; else the last block between ``` fences that is; else the longest
    stretch that is an object or a list. Where `kinds` names one of these two only, values of other kinds do not count.
    NaN and infinities are no JSON. A part of an object that was cut off or is broken is no answer.
    """
    answer = split_reasoning(text)[1].strip()
    for part in (answer, *reversed(_FENCE.findall(answer))):
        try:
            value = _DECODER.decode(part.strip())
        except (ValueError, RecursionError):
            continue
        if len(kinds) > 1 or isinstance(value, kinds):
            return value
    return _longest_within(answer, kinds)


def _longest_within(text: str, kinds: tuple[type, ...]) -> Any:
    found: list[tuple[int, Any]] = []
    place, tries, broken = 0, 0, False
    while (begun := _OPENING.search(text, place)) is not None and tries < _MOST_TRIES:
        place, tries = begun.start(), tries + 1
        try:
            value, end = _DECODER.raw_decode(text, place)
        except (ValueError, RecursionError):
            broken = broken or _OBJECT_BEGUN.match(text, place) is not None
            place += 1
            continue
        if broken and _is_part(text[:place]):
            place = end
        elif isinstance(value, kinds):
            found.append((end - place, value))
            place = end
        else:
            place += 1
    if not found:
        raise ValueError("no JSON")
    return max(found, key=lambda pair: pair[0])[1]


def _is_part(before: str) -> bool:
    """Whether what follows is a member's value or a list's item, by what stands before it."""
    before = before.rstrip()
    return before.endswith(("[", ",")) or (before.endswith(":") and before[:-1].rstrip().endswith('"'))


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse)
