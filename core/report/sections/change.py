"""What would change the answer: break-even, flip values, and what to measure next."""

from __future__ import annotations

from typing import Any

from core.charts import tornado_chart
from core.decide.assumptions import words_for
from core.decide.outcome import message
from core.report import figures
from core.report.model import Block, Cell, Chart, Paragraph, Section, Table
from core.report.sections.material import Material, figure, named, numbers, words


def change(material: Material) -> Section:
    """Flip values of the assumptions, the tornado, break-even volumes, and measurements worth taking."""
    blocks: list[Block] = []
    if material.decision.flips:
        blocks += [_flips(material), Chart(tornado_chart(material.decision))]
    else:
        blocks.append(Paragraph(message("report.change.no_flips"), "muted"))
    if material.recommendation["break_even"]:
        blocks.append(_break_even(material))
    if material.decision.measure_next:
        blocks.append(_measure_next(material))
    return Section("change", message("report.section.change"), tuple(blocks))


def _flips(material: Material) -> Table:
    rows = []
    for flip, row in zip(material.decision.flips, material.recommendation["flips"], strict=True):
        unit = row["unit"]
        to = Cell(message("report.change.nothing_near"), tone="muted")
        if row["flips_at"] is not None:
            choice = "none" if flip.to is None else flip.to.value
            word = message(f"report.choice.{choice}")
            to = Cell(word, flip.to_candidate, role=material.role_of(flip.to_candidate or ""))
        at = Cell("–") if row["flips_at"] is None else Cell(material.amount(row["flips_at"], unit))
        rows.append((Cell(words_for(flip.path), flip.path), Cell(material.amount(row["value"], unit)), at, to))
    titles = words("assumption") + numbers("value", "flips_at") + words("changes_to")
    return Table(message("report.table.flips"), titles, tuple(rows))


def _break_even(material: Material) -> Table:
    rows: list[tuple[Cell, ...]] = []
    entries: list[dict[str, Any]] = material.recommendation["break_even"]
    for entry in entries:
        if entry["requests"] is None:
            never = Cell(message("report.change.never"), tone="muted")
            rows.append((named(material, entry["against"]), never, never))
        else:
            requests = figure(entry["requests"], figures.count)
            rows.append((named(material, entry["against"]), requests, figure(entry["months"], figures.number)))
    return Table(message("report.table.break_even"), words("against") + numbers("requests", "months"), tuple(rows))


def _measure_next(material: Material) -> Table:
    rows = tuple(
        (Cell(entry.message), figure(row["evppi"], material.money), figure(row["cost"], material.money))
        for entry, row in zip(material.decision.measure_next, material.recommendation["measure_next"], strict=True)
    )
    return Table(message("report.table.measure_next"), words("measurement") + numbers("worth", "price"), rows)
