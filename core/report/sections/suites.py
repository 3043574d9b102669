"""Standard suites: what lm-eval measured, told beside the decision."""

from __future__ import annotations

from typing import Any

from core.decide.outcome import message
from core.report import figures
from core.report.model import Block, Cell, Paragraph, Table
from core.report.sections.material import Material, figure, named, numbers, words


def suites(material: Material) -> list[Block]:
    """A sentence and a table with a row for each figure; nothing where no suite was run."""
    rows = tuple(_cells(material, row["name"], one) for row in material.candidates for one in row["suites"])
    if not rows:
        return []
    titles = words("candidate", "suite_task", "suite_metric")
    titles += numbers("suite_value", "standard_error", "rows", "fewshot")
    return [Paragraph(message("report.suites.beside")), Table(message("report.table.suites"), titles, rows)]


def _cells(material: Material, name: str, one: dict[str, Any]) -> tuple[Cell, ...]:
    # How answers were read is worth a word only where lm-eval offers several ways.
    read = None if one["filter"] in ("", "none") else one["filter"]
    unknown = Cell("–", tone="muted")
    return (
        named(material, name),
        Cell(one["task"], one["library"]),
        Cell(one["metric"], read),
        figure(one["value"], figures.number),
        unknown if one["standard_error"] is None else figure(one["standard_error"], figures.number),
        unknown if one["rows"] is None else figure(one["rows"], figures.count),
        unknown if one["num_fewshot"] is None else figure(one["num_fewshot"], figures.count),
    )
