"""A verdict read out of what a judge wrote: a whole number of a scale, or one of a few words."""

from __future__ import annotations

import re
from collections.abc import Sequence

from core.metrics.reasoning import split_reasoning

# "Verdict: 4", "**Score:** 4/5", "评分：4", "[[4]]". What is asked for comes last, after whatever was thought aloud.
_LED = r"(?:verdict|score|rating|answer|评分|打分|分数|得分|裁决|结论|判断)"
_BETWEEN = r"[\s*_\"'`“”:：=\-–—]*(?:is|为|是)?[\s*_\"'`“”:：=\[\(（【]*"
_MARKS = " \t\r\n*_\"'`“”‘’.,;:!。，；：！[](){}<>（）【】"


def read_number(text: str, highest: int) -> int | None:
    """The whole number from 1 to `highest` that a verdict names: the only thing it says, its first or last line, or
    what follows a word such as "verdict:" for the last time; null where it names none, or a fraction."""
    answer = split_reasoning(text)[1].strip()
    led = re.findall(rf"{_LED}{_BETWEEN}(\d+(?:[.,]\d+)?)", answer, re.IGNORECASE)
    alone = re.compile(rf"(\d+)(?:\s*(?:/|out of|of)\s*{highest}|\s*分)?", re.IGNORECASE)
    for found in [*led[-1:], *_ends(answer)]:
        match = alone.fullmatch(found.strip(_MARKS))
        if match is not None and 1 <= int(match[1]) <= highest:
            return int(match[1])
    return None


def read_word(text: str, words: Sequence[str]) -> str | None:
    """The word of `words` that a verdict names, as `read_number` finds a number; case does not count."""
    answer = split_reasoning(text)[1].strip()
    plain = {word.casefold(): word for word in words}
    listed = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
    led = re.findall(rf"{_LED}{_BETWEEN}({listed})(?![A-Za-z0-9])", answer, re.IGNORECASE)
    for found in [*led[-1:], *_ends(answer)]:
        word = plain.get(found.strip(_MARKS).casefold())
        if word is not None:
            return word
    return None


def _ends(text: str) -> list[str]:
    """The whole text, its last line and its first one."""
    lines = [line for line in text.splitlines() if line.strip()]
    return [text, *lines[-1:], *lines[:1]]
