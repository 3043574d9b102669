"""The 3C criteria as given, the compliance verdicts, and every assumption with its source and date."""

from __future__ import annotations

from core.decide.assumptions import words_for
from core.decide.compliance import compliance_notes
from core.decide.outcome import message
from core.decide.rule_words import rule_in_words
from core.domain import Gate
from core.prices import origin_of
from core.report import figures
from core.report.model import Block, Cell, Column, Paragraph, Phrase, Section, Table, Tone
from core.report.sections.material import Material, named, numbers, words, yes_or_no


def criteria(material: Material) -> Section:
    """What the study asked for: complexity, cost, compliance and service levels."""
    given, decided = material.evidence.study.criteria, material.decision
    cost, service = given.cost, given.service
    budget, worth, limit = decided.monthly_budget, decided.value_per_success, decided.p95_limit_ms
    floor, money = decided.min_quality, material.money
    rows: list[tuple[str, Phrase | None, bool]] = [
        ("complexity", message(f"report.level.{given.complexity.stated}"), _default(given.complexity, "stated")),
        ("monthly_requests", figures.number(decided.monthly_requests), False),
        ("monthly_budget", None if budget is None else money(budget), False),
        ("horizon", figures.count(cost.horizon_months), _default(cost, "horizon_months")),
        ("value_per_success", None if worth is None else money(worth), False),
        ("p95_limit", None if limit is None else figures.milliseconds(limit), False),
        ("min_quality", None if floor is None else figures.percent(floor), False),
        ("quality_margin", figures.percent(decided.quality_margin), _default(service, "quality_margin")),
    ]
    under_load = (
        ("time_to_first_token_ms", service.time_to_first_token_ms),
        ("time_per_output_token_ms", service.time_per_output_token_ms),
    )
    rows += [(code, figures.milliseconds(most), False) for code, most in under_load if most is not None]
    table = Table(
        message("report.table.criteria"),
        words("criterion") + numbers("value"),
        tuple(_criterion(code, value, default) for code, value, default in rows),
    )
    return Section("criteria", message("report.section.criteria"), (table,))


def _default(part: object, field: str) -> bool:
    return origin_of(part, field) == "default"  # type: ignore[arg-type]  # every part of a study is a pydantic model


def _criterion(code: str, value: Phrase | None, default: bool) -> tuple[Cell, ...]:
    note = message("report.default") if default else None
    shown = Cell(message("report.not_given"), tone="muted") if value is None else Cell(value, note)
    return Cell(message(f"report.criterion.{code}")), shown


def compliance(material: Material) -> Section:
    """The facts given, what was said of rule packs, and each rule's verdict on each candidate."""
    given = material.evidence.study.criteria.compliance
    facts = ", ".join(f"{name}: {value}" for name, value in given.facts.items())
    rows: list[tuple[str, Phrase | None]] = [
        ("data_classes", ", ".join(given.data_classes) or None),
        ("jurisdictions", ", ".join(given.jurisdictions) or None),
        ("on_premises", yes_or_no(given.on_premises)),
        ("facts", facts or None),
    ]
    blocks: list[Block] = [
        Table(
            message("report.table.compliance_facts"),
            words("criterion", "value"),
            tuple(_criterion(code, value, False) for code, value in rows),
        )
    ]
    blocks += [Paragraph(note, "warn") for note in compliance_notes(material.evidence.study)]
    verdicts = _verdicts(material)
    blocks.append(verdicts if verdicts.rows else Paragraph(message("report.compliance.no_rule"), "muted"))
    blocks.append(Paragraph(message("report.compliance.no_advice"), "muted"))
    return Section("compliance", message("report.section.compliance"), tuple(blocks))


def _verdicts(material: Material) -> Table:
    rows = tuple(
        (
            named(material, candidate.name),
            Cell(rule_in_words(gate.rule) or "–"),
            Cell(message(f"report.state.{gate.state}"), tone=_TONES[gate.state]),
            Cell(gate.message),
        )
        for candidate in material.decision.candidates
        for gate in candidate.gates
        if gate.gate is Gate.COMPLIANCE
    )
    return Table(message("report.table.compliance"), words("candidate", "rule", "verdict", "reason"), rows)


_TONES: dict[str, Tone] = {"pass": "good", "fail": "bad", "unknown": "warn"}


def assumptions(material: Material) -> Section:
    """Every number that nobody measured, with its unit, source and date; defaults are marked."""
    origins = {entry.name: entry.origin for entry in material.decision.assumptions}
    rows = []
    for entry in material.recommendation["assumptions"]:
        source = Cell(entry["source"] or message("report.by_hand"))
        if origins.get(entry["name"]) == "default":
            source = Cell(message("report.default"), tone="warn")
        value = Cell(material.amount(entry["value"], entry["unit"]))
        date = Cell(entry["as_of"]) if entry["as_of"] else Cell(message("report.undated"), tone="muted")
        rows.append((Cell(words_for(entry["name"]), entry["name"]), value, source, date))
    titles: tuple[Column, ...] = words("assumption") + numbers("value") + words("source", "as_of")
    table = Table(message("report.table.assumptions"), titles, tuple(rows))
    return Section("assumptions", message("report.section.assumptions"), (table,))
