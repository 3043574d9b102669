"""What the checks of the answers found: what fails, what a second request mends, and what that takes."""

from __future__ import annotations

from typing import Any

from core.decide.outcome import message
from core.report import figures
from core.report.model import Block, Cell, Paragraph, Table
from core.report.sections.material import Material, bounded, figure, named, numbers, words


def checks(material: Material) -> list[Block]:
    """Nothing where answers are not checked."""
    rows = [row for row in material.candidates if row["checks"] is not None]
    if not rows:
        return []
    blocks: list[Block] = [_table(material, rows)]
    if any(row["checks"]["re_asked"] for row in rows):
        blocks.append(Paragraph(message("report.checks.asked_again"), "muted"))
    return [*blocks, _by_check(material, rows)]


def _table(material: Material, rows: list[dict[str, Any]]) -> Table:
    titles = words("candidate") + numbers("rows", "failure_rate", "re_ask_rate", "correction_rate", "remaining_rate")
    titles += numbers("second_tokens", "second_ms")
    return Table(message("report.table.checks"), titles, tuple(_cells(material, row) for row in rows))


def _cells(material: Material, row: dict[str, Any]) -> tuple[Cell, ...]:
    found, second = row["checks"], row["checks"]["second_requests"]
    tokens, latency = second["input_tokens"] + second["output_tokens"], second["latency_ms"]
    none = Cell("–", tone="muted")
    return (
        named(material, row["name"]),
        figure(found["rows"], figures.count),
        _share(found["failure_rate"]),
        _share(found["re_ask_rate"]),
        _share(found["correction_rate"]),
        _share(found["remaining_rate"]),
        figure(tokens / second["count"], figures.count) if second["count"] and tokens else none,
        none if latency is None else figure(latency["p50"], figures.milliseconds),
    )


def _share(share: dict[str, float] | None) -> Cell:
    if share is None:
        return Cell("–", tone="muted")
    return bounded(share["value"], share["low"], share["high"], figures.percent)


def _by_check(material: Material, rows: list[dict[str, Any]]) -> Table:
    titles = words("candidate", "check") + numbers("failed", "remaining")
    cells = tuple(
        (
            named(material, row["name"]),
            Cell(message(f"report.check.{one['check']}")),
            figure(one["failed"], figures.count),
            figure(one["remaining"], figures.count),
        )
        for row in rows
        for one in row["checks"]["by_check"]
    )
    return Table(message("report.table.by_check"), titles, cells)
