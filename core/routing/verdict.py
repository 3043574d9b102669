"""The verdict on a policy: recommended, no learned router, or inconclusive with about how many more examples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.domain import FloatArray, Verdict
from core.i18n import Value
from core.metrics.detectable import examples_needed
from core.routing.curve import SAME_QUALITY, Curve, average_gap_recovered

MINIMUM_GROUPS = 30
"""Below about thirty independent units a percentile bootstrap interval is too narrow to rest a recommendation on."""
_WORTH_NAMING = 1_000_000  # more examples than this are no plan


@dataclass(frozen=True)
class RecoveredGap:
    """APGR with its 95 % interval: null where the teacher is not better, the bounds null where that is left open.

    `standard_error` is the bootstrap's, null with the bounds.
    """

    value: float | None
    low: float | None
    high: float | None
    standard_error: float | None


@dataclass(frozen=True)
class Comparison:
    """What a verdict rests on. Money is per request of each model alone; `random` and `hull` are APGR; `gap_deviation`
    is the standard deviation of one group's contribution to the quality gap; `groups` counts independent units."""

    apgr: RecoveredGap
    random: float | None
    hull: float | None
    teacher_quality: float
    student_quality: float
    teacher_money: float
    student_money: float
    gap_deviation: float
    groups: int
    rows: int


@dataclass(frozen=True)
class Judgement:
    """A verdict with its reason, a message of the catalogues (`routing.verdict.…`)."""

    verdict: Verdict
    code: str
    values: dict[str, Value]


def recovered_gap(plain: Curve, resampled: Curve) -> RecoveredGap:
    """APGR of the plain curve, shape (steps,), with its interval from the resampled ones, (resamples, steps).

    A resample in which the teacher is not better has no APGR; it counts as lying beyond both bounds, so that a gap
    which might not exist gives an open interval instead of a lucky one.
    """
    if plain.qualities[-1] - plain.qualities[0] <= SAME_QUALITY:
        return RecoveredGap(None, None, None, None)
    value = float(average_gap_recovered(plain))
    defined = resampled.qualities[:, -1] - resampled.qualities[:, 0] > SAME_QUALITY
    draws = average_gap_recovered(resampled)
    low = float(np.quantile(np.where(defined, draws, -np.inf), 0.025, method="lower"))
    high = float(np.quantile(np.where(defined, draws, np.inf), 0.975, method="higher"))
    if not (np.isfinite(low) and np.isfinite(high)):
        return RecoveredGap(value, None, None, None)
    # From the interval's width: the ratio has tails too heavy for a standard deviation.
    return RecoveredGap(value, min(low, value), max(high, value), (high - low) / (2 * 1.96))


def gap_deviation(resampled: Curve, groups: int) -> float:
    """The standard deviation of one independent unit's contribution to the quality gap, from the bootstrap."""
    gaps: FloatArray = resampled.qualities[:, -1] - resampled.qualities[:, 0]
    return float(gaps.std() * np.sqrt(groups))


def judge(comparison: Comparison) -> Judgement:
    """The verdict. A policy is recommended only where its interval lies above random and above the hull."""
    dominated = _one_model_wins(comparison)
    if dominated is not None:
        return dominated
    apgr = comparison.apgr
    if apgr.value is None or comparison.random is None or comparison.hull is None:
        return Judgement(Verdict.INCONCLUSIVE, "routing.verdict.student_better", _qualities(comparison))
    if comparison.groups < MINIMUM_GROUPS:
        missing = MINIMUM_GROUPS - comparison.groups
        few: dict[str, Value] = {"groups": comparison.groups, "more": missing}
        return Judgement(Verdict.INCONCLUSIVE, "routing.verdict.too_few_rows", few)
    if apgr.low is None or apgr.high is None or apgr.standard_error is None:
        gap = comparison.teacher_quality - comparison.student_quality
        more = _more_examples(gap, comparison.gap_deviation, comparison)
        return _inconclusive("routing.verdict.gap_open", more, _qualities(comparison))
    rival = max(comparison.random, comparison.hull)
    values: dict[str, Value] = {
        "apgr": apgr.value, "low": apgr.low, "high": apgr.high, "random": comparison.random, "hull": comparison.hull,
    }  # fmt: skip
    if apgr.low > rival:
        return Judgement(Verdict.RECOMMENDED, "routing.verdict.above_baselines", values)
    if apgr.high <= rival:
        return Judgement(Verdict.NO_LEARNED_ROUTER, "routing.verdict.below_baselines", values)
    deviation = apgr.standard_error * float(np.sqrt(comparison.groups))
    return _inconclusive(
        "routing.verdict.overlaps_baselines", _more_examples(apgr.value - rival, deviation, comparison), values
    )


def _one_model_wins(comparison: Comparison) -> Judgement | None:
    """The verdict where one model is cheaper and no worse, so that nothing is left to route."""
    values = _qualities(comparison)
    gap = comparison.teacher_quality - comparison.student_quality
    if abs(gap) <= SAME_QUALITY:
        return Judgement(Verdict.NO_LEARNED_ROUTER, "routing.verdict.no_difference", values)
    if gap < 0 and comparison.student_money <= comparison.teacher_money:
        return Judgement(Verdict.NO_LEARNED_ROUTER, "routing.verdict.student_wins", values)
    if gap > 0 and comparison.teacher_money <= comparison.student_money:
        return Judgement(Verdict.NO_LEARNED_ROUTER, "routing.verdict.teacher_wins", values)
    return None


def _qualities(comparison: Comparison) -> dict[str, Value]:
    return {"teacher": comparison.teacher_quality, "student": comparison.student_quality, "rows": comparison.rows}


def _more_examples(difference: float, deviation: float, comparison: Comparison) -> int | None:
    """About how many more rows would separate the difference from 0, to two digits; null where no plan would do."""
    needed = examples_needed(difference, deviation)
    if needed is None:
        return None
    more = max(1.0, (needed - comparison.groups) * comparison.rows / comparison.groups)
    return None if more > _WORTH_NAMING else int(float(f"{more:.2g}"))


def _inconclusive(code: str, more: int | None, values: dict[str, Value]) -> Judgement:
    if more is None:
        return Judgement(Verdict.INCONCLUSIVE, f"{code}_for_good", values)
    return Judgement(Verdict.INCONCLUSIVE, code, {**values, "more": more})
