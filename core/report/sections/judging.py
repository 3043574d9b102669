"""How answers got their scores where a job of its own gave them: the judge, both orders, and what it could not say."""

from __future__ import annotations

from typing import Any

from core.decide.outcome import message
from core.report import figures
from core.report.model import Block, Cell, Paragraph, Table
from core.report.sections.material import Material, bounded, figure, named, numbers, words


def judging(material: Material) -> list[Block]:
    """Nothing where every score is a metric's own."""
    rows = [row for row in material.candidates if row["judging"] is not None]
    if not rows:
        return []
    methods = dict.fromkeys(row["judging"]["method"] for row in rows)
    blocks: list[Block] = [Paragraph(message(f"report.judging.{method}")) for method in methods]
    if any(row["judging"]["judge"] is not None for row in rows):
        blocks.append(_table(material, rows))
    return blocks


def _table(material: Material, rows: list[dict[str, Any]]) -> Table:
    titles = words("candidate", "judge") + numbers(
        "rows_judged",
        "order_disagreements",
        "unreadable",
        "distinct_verdicts",
        "exact_agreement",
        "kappa",
        "judging_cost",
    )
    return Table(message("report.table.judging"), titles, tuple(_cells(material, row) for row in rows))


def _cells(material: Material, row: dict[str, Any]) -> tuple[Cell, ...]:
    found, bias, exact = row["judging"], row["judging"]["position_bias"], row["judging"]["exact_match"]
    near = message("report.judging.near") if found["judges_itself"] else None
    given = message("report.judging.given", count=found["given"]) if found["given"] else None
    none = Cell("–", tone="muted")
    share = found["unreadable"] / found["verdicts"] if found["verdicts"] else None
    return (
        named(material, row["name"]),
        Cell(found["judge"] or "–", near, tone="warn" if found["judges_itself"] else "plain"),
        figure(found["rows"], figures.count, given),
        none if bias is None else bounded(bias["share"], bias["low"], bias["high"], figures.percent),
        none if share is None else figure(share, figures.percent),
        _distinct(found["by_verdict"]) if found["by_verdict"] else none,
        none if not exact["rows"] else _agreement(exact),
        none if exact["kappa"] is None else Cell(f"{exact['kappa']:.2f}".replace("-", "−")),
        figure((row["cost"] or {}).get("one_off_judging"), material.money),
    )


def _distinct(counts: list[dict[str, Any]]) -> Cell:
    """How many different verdicts there are, with the share of the most frequent one."""
    total, most = sum(one["count"] for one in counts), counts[0]
    told = message("report.judging.commonest", verdict=most["verdict"], share=most["count"] / total)
    return figure(len(counts), figures.count, told)


def _agreement(exact: dict[str, int]) -> Cell:
    rows = message("report.judging.short_rows", count=exact["rows"])
    return figure(exact["agreements"] / exact["rows"], figures.percent, rows)
