from dataclasses import replace

import numpy as np
import pytest

from core.domain import Verdict
from core.i18n import LANGUAGES, translate
from core.routing.curve import Curve
from core.routing.verdict import Comparison, RecoveredGap, judge, recovered_gap

PLAIN = Comparison(
    apgr=RecoveredGap(0.63, 0.59, 0.67, 0.02),
    random=0.5,
    hull=0.52,
    teacher_quality=0.86,
    student_quality=0.64,
    teacher_money=10.0,
    student_money=1.0,
    gap_deviation=0.5,
    groups=1000,
    rows=1000,
)


def _with_apgr(value: float, low: float, high: float) -> Comparison:
    return replace(PLAIN, apgr=RecoveredGap(value, low, high, (high - low) / 3.92))


@pytest.mark.parametrize(
    ("comparison", "verdict", "code"),
    [
        (PLAIN, Verdict.RECOMMENDED, "above_baselines"),
        (_with_apgr(0.55, 0.51, 0.59), Verdict.INCONCLUSIVE, "overlaps_baselines"),
        (replace(PLAIN, hull=0.60), Verdict.INCONCLUSIVE, "overlaps_baselines"),
        (replace(PLAIN, hull=0.63), Verdict.INCONCLUSIVE, "overlaps_baselines_for_good"),
        (replace(PLAIN, hull=0.80), Verdict.NO_LEARNED_ROUTER, "below_baselines"),
        (replace(PLAIN, teacher_money=1.0), Verdict.NO_LEARNED_ROUTER, "teacher_wins"),
        (replace(PLAIN, student_quality=0.86), Verdict.NO_LEARNED_ROUTER, "no_difference"),
        (replace(PLAIN, student_quality=0.90), Verdict.NO_LEARNED_ROUTER, "student_wins"),
        (
            replace(PLAIN, student_quality=0.90, student_money=11.0, apgr=RecoveredGap(None, None, None, None)),
            Verdict.INCONCLUSIVE,
            "student_better",
        ),
        (replace(PLAIN, apgr=RecoveredGap(0.9, None, None, None)), Verdict.INCONCLUSIVE, "gap_open"),
        (replace(PLAIN, groups=12), Verdict.INCONCLUSIVE, "too_few_rows"),
    ],
)
def test_verdict_and_its_reason(comparison: Comparison, verdict: Verdict, code: str) -> None:
    judgement = judge(comparison)
    assert (judgement.verdict, judgement.code) == (verdict, f"routing.verdict.{code}")
    for language in LANGUAGES:
        assert "{" not in translate(language, judgement.code, **judgement.values)


def test_needed_examples_grow_as_the_difference_shrinks() -> None:
    near, nearer = (judge(_with_apgr(value, 0.45, 0.65)).values["more"] for value in (0.56, 0.53))
    assert isinstance(near, int)
    assert isinstance(nearer, int)
    assert 0 < near < nearer


def test_apgr_interval_is_open_where_resamples_doubt_the_gap() -> None:
    plain = Curve(np.array([0.0, 1.0]), np.array([0.5, 0.52]))
    ends = np.linspace(0.48, 0.56, 200)
    doubtful = Curve(np.tile([0.0, 1.0], (200, 1)), np.column_stack([np.full(200, 0.5), ends]))
    assert recovered_gap(plain, doubtful) == RecoveredGap(0.5, None, None, None)
    sure = Curve(doubtful.shares, doubtful.qualities + np.array([0.0, 0.03]))
    assert recovered_gap(plain, sure).low == pytest.approx(0.5)


def test_apgr_is_null_where_the_teacher_is_not_better() -> None:
    shares = np.array([0.0, 1.0])
    for teacher in (0.5, 0.4):
        curve = Curve(shares, np.array([0.5, teacher]))
        assert recovered_gap(curve, Curve(shares[None], curve.qualities[None])).value is None
