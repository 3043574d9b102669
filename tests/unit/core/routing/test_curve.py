import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain import FloatArray
from core.metrics.bootstrap import resample_weights
from core.routing.curve import (
    average_gap_recovered,
    call_performance_threshold,
    curve_of,
    hull_average_gap_recovered,
    masks_of_shares,
    ranking_of,
    resampled_curves,
    routed_macro_f1,
    routed_means,
)

ROW = st.tuples(st.sampled_from([0.0, 0.5, 1.0]), st.sampled_from([0.0, 0.5, 1.0]), st.integers(-3, 3))
ROWS = st.lists(ROW, min_size=1, max_size=40)


def _arrays(rows: list[tuple[float, float, int]]) -> tuple[FloatArray, FloatArray, FloatArray]:
    teacher, student, priority = (np.array(part, dtype=np.float64) for part in zip(*rows, strict=True))
    return teacher, student, priority


def _apgr(teacher: FloatArray, student: FloatArray, priority: FloatArray) -> float:
    return float(average_gap_recovered(curve_of(routed_means(teacher, student), ranking_of(priority))))


@given(rows=ROWS)
def test_curve_runs_from_the_student_to_the_teacher(rows: list[tuple[float, float, int]]) -> None:
    teacher, student, priority = _arrays(rows)
    curve = curve_of(routed_means(teacher, student), ranking_of(priority))
    assert curve.qualities[[0, -1]] == pytest.approx([student.mean(), teacher.mean()])
    assert curve.shares[[0, -1]].tolist() == [0.0, 1.0]


@given(rows=ROWS, seed=st.integers(0, 5))
def test_apgr_does_not_depend_on_the_order_of_the_rows(rows: list[tuple[float, float, int]], seed: int) -> None:
    teacher, student, priority = _arrays(rows)
    if teacher.mean() == student.mean():
        assert np.isnan(_apgr(teacher, student, priority))
        return
    shuffled = np.random.default_rng(seed).permutation(len(rows))
    plain = _apgr(teacher, student, priority)
    assert _apgr(teacher[shuffled], student[shuffled], priority[shuffled]) == pytest.approx(plain)
    # Any increasing change of the priorities leaves the policy the same.
    assert _apgr(teacher, student, np.exp(priority)) == pytest.approx(plain)


@given(rows=ROWS)
def test_apgr_of_priorities_and_of_their_reverse_add_to_one(rows: list[tuple[float, float, int]]) -> None:
    teacher, student, priority = _arrays(rows)
    if teacher.mean() != student.mean():
        assert _apgr(teacher, student, priority) + _apgr(teacher, student, -priority) == pytest.approx(1.0)


@given(rows=ROWS)
def test_no_priority_beats_the_oracle(rows: list[tuple[float, float, int]]) -> None:
    teacher, student, priority = _arrays(rows)
    if teacher.mean() > student.mean():
        assert _apgr(teacher, student, priority) <= _apgr(teacher, student, teacher - student) + 1e-9


def test_apgr_of_tied_rows_is_the_mean_over_their_orders() -> None:
    teacher, student = np.array([1.0, 1.0, 0.0, 1.0, 1.0, 0.0]), np.array([0.0, 1.0, 1.0, 0.0, 0.0, 0.0])
    generator = np.random.default_rng(0)
    drawn = [_apgr(teacher, student, generator.permutation(6).astype(float)) for _ in range(4000)]
    assert _apgr(teacher, student, np.zeros(6)) == pytest.approx(np.mean(drawn), abs=0.02) == 0.5


def test_apgr_and_thresholds_of_a_small_case_worked_by_hand() -> None:
    # Four rows, gains 1, 0, 1, 0 in order of priority: PGR 0, 1/2, 1/2, 1, 1 at shares 0, 1/4, 1/2, 3/4, 1.
    teacher, student = np.array([1.0, 1.0, 1.0, 0.0]), np.array([0.0, 1.0, 0.0, 0.0])
    curve = curve_of(routed_means(teacher, student), ranking_of(np.array([4.0, 3.0, 2.0, 1.0])))
    assert float(average_gap_recovered(curve)) == pytest.approx((0.25 + 0.5 + 0.75 + 1.0) / 4)
    assert call_performance_threshold(curve, 0.5) == pytest.approx(0.25)
    assert call_performance_threshold(curve, 0.8) == pytest.approx(0.5 + 0.6 * 0.25)
    assert call_performance_threshold(curve, 0.0) == 0.0


def test_threshold_is_the_first_crossing_where_the_curve_falls_back() -> None:
    # Gains 1, 1, -1, 1, …: PGR reaches 0.5 at the first row, falls later and reaches it again.
    teacher, student = np.array([1.0, 0.0, 1.0, 1.0]), np.array([0.0, 1.0, 0.0, 0.0])
    curve = curve_of(routed_means(teacher, student), ranking_of(np.array([4.0, 3.0, 2.0, 1.0])))
    assert call_performance_threshold(curve, 0.5) == pytest.approx(0.25)


@pytest.mark.parametrize("rows", [12, 300])
def test_resampled_curve_with_every_row_once_is_the_curve_itself(rows: int) -> None:
    generator = np.random.default_rng(rows)
    teacher, student = generator.random(rows), generator.random(rows) * 0.8
    ranking = ranking_of(generator.random(rows))
    plain = curve_of(routed_means(teacher, student), ranking.thinned())
    resampled = resampled_curves(routed_means(teacher, student), ranking.thinned(), np.ones((2, rows)))
    assert resampled.shares == pytest.approx(np.stack([plain.shares] * 2))
    assert resampled.qualities == pytest.approx(np.stack([plain.qualities] * 2))
    assert len(plain.shares) <= 101
    fine = float(average_gap_recovered(curve_of(routed_means(teacher, student), ranking)))
    assert float(average_gap_recovered(plain)) == pytest.approx(fine, abs=0.02)


def test_resampled_curve_is_that_of_the_rows_drawn() -> None:
    generator = np.random.default_rng(4)
    teacher, student, priority = generator.random(20), generator.random(20), generator.integers(0, 6, 20).astype(float)
    weights = resample_weights([str(row) for row in range(20)], 3)
    resampled = average_gap_recovered(resampled_curves(routed_means(teacher, student), ranking_of(priority), weights))
    for value, drawn in zip(resampled, weights.astype(int), strict=True):
        rows = np.repeat(np.arange(20), drawn)
        assert value == pytest.approx(_apgr(teacher[rows], student[rows], priority[rows]))


def test_macro_f1_along_the_curve_is_that_of_the_mixed_outputs() -> None:
    generator = np.random.default_rng(6)
    targets, teacher, student = (generator.choice(["a", "b", "c"], 30).tolist() for _ in range(3))
    rows = routed_macro_f1(teacher, student, targets)
    ranking = ranking_of(generator.random(30))
    curve = curve_of(rows, ranking)
    for end, quality in zip(ranking.ends.tolist(), curve.qualities, strict=True):
        mask = np.isin(np.arange(30), ranking.order[:end])
        assert quality == pytest.approx(float(rows.sent(mask).value()))


@given(priority=st.lists(st.integers(-4, 4), min_size=1, max_size=30))
def test_each_cut_sends_the_rows_of_its_step(priority: list[int]) -> None:
    values = np.array(priority, dtype=np.float64)
    ranking = ranking_of(values)
    for end, cut in zip(ranking.ends.tolist(), ranking.cuts.tolist(), strict=True):
        assert int((values >= cut).sum()) == end


def test_neighbouring_floats_are_still_cut_apart() -> None:
    values = np.array([1.0, np.nextafter(1.0, 2.0)])
    assert int((values >= ranking_of(values).cuts[1]).sum()) == 1


def test_hull_is_blind_mixing_where_the_policy_itself_is_free() -> None:
    shares = np.linspace(0, 1, 11)
    assert hull_average_gap_recovered(shares, 1 + shares * 9, teacher_money=10, student_money=1) == pytest.approx(0.5)


def test_hull_rises_with_what_the_policy_costs_itself() -> None:
    shares = np.linspace(0, 1, 1001)
    # A cascade pays the student for every row: at share 0.9 the teacher alone would cost as much.
    cascade = hull_average_gap_recovered(shares, 1 + shares * 10, teacher_money=10, student_money=1)
    assert cascade == pytest.approx(0.9 / 2 + 0.1, abs=1e-3)


def test_cheaper_teacher_leaves_no_room_below_the_hull() -> None:
    shares = np.linspace(0, 1, 11)
    assert hull_average_gap_recovered(shares, 5 - 3 * shares, teacher_money=2, student_money=5) == 1.0


@given(share=st.floats(0, 1), rows=st.integers(1, 60))
def test_share_is_met_to_the_row_and_ties_follow_the_seed(share: float, rows: int) -> None:
    priority = np.zeros(rows)
    mask = masks_of_shares(priority, [share], 3)[0]
    assert int(mask.sum()) == round(share * rows)
    assert np.array_equal(mask, masks_of_shares(priority, [share], 3)[0])


def test_tied_rows_are_not_sent_in_the_order_of_the_file() -> None:
    assert not masks_of_shares(np.zeros(50), [0.5], 0)[0][:25].all()
