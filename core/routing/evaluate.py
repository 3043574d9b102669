"""What a policy is worth: its curve, its operating point, the baselines beside it, and a verdict.

Everything follows from the out-of-sample scores of a route job and from prices, so a study is judged again under new
prices without running a model.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from core.domain import BoolArray, FloatArray, PolicyKind, Verdict
from core.i18n import Value
from core.jobs.results import PolicyScores, RouteResult
from core.metrics.bootstrap import resample_weights
from core.metrics.quality import QualityEstimate, estimate_quality
from core.routing.curve import (
    CURVE_STEPS,
    SAME_QUALITY,
    RoutedRows,
    average_gap_recovered,
    call_performance_threshold,
    curve_of,
    hull_average_gap_recovered,
    mask_of_share,
    ranking_of,
    resampled_curves,
    routed_means,
)
from core.routing.operating_point import Aim, MoneyOfShare, sent_by_fold, tuned_cut
from core.routing.verdict import Comparison, gap_deviation, judge, recovered_gap

CurvePoint = tuple[float, float, float]
CostOfRouting = Callable[[BoolArray], float]
"""Which test rows are sent to the teacher, shape (rows,), to mean money per request, the policy's own cost included."""


@dataclass(frozen=True)
class Baselines:
    """What stands beside a policy: APGR of four rules (null where teacher and student do not differ), two qualities.

    `random` sends rows blindly; `length` the longest inputs first; `hull` mixes the two models blindly for the same
    money; `oracle` knows who is right.
    """

    random: float | None
    length: float | None
    hull: float | None
    oracle: float | None
    teacher: float
    student: float


@dataclass(frozen=True, eq=False)
class PolicyEvaluation:
    """One policy on the test rows.

    `sent`, shape (rows,), is its operating point: which rows go to the teacher, each by a threshold tuned on other
    rows; `strong_share`, `quality` and `money_per_request` are of that. `threshold` is the one to serve with, tuned on
    all of them: a request goes to the teacher where its priority is at least that. `curve` holds (strong share,
    quality, money per request). `apgr` is null where the teacher is not better than the student, its bounds also where
    the resamples leave open whether it is.
    """

    kind: PolicyKind
    apgr: float | None
    apgr_low: float | None
    apgr_high: float | None
    cpt50: float | None
    cpt80: float | None
    threshold: float
    strong_share: float
    sent: BoolArray
    quality: QualityEstimate
    money_per_request: float
    curve: tuple[CurvePoint, ...]
    baselines: Baselines
    verdict: Verdict
    reason_code: str
    reason_values: dict[str, Value]


def evaluate_policy(
    scores: PolicyScores,
    route: RouteResult,
    *,
    teacher_scores: FloatArray,
    student_scores: FloatArray,
    groups: Sequence[str],
    cost_of: CostOfRouting,
    teacher_money: float,
    student_money: float,
    value_per_success: float | None,
    quality_margin: float,
    tuning_teacher_scores: FloatArray | None = None,
    tuning_student_scores: FloatArray | None = None,
    tuning_groups: Sequence[str] | None = None,
    quality: RoutedRows | None = None,
    tuning_quality: RoutedRows | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> PolicyEvaluation:
    """The evaluation of one policy. All arrays follow `route.example_ids`, the tuning ones `route.tuning_example_ids`.

    `teacher_money` and `student_money`: money per request of serving everything by that model alone, without a router
    or a cascade. `quality` and `tuning_quality` (`core.routing.curve.routed_macro_f1`) replace the means of the scores
    under a metric that is no mean. `tuning_groups` null means that tuning rows are independent. The tuning rows are
    needed where `route.folds` is 0. Raises ValueError where shapes do not fit each other.
    """
    priority = np.asarray(scores.priority, dtype=np.float64)
    if not len(priority) == len(teacher_scores) == len(student_scores) == len(groups) == len(route.example_ids):
        raise ValueError("scores, groups and example ids must be aligned row by row")
    rows = routed_means(teacher_scores, student_scores) if quality is None else quality
    if tuning_quality is None and tuning_teacher_scores is not None and tuning_student_scores is not None:
        tuning_quality = routed_means(tuning_teacher_scores, tuning_student_scores)
    weights = resample_weights(groups, resamples, seed)
    points = _points(rows, priority, cost_of, seed)
    aim = Aim(_money_of_share(points), value_per_success, quality_margin)
    if route.folds > 0:
        cut = tuned_cut(rows, priority, weights, aim)
        sent = sent_by_fold(rows, priority, np.asarray(scores.fold, dtype=np.int64), weights, aim)
    else:
        units = route.tuning_example_ids if tuning_groups is None else tuning_groups
        cut = _cut_of_tuning_rows(scores, tuning_quality, resample_weights(units, resamples, seed), aim)
        sent = priority >= cut
    baselines = _baselines(
        rows,
        length_priority=np.asarray(route.length_priority, dtype=np.float64),
        oracle_priority=teacher_scores - student_scores,
        hull=_hull(points, teacher_money, student_money),
    )
    ranking = ranking_of(priority)
    curve = curve_of(rows, ranking)
    resampled = resampled_curves(rows, ranking.thinned(), weights)
    independent = len(set(groups))
    apgr = recovered_gap(curve, resampled)
    judgement = judge(
        Comparison(
            apgr=apgr,
            random=baselines.random,
            hull=baselines.hull,
            teacher_quality=baselines.teacher,
            student_quality=baselines.student,
            teacher_money=teacher_money,
            student_money=student_money,
            gap_deviation=gap_deviation(resampled, independent),
            groups=independent,
            rows=len(groups),
        )
    )
    return PolicyEvaluation(
        kind=scores.kind,
        apgr=apgr.value,
        apgr_low=apgr.low,
        apgr_high=apgr.high,
        cpt50=None if apgr.value is None else call_performance_threshold(curve, 0.5),
        cpt80=None if apgr.value is None else call_performance_threshold(curve, 0.8),
        threshold=_finite_threshold(cut, priority),
        strong_share=float(sent.mean()),
        sent=sent,
        quality=estimate_quality(rows.sent(sent), groups, weights),
        money_per_request=float(cost_of(sent)),
        curve=points,
        baselines=baselines,
        verdict=judgement.verdict,
        reason_code=judgement.code,
        reason_values=judgement.values,
    )


def _points(rows: RoutedRows, priority: FloatArray, cost_of: CostOfRouting, seed: int) -> tuple[CurvePoint, ...]:
    """The curve as drawn: about fifty even strong shares, with the quality and the money of the very rows sent."""
    counts = np.unique(np.rint(np.linspace(0, len(priority), CURVE_STEPS + 1)).astype(np.int64))
    points = []
    for share in (counts / len(priority)).tolist():
        mask = mask_of_share(priority, share, seed)
        points.append((share, float(rows.sent(mask).value()), float(cost_of(mask))))
    return tuple(points)


def _money_of_share(points: Sequence[CurvePoint]) -> MoneyOfShare:
    """Money per request between the points of the curve. It serves the tuning rows too, whose own cost nobody asks."""
    shares, _, money = (np.array(part) for part in zip(*points, strict=True))

    def money_of_share(share: FloatArray) -> FloatArray:
        return np.asarray(np.interp(share, shares, money), dtype=np.float64)

    return money_of_share


def _hull(points: Sequence[CurvePoint], teacher_money: float, student_money: float) -> float:
    shares, _, money = (np.array(part) for part in zip(*points, strict=True))
    return hull_average_gap_recovered(shares, money, teacher_money=teacher_money, student_money=student_money)


def _cut_of_tuning_rows(scores: PolicyScores, rows: RoutedRows | None, weights: FloatArray, aim: Aim) -> float:
    priority = np.asarray(scores.tuning_priority, dtype=np.float64)
    if rows is None or not len(rows.teacher) == len(priority) == weights.shape[1]:
        raise ValueError("a policy fitted on other splits is tuned on their rows: their scores are needed, aligned")
    return tuned_cut(rows, priority, weights, aim)


def _baselines(rows: RoutedRows, *, length_priority: FloatArray, oracle_priority: FloatArray, hull: float) -> Baselines:
    blind = curve_of(rows, ranking_of(np.zeros(len(oracle_priority))))
    student, teacher = (float(end) for end in blind.qualities[[0, -1]])
    if teacher - student <= SAME_QUALITY:
        return Baselines(None, None, None, None, teacher, student)
    length, oracle = (curve_of(rows, ranking_of(priority)) for priority in (length_priority, oracle_priority))
    return Baselines(
        random=float(average_gap_recovered(blind)),
        length=float(average_gap_recovered(length)),
        hull=hull,
        oracle=float(average_gap_recovered(oracle)),
        teacher=teacher,
        student=student,
    )


def _finite_threshold(cut: float, priority: FloatArray) -> float:
    """The cut as a number that JSON can hold: where none or all go, one beyond every priority (they lie in -1 … 1)."""
    if np.isposinf(cut):
        return max(1.0, float(priority.max())) + 1.0
    if np.isneginf(cut):
        return min(-1.0, float(priority.min())) - 1.0
    return cut
