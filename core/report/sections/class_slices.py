"""How well candidates answer each class and each slice, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core.decide.class_slices import FEWEST_ROWS, side_by_side
from core.decide.outcome import message
from core.report import figures
from core.report.model import Block, Cell, Column, Paragraph, Table, not_measured
from core.report.sections.material import Material, bounded, figure, numbers, words

MOST_CANDIDATES = 4
MOST_CLASSES = 40


def class_slices(material: Material) -> list[Block]:
    """The recall of each class, the rarest first, and the quality on each slice; empty where nothing is measured."""
    shown = [material.row(name) for name in side_by_side(material.decision, MOST_CANDIDATES)]
    blocks: list[Block] = []
    if any(row["classes"] for row in shown):
        blocks += _classes(material, shown)
    if any(row["slices"] for row in shown):
        blocks.append(_slices(shown))
    return blocks


def _classes(material: Material, shown: Sequence[dict[str, Any]]) -> list[Block]:
    entries = shown[0]["classes"]
    rows = tuple(
        (
            Cell(entry["label"], message("report.classes.few") if entry["few_rows"] else None),
            figure(entry["rows"], figures.count),
            *(_found(row["classes"], place, "recall") for row in shown),
        )
        for place, entry in enumerate(entries[:MOST_CLASSES])
    )
    titles = (*words("class"), *numbers("rows"), *_names(shown))
    blocks: list[Block] = [
        Table(message("report.table.classes"), titles, rows),
        Paragraph(message("report.classes.method", fewest=FEWEST_ROWS), "muted"),
    ]
    if len(entries) > MOST_CLASSES:
        more = len(entries) - MOST_CLASSES
        blocks.append(Paragraph(message("report.classes.more", shown=MOST_CLASSES, count=more), "muted"))
    if len(shown) < len([row for row in material.candidates if row["classes"]]):
        blocks.append(Paragraph(message("report.parts.other_candidates"), "muted"))
    return blocks


def _slices(shown: Sequence[dict[str, Any]]) -> Table:
    rows = tuple(
        (
            Cell(f"{entry['column']}: {entry['value']}"),
            figure(entry["rows"], figures.count),
            *(_found(row["slices"], place, "quality") for row in shown),
        )
        for place, entry in enumerate(shown[0]["slices"])
    )
    titles = (*words("slice"), *numbers("rows"), *_names(shown))
    return Table(message("report.table.slice_qualities", fewest=FEWEST_ROWS), titles, rows)


def _found(entries: Sequence[dict[str, Any]], place: int, field: str) -> Cell:
    """One figure of one candidate; all candidates have their classes and slices in the same order."""
    if place >= len(entries):
        return not_measured()
    found = entries[place][field]
    return bounded(found["value"], found["low"], found["high"], figures.percent)


def _names(shown: Sequence[dict[str, Any]]) -> tuple[Column, ...]:
    return tuple(Column(row["name"], numeric=True) for row in shown)
