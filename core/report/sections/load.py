"""The load tests: each level of each candidate, where it saturates, and how much of it meets the limit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from core.decide.load import load_notes
from core.decide.outcome import LoadFigures, Message, message
from core.report import figures
from core.report.model import Block, Cell, Paragraph, Table
from core.report.sections.material import Material, figure, named, numbers, words


def load_blocks(material: Material) -> list[Block]:
    """A table of all levels, and a sentence for each candidate; nothing where nothing was tested."""
    tested = [(row["name"], row["load"]) for row in material.candidates if row["load"] is not None]
    if not tested:
        return []
    blocks: list[Block] = [_table(material, tested), Paragraph(message("report.load.how"))]
    loads = [(one.name, one.load) for one in material.decision.candidates if one.load is not None]
    blocks += [Paragraph(told) for name, load in loads for told in _saturation(name, load)]
    return [*blocks, *(Paragraph(note, "warn") for name, load in loads for note in load_notes(name, load))]


def _table(material: Material, tested: list[tuple[str, dict[str, Any]]]) -> Table:
    levels = [(name, level) for name, load in tested for level in load["levels"]]
    streamed = any(level["time_to_first_token_ms"] is not None for _, level in levels)
    written = any(level["output_tokens_per_second"] is not None for _, level in levels)
    firsts = ("first_token_p50", "first_token_p95") if streamed else ()
    tokens = ("output_tokens_per_second",) if written else ()
    titles = words("candidate", "load_level") + numbers(
        "requests_per_second", *tokens, "goodput", "p50", "p95", "p99", *firsts, "load_failed"
    )
    rows = tuple(_cells(material, name, level, streamed, written) for name, level in levels)
    return Table(message("report.table.load"), titles, rows)


def _cells(material: Material, name: str, level: dict[str, Any], streamed: bool, written: bool) -> tuple[Cell, ...]:
    open_loop = level["rate"] is not None
    code = f"report.load.{level['loop']}"
    rate = figures.number(level["rate"]) if open_loop else ""
    told = message(code, rate=rate) if open_loop else message(code, count=level["concurrency"])
    late = None if not level["cut_off"] else message("report.load.cut_off", count=level["cut_off"])
    beside = late if level["usable"] else message("report.load.unusable")
    latency, first = level["latency_ms"], level["time_to_first_token_ms"] or {}
    shown = figure if level["usable"] else _withheld
    firsts = ("p50", "p95") if streamed else ()
    rates = ("requests_per_second", *(("output_tokens_per_second",) if written else ()), "goodput")
    return (
        named(material, name),
        Cell(told, beside),
        *(shown(level[rate], figures.number) for rate in rates),
        *(shown(latency[key], figures.milliseconds) for key in ("p50", "p95", "p99")),
        *(shown(first.get(key), figures.milliseconds) for key in firsts),
        Cell(figures.count(level["failed"]), tone="warn" if level["failed"] else "plain"),
    )


def _withheld(value: float | None, form: Callable[[float], str]) -> Cell:
    """No figure: it was measured, and does not tell what the endpoint bears."""
    return Cell("–", tone="muted")


def _saturation(name: str, load: LoadFigures) -> list[Message]:
    if load.saturation_concurrency is not None and load.saturation_requests_per_second is not None:
        rate = figures.number(load.saturation_requests_per_second)
        return [message("report.load.saturated", name=name, count=load.saturation_concurrency, rate=rate)]
    return [] if load.most_clients is None else [message("report.load.unsaturated", name=name, count=load.most_clients)]
