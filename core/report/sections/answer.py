"""The answer: what to deploy, how sure that is, why, and what may not be chosen."""

from __future__ import annotations

from core.decide.outcome import Message, message
from core.decide.rule_words import rule_in_words
from core.domain import Choice
from core.i18n import listed
from core.report import figures
from core.report.model import Block, Bullets, Cell, KeyFigure, KeyFigures, Paragraph, Section, Table
from core.report.sections.material import Material, named, words
from core.spec import PLUGIN_PREFIX


def answer(material: Material) -> Section:
    """The recommendation in one sentence, its figures and reasons, and what is excluded by which rule."""
    decision = material.decision
    sure = decision.choice not in (Choice.NONE, Choice.INCONCLUSIVE)
    role = None if decision.chosen is None else decision.chosen.role
    blocks: list[Block] = [Paragraph(decision.headline, "good" if sure else "warn", role, lead=True)]
    blocks += _key_figures(material)
    if decision.reasons:
        blocks.append(Bullets(decision.reasons))
    if decision.excluded:
        blocks.append(_excluded(material))
    if decision.not_measured:
        blocks.append(Paragraph(message("report.answer.not_measured", names=listed(decision.not_measured)), "warn"))
    return Section("answer", message("report.section.answer"), tuple(blocks))


def _key_figures(material: Material) -> list[Block]:
    name = material.recommendation["candidate"]
    shown = [] if name is None else _of_the_chosen(material, name)
    confidence = material.recommendation["confidence"]
    if confidence["probability_best"] is not None:
        loss = confidence["expected_loss"]
        note = None if loss is None else message("report.answer.at_risk", amount=material.money(loss))
        label = message("report.figure.probability_best")
        shown.append(KeyFigure(label, figures.chance(confidence["probability_best"]), note))
    if confidence["evpi"] is not None:
        note = message("report.answer.evpi")
        shown.append(KeyFigure(message("report.figure.evpi"), material.money(confidence["evpi"]), note))
    return [KeyFigures(tuple(shown))] if shown else []


def _of_the_chosen(material: Material, name: str) -> list[KeyFigure]:
    row, shown = material.row(name), []
    criteria = material.decision
    if row["cost"] is not None and row["cost"]["monthly"] is not None:
        budget = criteria.monthly_budget
        note = None if budget is None else message("report.answer.budget", amount=material.money(budget))
        shown.append(KeyFigure(message("report.figure.monthly"), material.money(row["cost"]["monthly"]), note))
    if row["quality"] is not None:
        quality = row["quality"]
        ends = figures.interval(figures.percent(quality["low"]), figures.percent(quality["high"]))
        shown.append(KeyFigure(_metric(quality["metric"]), figures.percent(quality["value"]), ends))
    latency = row["latency_ms"]
    if latency is not None and latency["p95"] is not None:
        limit = criteria.p95_limit_ms
        note = None if limit is None else message("report.answer.limit", limit=figures.milliseconds(limit))
        shown.append(KeyFigure(message("report.figure.p95"), figures.milliseconds(latency["p95"]), note))
    return shown


def _metric(name: str) -> Message:
    if name.startswith(PLUGIN_PREFIX):
        return message("report.metric.own", name=name.removeprefix(PLUGIN_PREFIX))
    return message(f"report.metric.{name}")


def _excluded(material: Material) -> Table:
    rows = tuple(
        (
            named(material, entry.candidate),
            Cell(message(f"report.gate.{entry.gate}")),
            Cell(rule_in_words(entry.rule) or "–"),
            Cell(entry.message),
        )
        for entry in material.decision.excluded
    )
    titles = words("candidate", "gate", "rule", "reason")
    return Table(message("report.table.excluded"), titles, rows)
