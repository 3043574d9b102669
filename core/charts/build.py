"""Charts of a decision: quality against cost, routing curves, what moves the net benefit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.charts.spec import Axis, Band, Bar, ChartSpec, Corner, Line, Point
from core.decide.assumptions import words_for
from core.decide.flips import HIGH_FACTOR, LOW_FACTOR
from core.decide.gates import NOTHING_RIGHT_RULE, is_undecided
from core.decide.outcome import CandidateDecision, Decision, Flip, Message, PolicyDecision, message
from core.domain import Gate, PolicyKind, Role
from core.spec import PLUGIN_PREFIX

RIGHT_ANSWERS = 1000.0
LOG_FROM = 5.0  # the ratio of largest to smallest cost from which an even axis would crowd the cheap ones together
_SOME_MONEY = 1e-6


def quality_cost_chart(decision: Decision) -> ChartSpec:
    """Quality against the cost of 1,000 right answers: one point for each measured and priced candidate.

    An excluded candidate stays, with its reason. The Pareto front is a line, the minimum quality a band.
    """
    points = [point for candidate in decision.candidates if (point := _candidate_point(decision, candidate))]
    front = sorted((point for point in points if point.on_front), key=lambda point: point.x)
    lines = [_pareto(front)] if len(front) > 1 else []
    bands = [] if decision.min_quality is None else [below_minimum(decision.min_quality)]
    metric = next((candidate.quality.metric for candidate in decision.candidates if candidate.quality), "")
    return ChartSpec(
        code="charts.quality_cost",
        kind="scatter",
        title=message("charts.quality_cost.title"),
        x=Axis(message("charts.axis.cost_success"), decision.currency, "money", better="low", log=_is_wide(points)),
        y=quality_axis(metric),
        points=tuple(points),
        lines=tuple(lines),
        bands=tuple(bands),
        corner=Corner(message("charts.corner.most_attractive"), "top_left"),
        empty=None if points else _no_points(decision),
    )


def _no_points(decision: Decision) -> Message:
    """Why no candidate stands in the chart of quality and cost: nothing answered rightly has no cost that is finite."""
    useless = any(gate.rule == NOTHING_RIGHT_RULE for candidate in decision.candidates for gate in candidate.gates)
    return message("charts.empty.nothing_right" if useless else "charts.empty.quality_cost")


def routing_curve_chart(decision: Decision, hybrid: str) -> ChartSpec:
    """Quality as more requests go to the teacher, one curve for each policy of the hybrid, and blind mixing beside it.

    The x axis is money where the share sent changes what is paid, else the share. Raises KeyError for a candidate that
    the study does not have.
    """
    decision.of(hybrid)
    policies = [policy for policy in decision.policies if policy.candidate == hybrid]
    title = message("charts.routing.title", hybrid=hybrid)
    by_money = bool(policies) and all(_costs_more(policy) for policy in policies)
    if by_money:
        x = Axis(message("charts.axis.cost_requests"), decision.currency, "money", better="low")
    else:
        x = Axis(message("charts.axis.strong_share"), "share", "percent", better="low", minimum=0.0, maximum=1.0)
    lines = [_curve(policy, by_money=by_money) for policy in policies]
    points = [_operating_point(policy, by_money=by_money) for policy in policies]
    if policies:
        lines.append(_blind(policies[0], by_money=by_money))
        points += _ends(decision, hybrid, policies[0], by_money=by_money)
    bands = [] if decision.min_quality is None else [below_minimum(decision.min_quality)]
    return ChartSpec(
        code="charts.routing",
        kind="lines",
        title=title,
        x=x,
        y=quality_axis(policies[0].quality.metric if policies else ""),
        points=tuple(points),
        lines=tuple(lines),
        bands=tuple(bands),
        corner=Corner(message("charts.corner.most_attractive"), "top_left"),
        empty=None if policies else message("charts.empty.routing", hybrid=hybrid),
    )


def tornado_chart(decision: Decision) -> ChartSpec:
    """Net benefit a month of the chosen candidate at 80 % and 120 % of each assumption, the widest bar first."""
    chosen = decision.chosen
    benefit = None if chosen is None else chosen.net_benefit
    bars = [] if benefit is None else [bar for flip in decision.flips if (bar := _bar(flip))]
    bars.sort(key=lambda bar: (-abs(bar.high - bar.low), bar.name))
    return ChartSpec(
        code="charts.tornado",
        kind="bars",
        title=message("charts.tornado.title", candidate=decision.candidate)
        if decision.candidate is not None
        else message("charts.tornado.title.unchosen"),
        x=Axis(message("charts.axis.net_benefit"), f"{decision.currency}/month", "money", better="high"),
        y=Axis(message("charts.axis.assumption"), "", "number"),
        bars=tuple(bars),
        bar_origin=0.0 if benefit is None else benefit.value,
        empty=None if bars else message("charts.empty.tornado"),
    )


def excluded_label(candidate: CandidateDecision) -> Message | None:
    """In a few words why a candidate may not be chosen, null where it may."""
    gate = candidate.excluded_by
    if gate is None:
        return message(f"charts.ineligible.{candidate.ineligible.code.split('.')[2]}") if candidate.ineligible else None
    if gate.state == "unknown" and gate.gate is Gate.COMPLIANCE:
        return message("charts.gate.unknown")
    limit = gate.gate.value
    if gate.rule is not None and gate.gate in (Gate.LATENCY, Gate.QUALITY):
        limit = "tokens" if gate.gate is Gate.LATENCY else "nothing_right"
    if gate.state == "unknown":
        return message(f"charts.gate.{limit}.unknown")
    return message(f"charts.gate.{limit}.unsure" if is_undecided(gate) else f"charts.gate.{limit}")


def _candidate_point(decision: Decision, candidate: CandidateDecision) -> Point | None:
    quality, cost = candidate.quality, candidate.cost
    if quality is None or cost is None or cost.per_success is None:
        return None
    per_success = cost.per_success
    ends = [None if end is None else end * RIGHT_ANSWERS for end in (per_success.low, per_success.high)]
    return Point(
        name=candidate.name,
        label=_label(candidate),
        role=candidate.role,
        x=per_success.value * RIGHT_ANSWERS,
        y=quality.value,
        y_low=quality.low,
        y_high=quality.high,
        x_low=ends[0],
        x_high=ends[1],
        excluded=excluded_label(candidate),
        chosen=candidate.name == decision.candidate,
        on_front=candidate.on_front,
    )


def _label(candidate: CandidateDecision) -> Message:
    if candidate.role is Role.HYBRID and candidate.strong_share is not None:
        return message("charts.label.hybrid", candidate=candidate.name, share=candidate.strong_share)
    return message("charts.label.candidate", candidate=candidate.name)


def _pareto(front: Sequence[Point]) -> Line:
    return Line(
        name="pareto",
        label=message("charts.line.pareto"),
        kind="pareto",
        xs=tuple(point.x for point in front),
        ys=tuple(point.y for point in front),
    )


def below_minimum(limit: float) -> Band:
    """The region that the user's minimum quality rules out."""
    return Band(message("charts.band.below_minimum", limit=limit), "y", None, limit)


def quality_axis(metric: str) -> Axis:
    """Quality from 0 to 1 by a metric."""
    return Axis(
        message("charts.axis.quality", metric=metric.removeprefix(PLUGIN_PREFIX)),
        "share",
        "percent",
        better="high",
        minimum=0.0,
        maximum=1.0,
    )


def _is_wide(points: Sequence[Point]) -> bool:
    costs = [point.x for point in points]
    return bool(costs) and min(costs) > 0.0 and max(costs) >= LOG_FROM * min(costs)


def _costs_more(policy: PolicyDecision) -> bool:
    """Whether the share sent to the teacher changes what is paid."""
    money = policy.curve[:, 2]
    return bool(np.isfinite(money).all() and money.max() > money.min() * (1.0 + _SOME_MONEY))


def _xs(policy: PolicyDecision, *, by_money: bool) -> tuple[float, ...]:
    return tuple(float(value) for value in policy.curve[:, 2 if by_money else 0])


def _curve(policy: PolicyDecision, *, by_money: bool) -> Line:
    return Line(
        name=policy.kind.value,
        label=message(f"charts.line.{policy.kind.value}"),
        kind="curve",
        xs=_xs(policy, by_money=by_money),
        ys=tuple(float(value) for value in policy.curve[:, 1]),
        role=Role.HYBRID if policy.kind is PolicyKind.CASCADE else None,
    )


def _operating_point(policy: PolicyDecision, *, by_money: bool) -> Point:
    money = policy.per_million_requests
    return Point(
        name=f"{policy.candidate}.{policy.kind.value}",
        label=message(f"charts.routing.{policy.kind.value}", share=policy.strong_share),
        role=Role.HYBRID,
        x=money if by_money and money is not None else policy.strong_share,
        y=policy.quality.value,
        y_low=policy.quality.low,
        y_high=policy.quality.high,
    )


def _blind(policy: PolicyDecision, *, by_money: bool) -> Line:
    """Sending requests to the teacher at random, without a router: the straight line between the two models."""
    ends = _model_ends(policy, by_money=by_money)
    return Line(
        name="random",
        label=message("charts.line.random"),
        kind="reference",
        xs=ends,
        ys=(policy.student_quality, policy.teacher_quality),
    )


def _model_ends(policy: PolicyDecision, *, by_money: bool) -> tuple[float, float]:
    if not by_money:
        return (0.0, 1.0)
    alone = (policy.student_per_million_requests, policy.teacher_per_million_requests)
    curve = policy.curve[:, 2]
    student, teacher = (
        float(curve[end]) if money is None else money for end, money in zip((0, -1), alone, strict=True)
    )
    return student, teacher


def _ends(decision: Decision, hybrid: str, policy: PolicyDecision, *, by_money: bool) -> list[Point]:
    student_x, teacher_x = _model_ends(policy, by_money=by_money)
    return [
        Point("student", message("charts.line.student"), Role.STUDENT, student_x, policy.student_quality),
        Point("teacher", message("charts.line.teacher"), Role.TEACHER, teacher_x, policy.teacher_quality),
    ]


def _bar(flip: Flip) -> Bar | None:
    if flip.net_benefit_low is None or flip.net_benefit_high is None or flip.net_benefit_low == flip.net_benefit_high:
        return None
    low, high = (message("charts.tornado.end", factor=factor) for factor in (LOW_FACTOR, HIGH_FACTOR))
    return Bar(flip.path, words_for(flip.path), flip.net_benefit_low, flip.net_benefit_high, low, high)
