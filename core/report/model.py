"""What a report says, before any renderer: sections of blocks whose words are message codes with values.

A `Phrase` is a message, to be translated, or text: the user's own words, or a formatted figure, which is a sentence
where languages write it differently.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from core.charts import ChartSpec
from core.decide.outcome import Message, message
from core.domain import Role
from core.i18n import Sentence, translate_text

Phrase = Message | str
Tone = Literal["plain", "good", "warn", "bad", "muted"]
SYMBOLS: dict[Role, str] = {Role.TEACHER: "■", Role.STUDENT: "●", Role.HYBRID: "◆"}


@dataclass(frozen=True)
class Paragraph:
    """A sentence or a few. `role` puts that role's symbol before it; `lead` marks the report's answer."""

    phrase: Phrase
    tone: Tone = "plain"
    role: Role | None = None
    lead: bool = False


@dataclass(frozen=True)
class Bullets:
    """A list of sentences."""

    items: tuple[Phrase, ...]


@dataclass(frozen=True)
class KeyFigure:
    """A figure that stands out: what it is, its value, and an interval or a limit under it."""

    label: Phrase
    value: Phrase
    note: Phrase | None = None


@dataclass(frozen=True)
class KeyFigures:
    """Some figures side by side."""

    figures: tuple[KeyFigure, ...]


@dataclass(frozen=True)
class Column:
    """A table's column; figures are aligned to the right."""

    title: Phrase
    numeric: bool = False


@dataclass(frozen=True)
class Cell:
    """One cell: its text, a smaller line under it, and the symbol of a role before it."""

    phrase: Phrase
    note: Phrase | None = None
    role: Role | None = None
    tone: Tone = "plain"


@dataclass(frozen=True)
class Table:
    """A table with its title. Every row has as many cells as there are columns; the first cell names the row."""

    title: Phrase
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True)
class Chart:
    """A chart, to be drawn from its spec."""

    spec: ChartSpec


Block = Paragraph | Bullets | KeyFigures | Table | Chart


@dataclass(frozen=True)
class Section:
    """One part of the report. `key` is its anchor."""

    key: str
    title: Phrase
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Report:
    """The whole report, answer first."""

    title: str
    subtitle: Phrase
    sections: tuple[Section, ...]
    footer: Phrase


def text_of(phrase: Phrase, language: str) -> str:
    """The phrase in a language: a message translated by its code, plain text as it is."""
    if isinstance(phrase, Sentence):
        return translate_text(language, phrase.code, phrase.values, phrase)
    if isinstance(phrase, str):
        return phrase
    return translate_text(language, phrase.code, phrase.values, phrase.text)


def not_measured() -> Cell:
    """The cell for a figure that nobody measured."""
    return Cell(message("report.not_measured"), tone="muted")
