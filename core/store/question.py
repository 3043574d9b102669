"""What is asked of test rows with answers side by side, and what comes back."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from core.domain import ComparedExample


class Show(StrEnum):
    """Which rows are meant, by the first two candidates. With one candidate: all, those it has right, or wrong."""

    ALL = "all"
    DISAGREE = "disagree"
    ONLY_FIRST = "only-first"
    ONLY_SECOND = "only-second"
    BOTH_RIGHT = "both-right"
    BOTH_WRONG = "both-wrong"


@dataclass(frozen=True)
class MeasuredSide:
    """A candidate with predictions of its own: those of a benchmark job."""

    name: str
    job_id: str


@dataclass(frozen=True)
class RoutedSide:
    """A hybrid: the teacher's predictions of the rows in `sent`, the student's of all others."""

    name: str
    teacher: MeasuredSide
    student: MeasuredSide
    sent: frozenset[str] = field(repr=False)


Side = MeasuredSide | RoutedSide


@dataclass(frozen=True)
class SortKey:
    """What rows are sorted by: `row`, `input`, `target`, `difference` (of the first two scores), or a figure of a side,
    whose place `side` is."""

    name: str = "row"
    side: int | None = None
    descending: bool = False


@dataclass(frozen=True)
class Question:
    """Which test rows of a dataset are meant, and in which order. `part` is a (column, value) of a slice; `by_score`
    says that answers disagree by their scores (`APART_FROM`) and not by what they say."""

    data_job: str
    sides: tuple[Side, ...]
    show: Show = Show.ALL
    search: str = ""
    target: str | None = None
    part: tuple[str, str] | None = None
    sort: SortKey = SortKey()
    by_score: bool = False


@dataclass(frozen=True)
class Place:
    """Where a row stands in a question's order: its key (null ones last) and its ordinal."""

    key: float | str | None
    ordinal: int


@dataclass(frozen=True)
class ExamplePage:
    """Some rows in order, and the place after which the next page begins; null after the last row."""

    rows: tuple[ComparedExample, ...]
    next: Place | None


@dataclass(frozen=True)
class Facets:
    """What a dataset's test rows can be narrowed to: classes (none where nearly every target is its own) and slices."""

    classes: tuple[str, ...]
    parts: tuple[tuple[str, str], ...]
