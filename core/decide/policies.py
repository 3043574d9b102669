"""A hybrid's policies at today's prices: each evaluated, and the best one's operating point as a measured system.

A policy routes by what one model says of one request, so where its models were trained with several seeds, the first
seed's rows are routed, and the hybrid's figures hold no spread between seeds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from core.decide import cost
from core.decide.bills import Bill, Paths, Pricing, bill_alone, bill_of, hybrid_parts, money_of, used_of
from core.decide.measured_policies import (
    MeasuredPolicy,
    Measuring,
    Part,
    in_test_order,
    measured_policies,
    operating_point,
    sample_of,
)
from core.decide.outcome import PolicyDecision, Quality, message
from core.decide.systems import SharedRows, System
from core.domain import BoolArray, FloatArray, Verdict
from core.jobs.results import RouteResult
from core.routing.evaluate import CostOfRouting, PolicyEvaluation, evaluate_policy

_VERDICTS = (Verdict.RECOMMENDED, Verdict.INCONCLUSIVE, Verdict.NO_LEARNED_ROUTER)


@dataclass(frozen=True, eq=False)
class RoutedPolicy:
    """One policy: its row for the documents, and its operating point as a system with its bill. `sent` tells of each
    test row, in their order, whether it goes to the teacher."""

    decision: PolicyDecision
    system: System
    bill: Bill
    sent: BoolArray


def evaluate_policies(
    pricing: Pricing, shared: SharedRows, hybrid: str, route: RouteResult, teacher: Part, student: Part
) -> list[RoutedPolicy]:
    """Each fitted policy of one hybrid, in the order in which they were fitted."""
    sample = sample_of(shared)
    monthly = [bill_alone(pricing, sample, part.candidate, part.system).monthly for part in (teacher, student)]
    alone = None if None in monthly else tuple(money.value / pricing.monthly_requests for money in monthly if money)
    policies = []
    for measured in measured_policies(Measuring(shared, route, teacher, student)):

        def per_request(masks: Sequence[BoolArray], measured: MeasuredPolicy = measured) -> FloatArray:
            strong, weak = (teacher.candidate, teacher.system), (student.candidate, student.system)
            parts = hybrid_parts(pricing, strong, weak, measured.used(masks), measured.scores.score_seconds)
            money = money_of(pricing, parts)
            return measured.shares(masks) if money is None else money / pricing.monthly_requests

        found = _evaluate(pricing, measured, per_request, alone)
        system, paths = operating_point(measured, found.sent.tobytes())
        policies.append(
            RoutedPolicy(
                decision=_decision(hybrid, found, pricing, alone),
                system=system,
                bill=_bill(pricing, shared, teacher, student, paths, measured.scores.score_seconds),
                sent=in_test_order(found.sent, measured.order),
            )
        )
    return policies


def _bill(
    pricing: Pricing, shared: SharedRows, teacher: Part, student: Part, paths: Paths, score_seconds: float
) -> Bill:
    strong, weak = (teacher.candidate, teacher.system), (student.candidate, student.system)
    used = used_of(shared, teacher.system, student.system, paths)
    return bill_of(pricing, shared, hybrid_parts(pricing, strong, weak, used, score_seconds))


def best_policy(policies: Sequence[RoutedPolicy], value: float | None, requests: float) -> RoutedPolicy | None:
    """The policy whose operating point stands for the hybrid: the better verdict first, then the greater net benefit
    (without a value of a right answer the cheaper one), then the higher quality."""

    def rank(policy: RoutedPolicy) -> tuple[float, float, float, str]:
        monthly = policy.bill.monthly
        money = 0.0 if monthly is None else monthly.value
        benefit = (value or 0.0) * policy.system.success.value * requests - money
        verdict = _VERDICTS.index(policy.decision.verdict)
        return (float(verdict), -benefit, -policy.system.quality.value, policy.decision.kind.value)

    return min(policies, key=rank) if policies else None


def _evaluate(
    pricing: Pricing, measured: MeasuredPolicy, per_request: CostOfRouting, alone: tuple[float, ...] | None
) -> PolicyEvaluation:
    criteria = pricing.study.criteria
    # Without money on both sides nothing can be said in money: shares stand in, and no verdict is drawn from them.
    teacher_money, student_money = (1.0, 0.0) if alone is None else alone
    return evaluate_policy(
        measured.measure,
        cost_of=per_request,
        teacher_money=teacher_money,
        student_money=student_money,
        value_per_success=None if alone is None else criteria.cost.value_per_success,
        quality_margin=criteria.service.quality_margin,
    )


def _decision(
    hybrid: str, found: PolicyEvaluation, pricing: Pricing, alone: tuple[float, ...] | None
) -> PolicyDecision:
    curve = np.array(found.curve, dtype=np.float64)
    curve[:, 2] *= cost.MILLION
    if alone is None:
        curve[:, 2] = np.nan
    baselines = found.baselines
    metric = pricing.study.task.metric
    quality = found.quality
    decision = PolicyDecision(
        candidate=hybrid,
        kind=found.kind,
        apgr=found.apgr,
        apgr_low=found.apgr_low,
        apgr_high=found.apgr_high,
        cpt50=found.cpt50,
        cpt80=found.cpt80,
        threshold=found.threshold,
        strong_share=found.strong_share,
        quality=Quality(metric, quality.value, quality.low, quality.high, quality.n, interval=quality.method),
        per_million_requests=found.money_per_request * cost.MILLION,
        curve=curve,
        baseline_random=baselines.random,
        baseline_length=baselines.length,
        baseline_hull=baselines.hull,
        baseline_oracle=baselines.oracle,
        teacher_quality=baselines.teacher,
        student_quality=baselines.student,
        verdict=found.verdict,
        reason=message(found.reason_code, **found.reason_values),
    )
    if alone is not None:
        teacher, student = (money * cost.MILLION for money in alone)
        return replace(decision, teacher_per_million_requests=teacher, student_per_million_requests=student)
    unknown = message("decide.policy.unpriced", candidate=hybrid)
    return replace(decision, per_million_requests=None, verdict=Verdict.INCONCLUSIVE, reason=unknown)
