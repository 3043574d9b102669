"""What is wrong with an answer: its form, its citations, what its context does not support.

Each failure is told in English words that go on from "the answer", for the model that is asked once more.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from core.metrics.grounding import claims_against
from core.metrics.json_schema import SchemaScorer
from core.metrics.json_text import json_of
from core.metrics.reasoning import split_reasoning
from core.spec import Checks, FormatCheck

CheckName = Literal["format", "citations", "groundedness"]

_CITATION = re.compile(r"\[(\d{1,3}(?:\s*[,，、–-]\s*\d{1,3})*)\]|【(\d{1,3})】")
_PASSAGE = re.compile(r"^\s*(?:\[(\d{1,3})\]|【(\d{1,3})】|\((\d{1,3})\)|(\d{1,3})[.)、:：](?=\s|\D))", re.MULTILINE)
_QUOTED = re.compile(r"“([^“”]+)”|\"([^\"\n]+)\"|「([^「」]+)」|『([^『』]+)』|«([^«»]+)»")
# Shorter ones are names, titles and words that are spoken about.
_LEAST_QUOTED_WORDS, _LEAST_QUOTED_CHARACTERS = 3, 6
_HAN = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]")
_SHOWN, _SHOWN_CHARACTERS = 3, 120


@dataclass(frozen=True)
class Failure:
    """One check that an answer does not pass, and what is wrong."""

    check: CheckName
    words: str


class AnswerChecks:
    """The checks of a study, ready for its answers. Raises UserError for what is no JSON schema."""

    def __init__(self, checks: Checks) -> None:
        self._checks = checks
        self._form = None if checks.format is None else _form_of(checks.format)

    @property
    def names(self) -> tuple[CheckName, ...]:
        """The checks there are, in the order in which they are told."""
        every: tuple[CheckName, ...] = ("format", "citations", "groundedness")
        return tuple(name for name in every if getattr(self._checks, name) is not None)

    def failures(self, answer: str, context: str) -> tuple[Failure, ...]:
        """What is wrong with an answer, a model's reasoning left out; empty where it passes."""
        text = split_reasoning(answer)[1].strip()
        found: list[tuple[CheckName, str | None]] = []
        if self._form is not None:
            found.append(("format", self._form(text)))
        if self._checks.citations is not None:
            cited = self._checks.citations
            found.append(("citations", wrong_citations(text, context, required=cited.required, quotes=cited.quotes)))
        if self._checks.groundedness is not None:
            found.append(("groundedness", unsupported(text, context, self._checks.groundedness.at_least)))
        return tuple(Failure(name, words) for name, words in found if words is not None)


def wrong_citations(text: str, context: str, *, required: bool, quotes: bool) -> str | None:
    """What is wrong with the citations and quotations of an answer; null where nothing is."""
    cited, known = cited_passages(text), passages_of(context)
    wrong = [number for number in cited if number not in known]
    if wrong:
        there = f"the passages are {_listed(known)}" if known else "the context has no numbered passages"
        return f"cites {_listed(wrong)}, but {there}"
    if required and not cited:
        return "cites no passage of the context by its number in brackets"
    foreign = [quoted for quoted in quotations(text) if _plain(quoted) not in _plain(context)] if quotes else []
    return f"quotes words that do not stand in the context: {_shown(foreign)}" if foreign else None


def cited_passages(text: str) -> list[int]:
    """The numbers that an answer cites, as in [1], [2, 3], [4-6] and 【7】, each once in their order."""
    numbers: list[int] = []
    for several, one in _CITATION.findall(text):
        for part in re.split(r"\s*[,，、]\s*", several or one):
            first, _, last = re.sub(r"\s", "", part).replace("–", "-").partition("-")
            numbers += range(int(first), int(last or first) + 1)
    return list(dict.fromkeys(numbers))


def passages_of(context: str) -> list[int]:
    """The numbers of a context's passages: [1], 【1】, (1), "1." or "1)" at the beginning of a line.

    Where the first of them stands in square brackets, as before retrieved passages, so do all: "1." is then a list
    within a passage.
    """
    marks = _PASSAGE.findall(context)
    bracketed = bool(marks) and bool(marks[0][0])
    numbers = (groups[0] if bracketed else next(filter(None, groups)) for groups in marks)
    return list(dict.fromkeys(int(number) for number in numbers if number))


def quotations(text: str) -> list[str]:
    """What stands in quotation marks and is longer than a name."""
    found = (next(filter(None, groups)).strip() for groups in _QUOTED.findall(text))
    return [
        quoted
        for quoted in found
        if len(quoted.split()) >= _LEAST_QUOTED_WORDS or len(_HAN.findall(quoted)) >= _LEAST_QUOTED_CHARACTERS
    ]


def unsupported(text: str, context: str, at_least: float) -> str | None:
    """The sentences that the context does not support, where they are too many; null elsewhere."""
    claims = claims_against(text, context)
    if not claims:
        return "says nothing"
    wrong = [claim.text for claim in claims if not claim.supported]
    if 1.0 - len(wrong) / len(claims) >= at_least:
        return None
    return f"says what the context does not support: {_shown(wrong)}"


def _form_of(wanted: FormatCheck) -> Callable[[str], str | None]:
    if wanted.regex is not None:
        pattern = re.compile(wanted.regex, re.DOTALL)
        told = f"does not match the pattern {wanted.regex}"
        return lambda text: None if pattern.fullmatch(text) else told
    if wanted.labels is not None:
        labels = list(wanted.labels)
        return lambda text: None if text in labels else f"is none of: {', '.join(labels)}"
    if isinstance(wanted.json_schema, dict):
        fits = SchemaScorer(wanted.json_schema, "task.checks.format.json_schema")
        return lambda text: None if fits(text, "") == 1.0 else "is no JSON that fits the schema that was asked for"
    return lambda text: None if _is_object(text) else "is no JSON object"


def _is_object(text: str) -> bool:
    """Whether there is an object in the text, which is not within a list that is all of it."""
    try:
        json_of(text, (dict,))
    except ValueError:
        return False
    return not _is_list(text)


def _is_list(text: str) -> bool:
    try:
        return isinstance(json.loads(text), list)
    except (ValueError, RecursionError):
        return False


def _plain(text: str) -> str:
    """Without blanks, case and the signs that vary between a text and its quotation."""
    return re.sub(r"[\s.,;:!?…。，；：！？'’\"“”]+", "", text).casefold()


def _shown(texts: Sequence[str]) -> str:
    shortened = (text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…" for text in texts[:_SHOWN])
    return "; ".join(f"“{text}”" for text in shortened)


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(f"[{number}]" for number in numbers[:20])
