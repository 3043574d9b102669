"""The load tests: each level of each candidate, where it saturates, and how much of it meets the limit."""

from __future__ import annotations

from typing import Any

from core.decide.load import unapplied_notes
from core.decide.outcome import Message, message
from core.report import figures
from core.report.model import Block, Cell, Paragraph, Table
from core.report.sections.material import Material, figure, named, numbers, words


def load_blocks(material: Material) -> list[Block]:
    """A table of all levels, and a sentence for each candidate; nothing where nothing was tested."""
    tested = [(row["name"], row["load"]) for row in material.candidates if row["load"] is not None]
    if not tested:
        return []
    blocks: list[Block] = [_table(material, tested), Paragraph(message("report.load.how"))]
    blocks += [Paragraph(_saturation(name, load)) for name, load in tested]
    loads = [(one.name, one.load) for one in material.decision.candidates if one.load is not None]
    return [*blocks, *(Paragraph(note, "warn") for name, load in loads for note in unapplied_notes(name, load))]


def _table(material: Material, tested: list[tuple[str, dict[str, Any]]]) -> Table:
    levels = [(name, level) for name, load in tested for level in load["levels"]]
    streamed = any(level["time_to_first_token_ms"] is not None for _, level in levels)
    firsts = ("first_token_p50", "first_token_p95") if streamed else ()
    titles = words("candidate", "load_level") + numbers(
        "requests_per_second", "goodput", "p50", "p95", "p99", *firsts, "load_failed"
    )
    rows = tuple(_cells(material, name, level, streamed) for name, level in levels)
    return Table(message("report.table.load"), titles, rows)


def _cells(material: Material, name: str, level: dict[str, Any], streamed: bool) -> tuple[Cell, ...]:
    open_loop = level["rate"] is not None
    code = f"report.load.{level['loop']}"
    rate = figures.number(level["rate"]) if open_loop else ""
    told = message(code, rate=rate) if open_loop else message(code, count=level["concurrency"])
    late = None if not level["cut_off"] else message("report.load.cut_off", count=level["cut_off"])
    latency, first = level["latency_ms"], level["time_to_first_token_ms"] or {}
    firsts = ("p50", "p95") if streamed else ()
    return (
        named(material, name),
        Cell(told, late),
        figure(level["requests_per_second"], figures.number),
        figure(level["goodput"], figures.number),
        *(figure(latency[key], figures.milliseconds) for key in ("p50", "p95", "p99")),
        *(figure(first.get(key), figures.milliseconds) for key in firsts),
        Cell(figures.count(level["failed"]), tone="warn" if level["failed"] else "plain"),
    )


def _saturation(name: str, load: dict[str, Any]) -> Message:
    found = load["saturation"]
    if found is None:
        most = max(level["concurrency"] for level in load["levels"] if level["rate"] is None)
        return message("report.load.unsaturated", name=name, count=most)
    rate = figures.number(found["requests_per_second"])
    return message("report.load.saturated", name=name, count=found["concurrency"], rate=rate)
