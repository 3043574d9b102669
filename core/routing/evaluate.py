"""What a policy is worth: its curve, its operating point, the baselines beside it, and a verdict.

Everything follows from the out-of-sample scores of a route job and from prices, so a study is judged again under new
prices without running a model.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from core.domain import BoolArray, FloatArray, PolicyKind, Verdict
from core.i18n import Value
from core.metrics.quality import QualityEstimate, estimate_quality
from core.routing.curve import hull_average_gap_recovered
from core.routing.measure import PolicyMeasure
from core.routing.operating_point import Aim, MoneyOfShare, sent_by_fold
from core.routing.verdict import Comparison, judge

CurvePoint = tuple[float, float, float]
CostOfRouting = Callable[[Sequence[BoolArray]], FloatArray]
"""Masks that say which test rows are sent to the teacher, each of shape (rows,), to the mean money per request of each,
shape (masks,), the policy's own cost included."""


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
    measure: PolicyMeasure,
    *,
    cost_of: CostOfRouting,
    teacher_money: float,
    student_money: float,
    value_per_success: float | None,
    quality_margin: float,
) -> PolicyEvaluation:
    """The evaluation of one policy at these prices.

    `teacher_money` and `student_money`: money per request of serving everything by that model alone, without a router
    or a cascade.
    """
    money = cost_of(measure.masks)
    aim = Aim(_money_of_share(measure.shares, money), value_per_success, quality_margin)
    cut = measure.cuts.best(aim)
    folds = measure.fold_cuts
    sent = sent_by_fold(folds, measure.priority, aim) if folds else measure.priority >= cut
    baselines = _baselines(measure, money, teacher_money, student_money)
    judgement = judge(
        Comparison(
            apgr=measure.apgr,
            random=baselines.random,
            hull=baselines.hull,
            teacher_quality=baselines.teacher,
            student_quality=baselines.student,
            teacher_money=teacher_money,
            student_money=student_money,
            gap_deviation=measure.gap_deviation,
            groups=measure.independent,
            rows=len(measure.groups),
        )
    )
    apgr = measure.apgr
    return PolicyEvaluation(
        kind=measure.kind,
        apgr=apgr.value,
        apgr_low=apgr.low,
        apgr_high=apgr.high,
        cpt50=measure.cpt50,
        cpt80=measure.cpt80,
        threshold=_finite_threshold(cut, measure.priority),
        strong_share=measure.rows.share(sent),
        sent=sent,
        quality=_quality(measure, sent.tobytes()),
        money_per_request=float(cost_of([sent])[0]),
        curve=tuple(zip(measure.shares.tolist(), measure.qualities.tolist(), money.tolist(), strict=True)),
        baselines=baselines,
        verdict=judgement.verdict,
        reason_code=judgement.code,
        reason_values=judgement.values,
    )


@lru_cache(maxsize=512)
def _quality(measure: PolicyMeasure, sent: bytes) -> QualityEstimate:
    """The quality of the mixture; prices that send the same rows share it. `sent` holds the mask's bytes."""
    mask = np.frombuffer(sent, dtype=np.bool_)
    return estimate_quality(measure.rows.sent(mask), measure.groups, measure.weights)


def _money_of_share(shares: FloatArray, money: FloatArray) -> MoneyOfShare:
    """Money per request between the points of the curve. It serves the tuning rows too, whose own cost nobody asks."""

    def money_of_share(share: FloatArray) -> FloatArray:
        return np.asarray(np.interp(share, shares, money), dtype=np.float64)

    return money_of_share


def _baselines(measure: PolicyMeasure, money: FloatArray, teacher_money: float, student_money: float) -> Baselines:
    blind = measure.baselines
    hull = None
    if blind.random is not None:
        hull = hull_average_gap_recovered(
            measure.shares, money, teacher_money=teacher_money, student_money=student_money
        )
    return Baselines(blind.random, blind.length, hull, blind.oracle, blind.teacher, blind.student)


def _finite_threshold(cut: float, priority: FloatArray) -> float:
    """The cut as a number that JSON can hold: where none or all go, one beyond every priority (they lie in -1 … 1)."""
    if np.isposinf(cut):
        return max(1.0, float(priority.max())) + 1.0
    if np.isneginf(cut):
        return min(-1.0, float(priority.min())) - 1.0
    return cut
