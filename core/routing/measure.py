"""What of a policy does not depend on prices: its curve, its baselines, their resamples, and where it may be cut.

It takes most of the time of an evaluation, and a study is judged again under many prices: it is made once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.domain import BoolArray, FloatArray, PolicyKind
from core.jobs.results import PolicyScores, RouteResult
from core.metrics.bootstrap import resample_weights
from core.routing.curve import (
    CURVE_STEPS,
    SAME_QUALITY,
    RoutedRows,
    average_gap_recovered,
    call_performance_threshold,
    curve_of,
    masks_of_shares,
    ranking_of,
    resampled_curves,
    routed_means,
)
from core.routing.operating_point import Cuts, FoldCuts, cuts_by_fold, cuts_of
from core.routing.verdict import RecoveredGap, gap_deviation, recovered_gap


@dataclass(frozen=True)
class BlindBaselines:
    """APGR of three rules that know no prices (null where teacher and student do not differ), and both qualities."""

    random: float | None
    length: float | None
    oracle: float | None
    teacher: float
    student: float


@dataclass(frozen=True, eq=False)
class PolicyMeasure:
    """One policy on the test rows, before money. `masks`, about fifty of shape (rows,), send even `shares` of the rows;
    `qualities` are those of the mixtures. Thresholds are chosen among `cuts`, and for the rows of each fold among
    those of the other folds (`fold_cuts`, empty where tuning rows of their own were scored)."""

    kind: PolicyKind
    rows: RoutedRows
    groups: Sequence[str]
    weights: FloatArray
    priority: FloatArray
    shares: FloatArray
    masks: tuple[BoolArray, ...]
    qualities: FloatArray
    cuts: Cuts
    fold_cuts: tuple[FoldCuts, ...]
    apgr: RecoveredGap
    cpt50: float | None
    cpt80: float | None
    baselines: BlindBaselines
    gap_deviation: float
    independent: int


def measure_policy(
    scores: PolicyScores,
    route: RouteResult,
    *,
    teacher_scores: FloatArray,
    student_scores: FloatArray,
    groups: Sequence[str],
    tuning_teacher_scores: FloatArray | None = None,
    tuning_student_scores: FloatArray | None = None,
    tuning_groups: Sequence[str] | None = None,
    quality: RoutedRows | None = None,
    tuning_quality: RoutedRows | None = None,
    row_weights: FloatArray | None = None,
    tuning_weights: FloatArray | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> PolicyMeasure:
    """The measure of one policy. All arrays follow `route.example_ids`, the tuning ones `route.tuning_example_ids`.

    `quality` and `tuning_quality` (`core.routing.curve.routed_macro_f1`) replace the means of the scores under a metric
    that is no mean. `tuning_groups` null means that tuning rows are independent. The tuning rows are needed where
    `route.folds` is 0. `row_weights` and `tuning_weights` say how much rows count, null means alike. Raises ValueError
    where shapes do not fit each other.
    """
    priority = np.asarray(scores.priority, dtype=np.float64)
    if not len(priority) == len(teacher_scores) == len(student_scores) == len(groups) == len(route.example_ids):
        raise ValueError("scores, groups and example ids must be aligned row by row")
    rows = routed_means(teacher_scores, student_scores, row_weights) if quality is None else quality
    weights = resample_weights(groups, resamples, seed)
    if route.folds > 0:
        cuts = cuts_of(rows, priority, weights)
        fold_cuts = cuts_by_fold(rows, priority, np.asarray(scores.fold, dtype=np.int64), weights)
    else:
        if tuning_quality is None and tuning_teacher_scores is not None and tuning_student_scores is not None:
            tuning_quality = routed_means(tuning_teacher_scores, tuning_student_scores, tuning_weights)
        units = route.tuning_example_ids if tuning_groups is None else tuning_groups
        cuts = _cuts_of_tuning_rows(scores, tuning_quality, resample_weights(units, resamples, seed))
        fold_cuts = ()
    return _measured(scores, route, rows, groups, weights, cuts, fold_cuts, teacher_scores - student_scores, seed)


def _measured(
    scores: PolicyScores,
    route: RouteResult,
    rows: RoutedRows,
    groups: Sequence[str],
    weights: FloatArray,
    cuts: Cuts,
    fold_cuts: tuple[FoldCuts, ...],
    gain: FloatArray,
    seed: int,
) -> PolicyMeasure:
    priority = np.asarray(scores.priority, dtype=np.float64)
    counts = np.unique(np.rint(np.linspace(0, len(priority), CURVE_STEPS + 1)).astype(np.int64))
    masks = masks_of_shares(priority, (counts / len(priority)).tolist(), seed)
    shares = np.array([rows.share(mask) for mask in masks])
    ranking = ranking_of(priority)
    curve = curve_of(rows, ranking)
    resampled = resampled_curves(rows, ranking.thinned(), weights)
    apgr = recovered_gap(curve, resampled)
    independent = len(set(groups))
    return PolicyMeasure(
        kind=scores.kind,
        rows=rows,
        groups=groups,
        weights=weights,
        priority=priority,
        shares=shares,
        masks=masks,
        qualities=np.array([float(rows.sent(mask).value()) for mask in masks]),
        cuts=cuts,
        fold_cuts=fold_cuts,
        apgr=apgr,
        cpt50=None if apgr.value is None else call_performance_threshold(curve, 0.5),
        cpt80=None if apgr.value is None else call_performance_threshold(curve, 0.8),
        baselines=_baselines(
            rows,
            length_priority=np.asarray(route.length_priority, dtype=np.float64),
            oracle_priority=gain,
        ),
        gap_deviation=gap_deviation(resampled, independent),
        independent=independent,
    )


def _cuts_of_tuning_rows(scores: PolicyScores, rows: RoutedRows | None, weights: FloatArray) -> Cuts:
    priority = np.asarray(scores.tuning_priority, dtype=np.float64)
    if rows is None or not len(rows.teacher) == len(priority) == weights.shape[1]:
        raise ValueError("a policy fitted on other splits is tuned on their rows: their scores are needed, aligned")
    return cuts_of(rows, priority, weights)


def _baselines(rows: RoutedRows, *, length_priority: FloatArray, oracle_priority: FloatArray) -> BlindBaselines:
    blind = curve_of(rows, ranking_of(np.zeros(len(oracle_priority))))
    student, teacher = (float(end) for end in blind.qualities[[0, -1]])
    if teacher - student <= SAME_QUALITY:
        return BlindBaselines(None, None, None, teacher, student)
    length, oracle = (curve_of(rows, ranking_of(priority)) for priority in (length_priority, oracle_priority))
    return BlindBaselines(
        random=float(average_gap_recovered(blind)),
        length=float(average_gap_recovered(length)),
        oracle=float(average_gap_recovered(oracle)),
        teacher=teacher,
        student=student,
    )
