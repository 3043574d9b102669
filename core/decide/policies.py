"""A hybrid's policies at today's prices: each evaluated, and the best one's operating point as a measured system.

A policy routes by what one model says of one request, so where its models were trained with several seeds, the first
seed's rows are routed, and the hybrid's figures hold no spread between seeds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from core.decide import cost
from core.decide.bills import (
    Bill,
    Paths,
    Pricing,
    Used,
    bill_alone,
    bill_of,
    hybrid_parts,
    money_of,
    paths_of,
    used_of,
)
from core.decide.outcome import PolicyDecision, Quality, message
from core.decide.systems import (
    MILLISECONDS,
    ONE_SEED,
    SharedRows,
    System,
    mixed_rows,
    system_of,
    usage_of_each,
)
from core.decide.token_samples import mixed_latency, mixed_tokens
from core.domain import BoolArray, FloatArray, IntArray, PolicyKind, Verdict
from core.evidence import CandidateEvidence, ScoredRows
from core.jobs.results import PolicyScores, RouteResult
from core.metrics.quality import COUNTED_METRICS
from core.metrics.unseen import unseen_row
from core.routing.curve import RoutedRows, routed_macro_f1
from core.routing.evaluate import CostOfRouting, PolicyEvaluation, evaluate_policy
from core.routing.measure import PolicyMeasure, measure_policy
from core.spec import Candidate

_VERDICTS = (Verdict.RECOMMENDED, Verdict.INCONCLUSIVE, Verdict.NO_LEARNED_ROUTER)


@dataclass(frozen=True, eq=False)
class Part:
    """The teacher or the student of a hybrid: its spec, its evidence and its measured system."""

    candidate: Candidate
    evidence: CandidateEvidence
    system: System


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
    sample = _sample_of(shared)
    monthly = [bill_alone(pricing, sample, part.candidate, part.system).monthly for part in (teacher, student)]
    alone = None if None in monthly else tuple(money.value / pricing.monthly_requests for money in monthly if money)
    policies = []
    for measured in _measured(_Measuring(shared, route, teacher, student)):

        def per_request(masks: Sequence[BoolArray], measured: _MeasuredPolicy = measured) -> FloatArray:
            strong, weak = (teacher.candidate, teacher.system), (student.candidate, student.system)
            parts = hybrid_parts(pricing, strong, weak, measured.used(masks), measured.scores.score_seconds)
            money = money_of(pricing, parts)
            return measured.shares(masks) if money is None else money / pricing.monthly_requests

        found = _evaluate(pricing, measured, per_request, alone)
        system, paths = _operating(measured, found.sent.tobytes())
        policies.append(
            RoutedPolicy(
                decision=_decision(hybrid, found, pricing, alone),
                system=system,
                bill=_bill(pricing, shared, teacher, student, paths, measured.scores.score_seconds),
                sent=_in_test_order(found.sent, measured.order),
            )
        )
    return policies


@dataclass(frozen=True, eq=False)
class _Measuring:
    """One hybrid's policies to be measured; equal to another where the rows are the same by identity (the cache that
    holds this also keeps them alive)."""

    shared: SharedRows
    route: RouteResult
    teacher: Part
    student: Part

    def _key(self) -> tuple[int, ...]:
        return tuple(id(part) for part in (self.shared, self.route, self.teacher.system, self.student.system))

    def __hash__(self) -> int:
        return hash(self._key())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Measuring) and self._key() == other._key()


@dataclass(frozen=True, eq=False)
class _MeasuredPolicy:
    """A policy's measure; `order` is the place of its rows among the shared ones, `curve` what the points of its curve
    take, counted once for all prices."""

    of: _Measuring
    scores: PolicyScores
    measure: PolicyMeasure
    order: IntArray
    curve: Used

    def used(self, masks: Sequence[BoolArray]) -> Used:
        """What the two models take where the rows of each of `masks`, in the measure's order, go to the teacher."""
        return self.curve if masks is self.measure.masks else _used(self.of, self.scores.kind, masks, self.order)

    def shares(self, masks: Sequence[BoolArray]) -> FloatArray:
        """The share of requests that each of `masks` sends to the teacher."""
        return np.array([self.measure.rows.share(mask) for mask in masks])


@lru_cache(maxsize=8)
def _measured(wanted: _Measuring) -> list[_MeasuredPolicy]:
    order = _row_order(wanted.route, wanted.shared)
    found = []
    for scores in wanted.route.policies:
        measure = _measure(wanted, scores, order)
        curve = _used(wanted, scores.kind, measure.masks, order)
        found.append(_MeasuredPolicy(wanted, scores, measure, order, curve))
    return found


def _used(of: _Measuring, kind: PolicyKind, masks: Sequence[BoolArray], order: IntArray) -> Used:
    sample = _sample_of(of.shared)
    paths = [paths_of(_in_test_order(mask, order), kind) for mask in masks]
    return Used(
        teacher=usage_of_each(sample, of.teacher.system, [each.teacher for each in paths]),
        student=usage_of_each(sample, of.student.system, [each.student for each in paths]),
    )


def _measure(wanted: _Measuring, scores: PolicyScores, order: IntArray) -> PolicyMeasure:
    shared, route, teacher, student = wanted.shared, wanted.route, wanted.teacher, wanted.student
    tuning = [_tuning(part.evidence.tuning, route.tuning_example_ids) for part in (teacher, student)]
    return measure_policy(
        scores,
        route,
        teacher_scores=teacher.system.rows.scores[order],
        student_scores=student.system.rows.scores[order],
        groups=[shared.test.groups[row] for row in order.tolist()],
        tuning_teacher_scores=tuning[0],
        tuning_student_scores=tuning[1],
        quality=_counted(shared, teacher.system.rows, student.system.rows, order),
        row_weights=None if shared.test.weights is None else shared.test.weights[order],
        tuning_weights=_tuning_weights(student.evidence.tuning, route.tuning_example_ids),
        resamples=len(shared.weights) - 1,
    )


@lru_cache(maxsize=4)
def _sample_of(shared: SharedRows) -> SharedRows:
    """The held-out rows without their resamples, where a figure alone is asked for."""
    return SharedRows(shared.test, shared.metric, shared.weights[:1])


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
    pricing: Pricing, measured: _MeasuredPolicy, per_request: CostOfRouting, alone: tuple[float, ...] | None
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


def _counted(shared: SharedRows, teacher: ScoredRows, student: ScoredRows, rows: IntArray) -> RoutedRows | None:
    if shared.metric not in COUNTED_METRICS:
        return None
    order = rows.tolist()
    return routed_macro_f1(
        [teacher.outputs[row] for row in order],
        [student.outputs[row] for row in order],
        [shared.test.targets[row] for row in order],
        shared.metric,
        None if shared.test.weights is None else shared.test.weights[rows],
    )


def _tuning(rows: ScoredRows | None, example_ids: tuple[str, ...]) -> FloatArray | None:
    return None if rows is None or not example_ids else rows.scores[_places(rows, example_ids)]


def _tuning_weights(rows: ScoredRows | None, example_ids: tuple[str, ...]) -> FloatArray | None:
    if rows is None or rows.weights is None or not example_ids:
        return None
    return rows.weights[_places(rows, example_ids)]


def _places(rows: ScoredRows, example_ids: tuple[str, ...]) -> list[int]:
    index = {example_id: row for row, example_id in enumerate(rows.example_ids)}
    return [index[example_id] for example_id in example_ids]


def _row_order(route: RouteResult, shared: SharedRows) -> IntArray:
    """For each row of the route result its place among the shared rows. Raises ValueError where they differ."""
    index = _index(shared.test.example_ids)
    if set(route.example_ids) != set(index):
        raise ValueError("the policies were scored on other rows than the held-out ones")
    return np.array([index[example_id] for example_id in route.example_ids], dtype=np.int64)


@lru_cache(maxsize=4)
def _index(example_ids: tuple[str, ...]) -> dict[str, int]:
    return {example_id: row for row, example_id in enumerate(example_ids)}


def _in_test_order(sent: BoolArray, rows: IntArray) -> BoolArray:
    placed = np.zeros(len(rows), dtype=np.bool_)
    placed[rows] = sent
    return placed


@lru_cache(maxsize=512)
def _operating(measured: _MeasuredPolicy, sent: bytes) -> tuple[System, Paths]:
    """The hybrid that sends those rows, and who answers what; prices that send the same rows share it. `sent` holds the
    bytes of the mask in the measure's order."""
    mask = np.frombuffer(sent, dtype=np.bool_)
    teacher, student, scores = measured.of.teacher.system, measured.of.student.system, measured.scores
    latency = None
    effective = None
    cascade = scores.kind is PolicyKind.CASCADE
    score_ms = scores.score_seconds * MILLISECONDS
    share = measured.measure.rows.share(mask)
    if teacher.latency_ms is not None and student.latency_ms is not None:
        latency = mixed_latency(teacher.latency_ms, student.latency_ms, share, score_ms, cascade=cascade)
        effective = min(len(teacher.latency_ms), len(student.latency_ms))
    placed = _in_test_order(mask, measured.order)
    rows = mixed_rows(teacher.rows, student.rows, placed)
    shared = measured.of.shared
    outcomes = unseen_row(len(shared.weights) - 1).routed(teacher.outcomes, student.outcomes, share)
    system = system_of(
        shared, (rows,), ONE_SEED, outcomes, latency, "mixture", None, effective_latency_samples=effective
    )
    tokens = mixed_tokens(teacher.tokens, student.tokens, latency, share, score_ms, cascade=cascade)
    return replace(system, tokens=tokens), paths_of(placed, scores.kind)


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
