import numpy as np
import pytest

from core.domain import FloatArray
from core.metrics.bootstrap import resample_weights
from core.routing.curve import routed_means
from core.routing.operating_point import Aim, cuts_by_fold, cuts_of, sent_by_fold


def _money(shares: FloatArray) -> FloatArray:
    return 1 + 9 * shares


def _weights(rows: int, resamples: int = 400) -> FloatArray:
    return resample_weights([str(row) for row in range(rows)], resamples)


def _halves() -> tuple[FloatArray, FloatArray, FloatArray]:
    """Forty rows: the teacher is right on all, the student on the lower-priority half."""
    priority = np.linspace(1, 0, 40)
    return np.ones(40), (priority < 0.5).astype(float), priority


@pytest.mark.parametrize(("value", "sent"), [(0.0, 0), (8.0, 0), (12.0, 20), (1000.0, 20)])
def test_cut_follows_the_value_of_a_right_answer(value: float, sent: int) -> None:
    # Sending the hard half raises quality by 0.5 for 4.5 money: it pays from 9 money for a right answer.
    teacher, student, priority = _halves()
    cut = cuts_of(routed_means(teacher, student), priority, _weights(40)).best(Aim(_money, value, 0.03))
    assert int((priority >= cut).sum()) == sent


def test_cheapest_share_wins_where_benefits_are_equal() -> None:
    same = np.ones(30)
    aim = Aim(lambda shares: np.full_like(shares, 2.0), 5.0, 0.03)
    assert cuts_of(routed_means(same, same), np.arange(30.0), _weights(30)).best(aim) == np.inf


def test_without_a_value_the_smallest_non_inferior_share_is_taken() -> None:
    teacher, student, priority = _halves()
    cut = cuts_of(routed_means(teacher, student), priority, _weights(40)).best(Aim(_money, None, 0.0))
    assert int((priority >= cut).sum()) == 20


def test_wide_margin_needs_no_teacher() -> None:
    teacher, student, priority = _halves()
    cut = cuts_of(routed_means(teacher, student), priority, _weights(40)).best(Aim(_money, None, 0.9))
    assert cut == np.inf


def test_bound_is_stricter_than_the_point_estimate() -> None:
    generator = np.random.default_rng(8)
    teacher, student = (generator.random(300) < 0.9).astype(float), (generator.random(300) < 0.7).astype(float)
    priority = generator.random(300)
    cut = cuts_of(routed_means(teacher, student), priority, _weights(300)).best(Aim(_money, None, 0.05))
    sent = priority >= cut
    assert np.where(sent, teacher, student).mean() > teacher.mean() - 0.05 + 0.005


def test_non_inferiority_holds_on_new_rows_about_as_often_as_the_bound_says() -> None:
    misses = 0
    for seed in range(40):
        generator = np.random.default_rng(seed)
        hard = generator.random(4300)
        teacher = (generator.random(4300) < 0.92).astype(float)
        student = (generator.random(4300) < 0.95 - 0.6 * hard).astype(float)
        priority = hard + generator.normal(0, 0.15, 4300)
        tuning = slice(0, 300)
        rows = routed_means(teacher[tuning], student[tuning])
        cut = cuts_of(rows, priority[tuning], _weights(300, 200)).best(Aim(_money, None, 0.03))
        new = slice(300, None)
        mixed = np.where(priority[new] >= cut, teacher[new], student[new])
        misses += mixed.mean() < teacher[new].mean() - 0.03
    assert misses <= 6  # 5 % of 40, and what a binomial adds to that; a point estimate misses about half


def test_each_fold_is_cut_by_the_other_folds_alone() -> None:
    teacher, student, priority = _halves()
    fold = np.arange(40) % 4
    aim = Aim(_money, 12.0, 0.03)
    sent = sent_by_fold(cuts_by_fold(routed_means(teacher, student), priority, fold, _weights(40)), priority, aim)
    # Whatever fold 0 answers, its own rows are sent by the same cut.
    changed = np.where(fold == 0, 1 - student, student)
    again = sent_by_fold(cuts_by_fold(routed_means(teacher, changed), priority, fold, _weights(40)), priority, aim)
    assert np.array_equal(sent[fold == 0], again[fold == 0])
    assert not np.array_equal(sent, again)
