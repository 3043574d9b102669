import json
import subprocess
import sys
from collections.abc import Sequence

import numpy as np
import pytest

from core.domain import BoolArray, FloatArray, PolicyKind, Verdict
from core.i18n import english
from core.jobs.results import PolicyScores, RouteResult
from core.routing.curve import RoutedRows, routed_macro_f1
from core.routing.evaluate import PolicyEvaluation, evaluate_policy
from core.routing.measure import PolicyMeasure, measure_policy


def _cost(masks: Sequence[BoolArray]) -> FloatArray:
    return 1.0 + 9.0 * np.array([sent.mean() for sent in masks])


def _route(priority: FloatArray, folds: int = 5, tuning: FloatArray | None = None) -> tuple[PolicyScores, RouteResult]:
    rows = len(priority)
    tuned = () if tuning is None else tuple(tuning.tolist())
    scores = PolicyScores(
        kind=PolicyKind.ROUTER,
        priority=tuple(priority.tolist()),
        fold=tuple((np.arange(rows) % max(1, folds)).tolist()),
        tuning_priority=tuned,
        fitted_rows=rows,
        score_seconds=1e-5,
    )
    route = RouteResult(
        folds=folds,
        example_ids=tuple(str(row) for row in range(rows)),
        tuning_example_ids=tuple(f"t{row}" for row in range(len(tuned))),
        policies=(scores,),
        length_priority=(1.0,) * rows,
        seconds=0.1,
    )
    return scores, route


def _evaluate(
    teacher: FloatArray,
    student: FloatArray,
    priority: FloatArray,
    *,
    groups: Sequence[str] | None = None,
    value: float | None = None,
    teacher_money: float = 10.0,
    student_money: float = 1.0,
    quality: RoutedRows | None = None,
) -> PolicyEvaluation:
    scores, route = _route(priority)
    measure = measure_policy(
        scores,
        route,
        teacher_scores=teacher,
        student_scores=student,
        groups=[str(row) for row in range(len(teacher))] if groups is None else groups,
        quality=quality,
        resamples=300,
    )
    return evaluate_policy(
        measure,
        cost_of=_cost,
        teacher_money=teacher_money,
        student_money=student_money,
        value_per_success=value,
        quality_margin=0.03,
    )


def _at_thirty(measure: PolicyMeasure) -> PolicyEvaluation:
    return evaluate_policy(
        measure, cost_of=_cost, teacher_money=10.0, student_money=1.0, value_per_success=30.0, quality_margin=0.03
    )


def _answers(rows: int, seed: int = 0) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Teacher's scores, student's scores, and how hard each row is for the student."""
    generator = np.random.default_rng(seed)
    hard = generator.random(rows)
    teacher = (generator.random(rows) < 0.93).astype(float)
    return teacher, (generator.random(rows) < 0.98 - 0.7 * hard).astype(float), hard


def test_policy_that_sees_what_is_hard_is_recommended() -> None:
    teacher, student, hard = _answers(800)
    found = _evaluate(teacher, student, hard, value=40.0)
    assert found.verdict is Verdict.RECOMMENDED
    assert found.apgr is not None
    assert found.apgr_low is not None
    assert found.apgr_high is not None
    assert found.baselines.random == pytest.approx(0.5)
    assert found.baselines.hull == pytest.approx(0.5, abs=0.01)
    assert 0.5 < found.apgr_low <= found.apgr <= found.apgr_high
    assert found.baselines.oracle is not None
    assert found.apgr < found.baselines.oracle
    assert found.cpt50 is not None
    assert found.cpt80 is not None
    assert 0 < found.cpt50 < found.cpt80 < 1
    assert english(found.reason_code, **found.reason_values)


def test_operating_point_is_the_quality_and_money_of_the_rows_sent() -> None:
    teacher, student, hard = _answers(400)
    found = _evaluate(teacher, student, hard, value=30.0)
    assert 0 < found.strong_share < 1
    assert found.strong_share == pytest.approx(found.sent.mean())
    assert found.quality.value == pytest.approx(np.where(found.sent, teacher, student).mean())
    assert found.quality.low < found.quality.value < found.quality.high
    assert found.quality.n == 400
    assert found.money_per_request == pytest.approx(float(_cost([found.sent])[0]))
    # Served with the one threshold, about as many rows go to the teacher as with those of the folds.
    assert float((hard >= found.threshold).mean()) == pytest.approx(found.strong_share, abs=0.1)


def test_curve_has_about_fifty_points_from_the_student_to_the_teacher() -> None:
    teacher, student, hard = _answers(400)
    found = _evaluate(teacher, student, hard)
    assert len(found.curve) == 51
    assert list(found.curve[0]) == pytest.approx([0.0, student.mean(), 1.0])
    assert list(found.curve[-1]) == pytest.approx([1.0, teacher.mean(), 10.0])
    assert len(_evaluate(teacher[:7], student[:7], hard[:7]).curve) == 8


def test_blind_policy_is_not_recommended() -> None:
    recommended = 0
    for seed in range(12):
        teacher, student, _ = _answers(400, seed)
        found = _evaluate(teacher, student, np.random.default_rng(seed + 100).random(400))
        recommended += found.verdict is Verdict.RECOMMENDED
    assert recommended <= 2


def test_identical_models_have_no_apgr_and_no_router() -> None:
    teacher, _, hard = _answers(100)
    found = _evaluate(teacher, teacher, hard)
    assert (found.apgr, found.apgr_low, found.apgr_high, found.cpt50, found.cpt80) == (None,) * 5
    assert found.baselines.random is None
    assert found.verdict is Verdict.NO_LEARNED_ROUTER
    assert found.reason_code == "routing.verdict.no_difference"
    assert found.strong_share == 0.0


def test_cheaper_and_no_worse_teacher_leaves_no_room_for_a_router() -> None:
    teacher, student, hard = _answers(400)
    found = _evaluate(teacher, student, hard, teacher_money=0.5)
    assert (found.verdict, found.reason_code) == (Verdict.NO_LEARNED_ROUTER, "routing.verdict.teacher_wins")
    assert found.baselines.hull == 1.0


def test_better_and_cheaper_student_leaves_no_room_for_a_router() -> None:
    teacher, student, hard = _answers(400)
    found = _evaluate(student, teacher, hard)
    assert (found.verdict, found.reason_code) == (Verdict.NO_LEARNED_ROUTER, "routing.verdict.student_wins")
    assert found.apgr is None


def test_few_rows_are_inconclusive_and_say_how_many_more() -> None:
    teacher, student, hard = _answers(60, 5)
    found = _evaluate(teacher, student, np.random.default_rng(1).permutation(hard) + 0.3 * hard)
    assert found.verdict is Verdict.INCONCLUSIVE
    more = found.reason_values["more"]
    assert isinstance(more, int)
    assert more > 0


def test_rows_that_repeat_each_other_are_no_more_evidence() -> None:
    teacher, student, hard = _answers(50, 2)
    five = [np.repeat(part, 5) for part in (teacher, student, hard)]
    groups = [str(row // 5) for row in range(250)]
    grouped = _evaluate(five[0], five[1], five[2], groups=groups)
    independent = _evaluate(five[0], five[1], five[2])
    assert grouped.apgr == pytest.approx(independent.apgr)
    assert grouped.apgr_low is not None
    assert independent.apgr_low is not None
    assert grouped.apgr_low < independent.apgr_low


def test_same_rows_give_the_same_evaluation_whatever_their_order() -> None:
    teacher, student, hard = _answers(200)
    first, second = _evaluate(teacher, student, hard), _evaluate(teacher, student, hard)
    assert (first.apgr_low, first.threshold, first.curve) == (second.apgr_low, second.threshold, second.curve)
    assert np.array_equal(first.sent, second.sent)
    reverse = _evaluate(teacher[::-1], student[::-1], hard[::-1])
    assert reverse.apgr == pytest.approx(first.apgr)


def test_policy_fitted_on_other_splits_is_cut_by_its_tuning_rows() -> None:
    teacher, student, hard = _answers(300)
    tuning_teacher, tuning_student, tuning_hard = _answers(300, 9)
    scores, route = _route(hard, 0, tuning_hard)
    found = _at_thirty(measure_policy(
        scores, route, teacher_scores=teacher, student_scores=student, groups=route.example_ids,
        tuning_teacher_scores=tuning_teacher, tuning_student_scores=tuning_student, resamples=100,
    ))  # fmt: skip
    assert 0 < found.strong_share < 1
    assert np.array_equal(found.sent, hard >= found.threshold)
    # Other answers on the test rows change the quality that is reported, never the rows that are sent.
    other = _at_thirty(measure_policy(
        scores, route, teacher_scores=1 - teacher, student_scores=student, groups=route.example_ids,
        tuning_teacher_scores=tuning_teacher, tuning_student_scores=tuning_student, resamples=100,
    ))  # fmt: skip
    assert np.array_equal(found.sent, other.sent)
    assert other.quality.value != found.quality.value


def test_scores_of_the_tuning_rows_are_needed_where_there_are_no_folds() -> None:
    teacher, student, hard = _answers(40)
    scores, route = _route(hard, 0, hard)
    with pytest.raises(ValueError, match="tuned on their rows"):
        measure_policy(scores, route, teacher_scores=teacher, student_scores=student, groups=route.example_ids)


def test_macro_f1_replaces_the_mean_of_scores() -> None:
    generator = np.random.default_rng(3)
    targets = generator.choice(["rare", *["common"] * 9], 300).tolist()
    teacher = [target if generator.random() < 0.95 else "common" for target in targets]
    student = ["common" for _ in targets]
    scores = [np.array([output == target for output, target in zip(part, targets, strict=True)], dtype=float)
              for part in (teacher, student)]  # fmt: skip
    found = _evaluate(scores[0], scores[1], generator.random(300), quality=routed_macro_f1(teacher, student, targets))
    assert found.baselines.student == pytest.approx(0.5 * 2 * scores[1].mean() / (scores[1].mean() + 1), abs=1e-9)
    assert found.baselines.teacher > found.baselines.student


def test_thresholds_that_send_none_or_all_can_be_written_as_json() -> None:
    teacher, student, hard = _answers(100)
    none, everything = _evaluate(teacher, student, hard, value=0.0), _evaluate(teacher, student, -hard, value=1e6)
    assert none.strong_share == 0.0
    assert none.threshold > 1.0
    assert json.loads(json.dumps([none.threshold, everything.threshold], allow_nan=False))


def test_evaluating_loads_no_heavy_library() -> None:
    code = (
        "import sys, core.routing.evaluate, core.routing.policy, core.metrics.quality, core.metrics.calibration; "
        "assert not {'sklearn', 'scipy', 'pandas', 'torch'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
