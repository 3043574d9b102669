"""How well candidates answer each class and each slice, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core.decide.class_slices import FEWEST_ROWS, side_by_side
from core.decide.outcome import message
from core.report import figures
from core.report.model import Block, Cell, Column, Paragraph, Table, not_measured
from core.report.sections.material import Material, bounded, figure, numbers, slice_name, words

MOST_CANDIDATES = 4
MOST_CLASSES = 40
MOST_SMALL_SLICES = 40


def class_slices(material: Material) -> list[Block]:
    """The recall of each class, the rarest first, and the quality on each slice, those with too few rows last; empty
    where nothing is measured."""
    shown = [material.row(name) for name in side_by_side(material.decision, MOST_CANDIDATES)]
    blocks: list[Block] = []
    if any(row["classes"] for row in shown):
        blocks += _classes(material, shown)
    if shown and (shown[0]["slices"] or _small(material)):
        blocks += _slices(material, shown)
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


def _slices(material: Material, shown: Sequence[dict[str, Any]]) -> list[Block]:
    rows = tuple(
        (
            slice_name(entry["column"], entry["value"]),
            figure(entry["rows"], figures.count),
            *(_found(row["slices"], place, "quality") for row in shown),
        )
        for place, entry in enumerate(shown[0]["slices"])
    )
    small = _small(material)
    too_few = Cell(message("report.slices.too_few"), tone="muted")
    rows += tuple(
        (slice_name(entry["column"], entry["value"]), figure(entry["rows"], figures.count), *(too_few for _ in shown))
        for entry in small[:MOST_SMALL_SLICES]
    )
    titles = (*words("slice"), *numbers("rows"), *_names(shown))
    blocks: list[Block] = [Table(message("report.table.slice_qualities"), titles, rows)]
    if small:
        blocks.append(Paragraph(message("report.slices.method", fewest=FEWEST_ROWS), "muted"))
    if len(small) > MOST_SMALL_SLICES:
        more = len(small) - MOST_SMALL_SLICES
        blocks.append(Paragraph(message("report.slices.more", shown=MOST_SMALL_SLICES, count=more), "muted"))
    return blocks


def _small(material: Material) -> list[dict[str, Any]]:
    """The slices without figures, with their rows."""
    small: list[dict[str, Any]] = material.results["data"]["slices_left_out"]["slices"]
    return small


def _found(entries: Sequence[dict[str, Any]], place: int, field: str) -> Cell:
    """One figure of one candidate; all candidates have their classes and slices in the same order."""
    if place >= len(entries):
        return not_measured()
    found = entries[place][field]
    return bounded(found["value"], found["low"], found["high"], figures.percent)


def _names(shown: Sequence[dict[str, Any]]) -> tuple[Column, ...]:
    return tuple(Column(row["name"], numeric=True) for row in shown)
