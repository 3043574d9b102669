"""A decision as the answer card and the Why card say it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from core.decide.gates import NOTHING_RIGHT_RULE
from core.decide.outcome import CandidateDecision, Decision
from core.domain import Choice, PolicyKind, Role
from core.i18n import listed
from core.spec import PLUGIN_PREFIX, Study
from gui.models.decision_rows import DASH, DecisionRows


@dataclass(frozen=True)
class Figure:
    """One figure of the answer: its name, the value, what stands under it, and where it comes from (on hover)."""

    caption: str
    value: str
    under: str
    tip: str = ""


@dataclass(frozen=True)
class Answer:
    """What the answer card says. `role` is null where nothing can be deployed; then there are no figures either."""

    title: str
    sentence: str
    strong: str
    role: Role | None
    figures: Sequence[Figure]
    has_flips: bool
    note: str = ""


@dataclass(frozen=True)
class WhyRow:
    """One sentence with the mark of the candidate it speaks of; `tip` names gate and rule."""

    role: Role | None
    text: str
    tip: str = ""
    state: Literal["", "warn"] = ""


_ROLES = {Choice.TEACHER: Role.TEACHER, Choice.STUDENT: Role.STUDENT, Choice.HYBRID: Role.HYBRID}


def answer_of(rows: DecisionRows, study: Study, *, what_if: bool) -> Answer:
    """The answer card of a decision; `what_if` says that it rests on the sliders and not on the study."""
    decision = rows.decision
    chosen = decision.chosen
    note = rows.tr("gui_decide.answer.what_if") if what_if else ""
    if chosen is None:
        title = rows.tr(f"gui_decide.answer.{decision.choice.value}")
        return Answer(title, _undecided(rows), "", None, (), bool(decision.flips), note)
    return Answer(
        title=_title(rows, chosen),
        sentence=_sentence(rows, study, chosen),
        strong=_compared(rows, chosen),
        role=_ROLES.get(decision.choice, chosen.role),
        figures=_figures(rows, chosen),
        has_flips=bool(decision.flips),
        note=note,
    )


def why_rows(rows: DecisionRows) -> tuple[list[WhyRow], list[WhyRow]]:
    """Reasons and exclusions with the marks of whom they speak of, then what waits for an answer or is not measured."""
    decision = rows.decision
    chosen_role = decision.chosen.role if decision.chosen is not None else None
    reasons = [WhyRow(rows.role_in(reason.values) or chosen_role, rows.words(reason)) for reason in decision.reasons]
    waiting: list[WhyRow] = []
    for item in decision.excluded:
        gate = rows.tr(f"gui_decide.gate.{item.gate.value}")
        rule = rows.rule(item.rule)
        tip = gate if rule is None else rows.tr("gui_decide.why.gate_and_rule", gate=gate, rule=rule)
        row = WhyRow(rows.role(item.candidate), _excluded(rows, item.candidate, rows.words(item.message)), tip)
        (waiting if _is_open(decision, item.candidate) else reasons).append(row)
    if decision.not_measured:
        names = listed(decision.not_measured)
        waiting.append(
            WhyRow(None, rows.tr("gui_decide.why.not_measured", count=len(decision.not_measured), names=names))
        )
    return reasons, waiting


def _excluded(rows: DecisionRows, name: str, text: str) -> str:
    return text if name in text else rows.tr("gui_decide.why.excluded", candidate=name, reason=text)


def _is_open(decision: Decision, name: str) -> bool:
    gate = decision.of(name).excluded_by
    return gate is not None and gate.state == "unknown"


def _title(rows: DecisionRows, chosen: CandidateDecision) -> str:
    hybrids = [candidate for candidate in rows.decision.candidates if candidate.role is Role.HYBRID]
    named = ".named" if chosen.role is Role.HYBRID and len(hybrids) > 1 else ""
    return rows.tr(f"gui_decide.answer.{chosen.role.value}{named}", candidate=chosen.name)


def _undecided(rows: DecisionRows) -> str:
    """Why nothing is recommended, and what to do about it."""
    excluded = len({item.candidate for item in rows.decision.excluded})
    if rows.decision.choice is Choice.NONE and excluded:
        useless = all(item.rule == NOTHING_RIGHT_RULE for item in rows.decision.excluded)
        return rows.tr(f"gui_decide.answer.none.{'nothing_right' if useless else 'sentence'}", count=excluded)
    return rows.words(rows.decision.headline)


def _sentence(rows: DecisionRows, study: Study, chosen: CandidateDecision) -> str:
    if chosen.role is not Role.HYBRID or chosen.strong_share is None:
        return rows.tr(f"gui_decide.answer.{'teacher' if chosen.role is Role.TEACHER else 'student'}.sentence")
    parts = study.candidate(chosen.name)
    code = "cascade" if chosen.policy is PolicyKind.CASCADE else "router"
    return rows.tr(
        f"gui_decide.answer.{code}",
        student=parts.student,
        teacher=parts.teacher,
        share=rows.formats.percent(round(chosen.strong_share, 2)),
    )


def _compared(rows: DecisionRows, chosen: CandidateDecision) -> str:
    """The choice against the reference teacher in quality and in cost for a right answer, and how many rules pass."""
    parts = []
    name = rows.decision.reference
    if name is not None and name != chosen.name:
        reference = rows.decision.of(name)
        quality = _ratio(_quality(chosen), _quality(reference))
        cost = _ratio(_per_success(chosen), _per_success(reference))
        if quality is not None and cost is not None:
            parts.append(
                rows.tr(
                    "gui_decide.answer.compared",
                    quality=rows.formats.percent(round(quality, 3)),
                    cost=rows.formats.percent(float(f"{cost:.2g}")),
                    teacher=name,
                )
            )
    if chosen.gates and all(gate.state == "pass" for gate in chosen.gates):
        parts.append(rows.tr("gui_decide.answer.rules", count=len(chosen.gates)))
    return " ".join(parts)


def _quality(candidate: CandidateDecision) -> float | None:
    return candidate.quality.value if candidate.quality is not None else None


def _per_success(candidate: CandidateDecision) -> float | None:
    return (
        candidate.cost.per_success.value
        if candidate.cost is not None and candidate.cost.per_success is not None
        else None
    )


def _ratio(part: float | None, whole: float | None) -> float | None:
    return part / whole if part is not None and whole else None


def _figures(rows: DecisionRows, chosen: CandidateDecision) -> list[Figure]:
    cost, cost_range = rows.money(chosen.cost.per_success if chosen.cost else None, 1000)
    if cost == DASH and chosen.cost is not None and chosen.cost.reason is not None:
        cost_range = rows.words(chosen.cost.reason)
    quality, quality_range = rows.quality(chosen)
    metric = chosen.quality.metric if chosen.quality is not None else "quality"
    return [
        Figure(rows.tr("gui_decide.figure.cost"), cost, cost_range, rows.tr("gui_decide.figure.cost.tip")),
        Figure(_metric(rows, metric), quality, quality_range, _quality_tip(rows, chosen)),
        _latency(rows, chosen),
        _chance(rows),
    ]


def _metric(rows: DecisionRows, name: str) -> str:
    if name.startswith(PLUGIN_PREFIX):
        return rows.tr("gui_decide.metric.own", name=name.removeprefix(PLUGIN_PREFIX))
    return rows.tr(f"gui_decide.metric.{name}")


def _quality_tip(rows: DecisionRows, chosen: CandidateDecision) -> str:
    if chosen.quality is None:
        return ""
    return rows.tr("gui_decide.figure.quality.tip", count=chosen.quality.n)


def _latency(rows: DecisionRows, chosen: CandidateDecision) -> Figure:
    caption = rows.tr("gui_decide.figure.latency")
    limit = rows.decision.p95_limit_ms
    under = (
        rows.tr("gui_decide.figure.no_limit")
        if limit is None
        else rows.tr("gui_decide.figure.limit", limit=rows.formats.milliseconds(limit))
    )
    latency = chosen.latency
    if latency is None:
        return Figure(
            caption, DASH, rows.tr("gui_decide.figure.not_measured"), rows.tr("gui_decide.figure.latency.tip")
        )
    tip = rows.tr(f"gui_decide.figure.latency.{latency.source}", count=latency.samples)
    if latency.p95 is None:
        return Figure(caption, DASH, rows.tr("gui_decide.figure.too_few", count=latency.samples), tip)
    return Figure(caption, rows.formats.milliseconds(latency.p95), under, tip)


def _chance(rows: DecisionRows) -> Figure:
    confidence = rows.decision.confidence
    under = ""
    if confidence.expected_loss is not None:
        loss = rows.formats.money_a_month(confidence.expected_loss, rows.decision.currency)
        under = rows.tr("gui_decide.figure.at_risk", amount=loss)
    return Figure(
        rows.tr("gui_decide.figure.chance"),
        rows.probability(confidence.probability_best),
        under,
        rows.tr("gui_decide.figure.chance.tip"),
    )
