"""Rows on what a decision rests on: policies of hybrids, the task's measured complexity, what to measure next."""

from __future__ import annotations

from core.decide.outcome import ComplexityProfile, Interval, PolicyDecision
from core.domain import Role, Verdict
from gui.models.class_slice_rows import slice_name
from gui.models.decision_rows import DASH, DecisionRows
from gui.models.table import Cell

_VERDICT_STATE = {Verdict.RECOMMENDED: "good", Verdict.NO_LEARNED_ROUTER: "", Verdict.INCONCLUSIVE: "warn"}


def measure_next_words(rows: DecisionRows) -> str:
    """What to measure next and what knowing it is worth, a line each; empty where there is nothing."""
    lines = []
    for item in rows.decision.measure_next:
        text = rows.words(item.message)
        if item.evppi is not None:
            worth = rows.formats.money_a_month(item.evppi, rows.decision.currency)
            text = rows.tr("gui_decide.measure_next.worth", what=text, worth=worth)
        lines.append(text)
    return rows.tr("gui_decide.measure_next", what="\n".join(lines)) if lines else ""


def policy_row(policy: PolicyDecision, rows: DecisionRows) -> list[Cell]:
    """A policy with its figures beside those of routing at random and by length, and the verdict on it."""

    def apgr(value: float | None) -> Cell:
        return Cell(DASH if value is None else rows.formats.number(value, 3), value, number=True)

    def share(value: float | None) -> Cell:
        return Cell(DASH if value is None else rows.formats.percent(value), value, number=True)

    own = apgr(policy.apgr)
    if policy.apgr_low is not None and policy.apgr_high is not None:
        ends = rows.formats.interval(rows.formats.number(policy.apgr_low, 3), rows.formats.number(policy.apgr_high, 3))
        own = Cell(f"{own.text} ({ends})", policy.apgr, number=True)
    verdict = rows.tr(f"gui_decide.router_verdict.{policy.verdict.value.replace(' ', '_')}")
    return [
        Cell(f"{policy.candidate}, {rows.tr(f'gui_decide.policy.{policy.kind.value}')}", role=Role.HYBRID, bold=True),
        own,
        apgr(policy.baseline_random),
        apgr(policy.baseline_length),
        share(policy.cpt50),
        share(policy.cpt80),
        Cell(verdict, policy.verdict, color=_VERDICT_STATE[policy.verdict] or "text", bold=True),
    ]


def complexity_rows(profile: ComplexityProfile, rows: DecisionRows) -> list[list[Cell]]:
    """Each figure of the measured profile with its meaning, then each slice's gap."""
    formats = rows.formats
    values: list[tuple[str, str | None]] = [
        ("disagreement", None if profile.disagreement is None else formats.percent(round(profile.disagreement, 3))),
        ("gap", _points(profile.gap, rows)),
        ("headroom", None if profile.headroom is None else formats.points(profile.headroom)),
        ("floor_gap", _points(profile.floor_gap, rows)),
        (
            "label_entropy",
            None if profile.label_entropy_bits is None else f"{formats.number(profile.label_entropy_bits, 2)}\u00a0bit",
        ),
        ("input_length", _lengths(profile, rows)),
    ]
    table = [
        [
            Cell(rows.tr(f"gui_decide.complexity.{code}")),
            Cell(text, bold=True),
            Cell(rows.tr(f"gui_decide.complexity.{code}.meaning"), color="muted"),
        ]
        for code, text in values
        if text is not None
    ]
    for part in profile.slices:
        name = slice_name(part, rows)
        meaning = rows.tr(
            "gui_decide.complexity.slice.meaning",
            rows=part.rows,
            teacher=formats.percent(part.teacher),
            student=formats.percent(part.student),
        )
        table.append([Cell(name), Cell(_points(part.gap, rows) or DASH, bold=True), Cell(meaning, color="muted")])
    return table


def _points(gap: Interval | None, rows: DecisionRows) -> str | None:
    if gap is None:
        return None
    if gap.low is None or gap.high is None:
        return rows.formats.points(gap.value)
    return rows.formats.points_with_interval(gap.value, gap.low, gap.high)


def _lengths(profile: ComplexityProfile, rows: DecisionRows) -> str | None:
    if profile.input_length_p50 is None or profile.input_length_p95 is None:
        return None
    return rows.tr(
        "gui_decide.complexity.lengths",
        median=rows.formats.number(profile.input_length_p50, 0),
        p95=rows.formats.number(profile.input_length_p95, 0),
    )
