"""What was found for the rows of a candidate with retrieval: kept by its benchmark, read by who checks answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from core.data.jsonl import read_rows, write_rows
from core.domain import Example
from core.engines.retrieval.index import FOLDER_NAME, Index, Passage
from core.engines.retrieval.messages import numbered
from core.worker.context import JobContext

FILE_NAME = "retrieved.jsonl"
# The inputs of a job that needs what a candidate was given: its benchmark, and the index that it searched.
FOUND_INPUT, INDEX_INPUT = "found", "index"


@dataclass(frozen=True)
class Found:
    """One row's passages by number, the best first, and the milliseconds that its search took."""

    example_id: str
    milliseconds: float
    passages: tuple[int, ...]


def write_found(path: Path, found: Sequence[Found]) -> None:
    """Write what was found, whole or not at all. Raises UserError (disk.full)."""
    write_rows(path, found, lambda one: vars(one))


def read_found(path: Path) -> dict[str, Found]:
    """What was found, by the row's id."""
    return {one.example_id: one for one in read_rows(path, _decoded)}


def _decoded(document: dict[str, Any]) -> Found:
    return Found(document["example_id"], float(document["milliseconds"]), tuple(document["passages"]))


class PassageSource(Protocol):
    """Who knows the passages of a row."""

    def of(self, example_id: str) -> list[Passage]:
        """The passages of a row in the order in which they are given."""


class GivenPassages:
    """The passages that a candidate was given with each row; none at all for one without retrieval.

    Satisfies `PassageSource`.
    """

    def __init__(self, index: Index | None = None, found: dict[str, Found] | None = None) -> None:
        self._index = index
        self._found = found or {}

    def of(self, example_id: str) -> list[Passage]:
        """The passages of a row in the order in which they were given; none for a row that was not measured."""
        found = self._found.get(example_id)
        return [] if found is None or self._index is None else [self._index.passage(one) for one in found.passages]


def given_passages(context: JobContext) -> GivenPassages:
    """The passages by the inputs `found` (a benchmark's folder) and `index` of a job; none where it has no such."""
    if FOUND_INPUT not in context.spec.inputs:
        return GivenPassages()
    found = read_found(context.input_folder(FOUND_INPUT) / FILE_NAME)
    return GivenPassages(Index(context.input_folder(INDEX_INPUT) / FOLDER_NAME), found)


@dataclass(frozen=True)
class RowContexts:
    """What the answers of a candidate are held against: the cell of the context column (null: there is none), then the
    passages that it was given, numbered as it saw them."""

    column: str | None
    passages: PassageSource

    def of(self, example: Example) -> str:
        """A row's context; empty where it has none."""
        cell = dict(example.fields).get(self.column or "", "")
        given = numbered(self.passages.of(example.example_id))
        return "\n\n".join(part for part in (cell, given) if part)
