"""`tercet examples`: test rows with the candidates' answers side by side, as a table, JSON or CSV."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from core.commands import console
from core.commands.tables import print_table
from core.domain import Answer, ComparedExample
from core.drill_down import DrillDown, drill_down_of, require_two_for, usual_sides
from core.errors import UserError
from core.i18n import english
from core.store import StudyStore
from core.store.question import Question, Show, Side, SortKey

_PAGE_ROWS = 500
_MOST_SIDES = 3
_SHOWN_SIGNS = 60
_PLAIN_KEYS = ("row", "input", "target", "difference")
_FIGURES = ("output", "score", "confidence", "latency_ms", "input_tokens", "output_tokens")


@dataclass(frozen=True)
class Wish:
    """What was asked for on the command line."""

    candidates: tuple[str, ...]
    show: str
    search: str
    target: str | None
    part: str | None
    sort: str
    descending: bool
    limit: int


def show_examples(path: Path, wish: Wish, *, as_json: bool, as_csv: bool) -> None:
    """Print the rows. Raises UserError for a name, filter or sort key that is not there."""
    with StudyStore.open(path, write=False) as store:
        evidence = store.evidence()
        found = drill_down_of(store, evidence)
        if found is None:
            raise UserError("cli.examples.nothing_measured")
        sides = tuple(found.side(name) for name in wish.candidates) or usual_sides(evidence.study, found.sides)
        question = _question(found, sides, wish)
        total = store.example_count(question)
        rows = _rows(store, question, wish.limit or total)
        if as_json:
            _print_json(evidence.study.name, question, total, rows)
        elif as_csv:
            _print_csv(question, rows)
        else:
            _print_table(question, total, rows)


def _question(found: DrillDown, sides: tuple[Side, ...], wish: Wish) -> Question:
    if len(sides) > _MOST_SIDES:
        raise UserError("cli.examples.too_many", most=_MOST_SIDES)
    shows = [show.value for show in Show]
    if wish.show not in shows:
        raise UserError("cli.examples.filter_unknown", name=wish.show, allowed=", ".join(shows))
    require_two_for(Show(wish.show), sides)
    if wish.target is not None and found.facets.classes and wish.target not in found.facets.classes:
        raise UserError("cli.examples.class_unknown", name=wish.target)
    return Question(
        data_job=found.data_job,
        sides=sides,
        show=Show(wish.show),
        search=wish.search,
        target=wish.target,
        part=_part(found, wish.part),
        sort=_sort(sides, wish),
        by_score=found.by_score,
    )


def _part(found: DrillDown, written: str | None) -> tuple[str, str] | None:
    if written is None:
        return None
    column, _, value = written.partition("=")
    pair = (column.strip(), value.strip())
    if pair not in found.facets.parts:
        known = ", ".join(sorted({name for name, _ in found.facets.parts})) or "–"
        raise UserError("cli.examples.slice_unknown", written=written, columns=known)
    return pair


def _sort(sides: tuple[Side, ...], wish: Wish) -> SortKey:
    name, _, figure = wish.sort.rpartition(":")
    places = [place for place, side in enumerate(sides) if side.name == name]
    if places and figure in _FIGURES:
        return SortKey(figure, places[0], wish.descending)
    if wish.sort not in _PLAIN_KEYS or (wish.sort == "difference" and len(sides) < 2):
        allowed = ", ".join([*_PLAIN_KEYS[: 4 if len(sides) > 1 else 3], *(f"{side.name}:score" for side in sides)])
        raise UserError("cli.examples.sort_unknown", name=wish.sort, allowed=allowed)
    return SortKey(wish.sort, None, wish.descending)


def _rows(store: StudyStore, question: Question, limit: int) -> Iterator[ComparedExample]:
    place, left = None, limit
    while left > 0:
        page = store.examples(question, place, min(_PAGE_ROWS, left))
        yield from page.rows
        left -= len(page.rows)
        place = page.next
        if place is None:
            return


def _print_json(study: str, question: Question, total: int, rows: Iterator[ComparedExample]) -> None:
    names = [side.name for side in question.sides]
    documents = [_document(row, names) for row in rows]
    console.print_json(
        {"study": study, "candidates": names, "filter": question.show.value, "rows_total": total, "rows": documents}
    )


def _document(row: ComparedExample, names: list[str]) -> dict[str, Any]:
    example = row.example
    return {
        "id": example.example_id,
        "input": example.input,
        "target": example.target,
        "slices": dict(example.slices),
        "answers": {name: _answer(answer) for name, answer in zip(names, row.answers, strict=True)},
    }


def _answer(answer: Answer | None) -> dict[str, Any] | None:
    if answer is None:
        return None
    figures = {name: getattr(answer.prediction, name) for name in _FIGURES}
    return figures if answer.answered is None else {**figures, "answered_by": answer.answered}


def _print_csv(question: Question, rows: Iterator[ComparedExample]) -> None:
    names = [side.name for side in question.sides]
    writer = csv.writer(sys.stdout)
    writer.writerow(["id", "input", "target", *(f"{name}:{figure}" for name in names for figure in _FIGURES)])
    for row in rows:
        cells = [
            None if answer is None else getattr(answer.prediction, figure)
            for answer in row.answers
            for figure in _FIGURES
        ]
        writer.writerow([row.example.example_id, row.example.input, row.example.target, *cells])


def _print_table(question: Question, total: int, rows: Iterator[ComparedExample]) -> None:
    table = Table(box=None, pad_edge=False)
    for heading in ("id", "input", "target"):
        table.add_column(english(f"cli.column.{heading}"), overflow="fold")
    for side in question.sides:
        table.add_column(side.name, overflow="fold")
        table.add_column(english("cli.column.score"), justify="right")
    for row in rows:
        cells = [text for answer in row.answers for text in _answer_cells(answer)]
        table.add_row(row.example.example_id, _short(row.example.input), _short(row.example.target), *cells)
    if table.row_count:
        print_table(table)
    console.note(english("cli.examples.shown", count=total, shown=table.row_count))


def _answer_cells(answer: Answer | None) -> list[str]:
    if answer is None:
        return ["–", "–"]
    output = "–" if answer.prediction.output is None else _short(answer.prediction.output)
    by = "" if answer.answered is None else f" ({answer.answered})"
    return [output + by, f"{answer.prediction.score:.3g}"]


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN_SIGNS else line[: _SHOWN_SIGNS - 1] + "…"
