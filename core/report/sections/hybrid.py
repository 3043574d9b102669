"""The hybrids: each policy's curve, what it must beat, and the verdict."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from core.charts import routing_curve_chart
from core.decide.outcome import message
from core.domain import Role, Verdict
from core.report import figures
from core.report.model import Block, Cell, Chart, Paragraph, Section, Table
from core.report.sections.material import Material, bounded, figure, named, numbers, words


def hybrid(material: Material) -> Section | None:
    """The policies of every hybrid; null for a study without one."""
    hybrids = [row["name"] for row in material.candidates if row["role"] == Role.HYBRID.value]
    if not hybrids:
        return None
    blocks: list[Block] = []
    if not material.policies:
        blocks.append(Paragraph(message("report.hybrid.none_measured"), "muted"))
    else:
        blocks += _verdicts(material)
        blocks += [_policies(material), _baselines(material)]
        measured = {row["candidate"] for row in material.policies}
        blocks += [Chart(routing_curve_chart(material.decision, name)) for name in hybrids if name in measured]
    blocks += _omitted(material, hybrids)
    return Section("hybrid", message("report.section.hybrid"), tuple(blocks))


def _verdicts(material: Material) -> list[Block]:
    """Each verdict's reason once: hybrids of one pair mostly share it, and the table names who has which verdict."""
    by_words = {policy.reason.text: policy for policy in material.decision.policies}
    return [
        Paragraph(policy.reason, "good" if policy.verdict is Verdict.RECOMMENDED else "warn", Role.HYBRID)
        for policy in by_words.values()
    ]


def _policies(material: Material) -> Table:
    titles = words("policy", "verdict")
    titles += numbers("strong_share", "quality", "apgr", "cpt50", "cpt80", "per_million_requests")
    return Table(message("report.table.policies"), titles, tuple(_policy(material, row) for row in material.policies))


def _policy(material: Material, row: dict[str, Any]) -> tuple[Cell, ...]:
    quality = row["quality"]
    verdict = message(f"report.verdict.{row['verdict'].replace(' ', '_')}")
    return (
        _name(material, row),
        Cell(verdict, tone="good" if row["verdict"] == "recommended" else "warn"),
        figure(row["strong_share"], figures.percent),
        bounded(quality["value"], quality["low"], quality["high"], figures.percent),
        _gain(row["apgr"], figures.number, row["apgr_low"], row["apgr_high"]),
        _gain(row["cpt50"], figures.percent),
        _gain(row["cpt80"], figures.percent),
        figure(row["per_million_requests"], material.money),
    )


def _gain(
    value: float | None, form: Callable[[float], str], low: float | None = None, high: float | None = None
) -> Cell:
    """A figure about the share of the teacher's gain; a teacher that is no better was measured, and leaves none."""
    if value is None:
        return Cell(message("report.no_gain"), tone="muted")
    return bounded(value, low, high, form)


def _name(material: Material, row: dict[str, Any]) -> Cell:
    return named(material, row["candidate"], message(f"report.policy.{row['kind']}"))


def _baselines(material: Material) -> Table:
    titles = words("policy") + numbers(
        "apgr", "random", "length", "hull", "oracle", "teacher_quality", "student_quality"
    )
    rows = []
    for row in material.policies:
        baselines = row["baselines"]
        values = (row["apgr"], *(baselines[key] for key in _APGR_BASELINES))
        gains = [_gain(value, figures.number) for value in values]
        qualities = [figure(baselines[key], figures.percent) for key in ("teacher", "student")]
        rows.append((_name(material, row), *gains, *qualities))
    return Table(message("report.table.baselines"), titles, tuple(rows))


_APGR_BASELINES = ("random", "length", "hull", "oracle")


def _omitted(material: Material, hybrids: list[str]) -> list[Block]:
    blocks: list[Block] = []
    for name in hybrids:
        route = material.evidence.candidate(name).route
        for kind, code in (route.omitted if route is not None else {}).items():
            blocks.append(Paragraph(message("report.hybrid.omitted", candidate=name, policy=kind), "warn"))
            blocks.append(Paragraph(message(code), "muted"))
    return blocks
