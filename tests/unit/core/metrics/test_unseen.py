from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import beta

from core.domain import FloatArray
from core.metrics.unseen import STICKS, outcomes_of, unseen_row

DRAWS = 1000


def joined(values: FloatArray, rows: int, key: bytes = b"a") -> FloatArray:
    return unseen_row(len(values) - 1).joined(values, outcomes_of(key, len(values) - 1), rows)


def resampled(right: int, rows: int, draws: int, seed: int = 0) -> FloatArray:
    """The mean of rows of which some are right, on the sample and its resamples, shape (1 + draws,)."""
    drawn = np.random.default_rng(seed).binomial(rows, right / rows, draws) / rows
    return np.concatenate([[right / rows], drawn])


def test_the_plain_sample_has_no_unseen_row() -> None:
    values = resampled(19, 26, DRAWS)
    assert joined(values, 26)[0] == values[0]


def test_the_same_number_of_draws_and_the_same_model_give_the_same_draws() -> None:
    values = resampled(26, 26, DRAWS)
    first = joined(values, 26)
    unseen_row.cache_clear()
    assert (joined(values, 26) == first).all()
    assert (joined(values, 26, b"b") != first).any()


def test_sticks_are_one_row_in_all() -> None:
    sticks = unseen_row(DRAWS).sticks
    assert sticks.shape == (1 + DRAWS, STICKS)
    assert (sticks[1:] > 0.0).all()
    weight = sticks[1:].sum(axis=1)
    assert weight.mean() == pytest.approx(1.0, abs=0.1)
    assert weight.var() == pytest.approx(1.0, abs=0.25)


@pytest.mark.parametrize(("rows", "floor"), [(26, 0.99), (26, 0.95), (60, 0.97), (300, 0.995)])
def test_nothing_wrong_in_some_rows_says_of_a_floor_what_jeffreys_prior_says(rows: int, floor: float) -> None:
    expected, values = beta(rows + 0.5, 0.5).sf(floor), np.ones(1 + 20_000)
    assert np.mean(joined(values, rows)[1:] >= floor) == pytest.approx(expected, abs=0.02)
    assert unseen_row(DRAWS).chance_at_least(values[: 1 + DRAWS], rows, floor) == pytest.approx(expected, abs=0.03)


def test_with_3000_rows_bounds_and_ends_move_by_less_than_a_tenth_of_a_point() -> None:
    plain = resampled(2700, 3000, DRAWS)
    levels = [0.025, 0.05, 0.5, 0.95, 0.975]
    moved = np.quantile(joined(plain, 3000)[1:], levels) - np.quantile(plain[1:], levels)
    assert np.abs(moved).max() < 0.001


def test_a_hybrid_is_right_on_the_unseen_row_where_the_model_that_it_sends_it_to_is() -> None:
    row, teacher, student = unseen_row(DRAWS), outcomes_of(b"teacher", DRAWS), outcomes_of(b"student", DRAWS)
    assert (row.routed(teacher, student, 1.0) == teacher).all()
    assert (row.routed(teacher, student, 0.0) == student).all()
    few, more = ((row.routed(teacher, student, share) == teacher).mean() for share in (0.2, 0.7))
    assert few < more < 1.0


@pytest.mark.parametrize(("rows", "floor"), [(40, 0.9705), (40, 0.98)])
def test_a_chance_of_nine_in_ten_to_reach_a_floor_that_is_missed_is_told_at_most_one_time_in_ten(
    rows: int, floor: float
) -> None:
    """A model that is right 97 times in 100, on 400 test sets of 40 rows, held against floors that it misses."""
    generator, draws = np.random.default_rng(5), 400
    right = generator.binomial(rows, 0.97, 400)
    plain = generator.binomial(rows, right[:, None] / rows, (400, draws)) / rows
    told_plain = (plain >= floor - 1e-12).mean(axis=1) >= 0.9
    sets = [np.concatenate([[count / rows], own]) for count, own in zip(right, plain, strict=True)]
    told = np.array([unseen_row(draws).chance_at_least(own, rows, floor) >= 0.9 for own in sets])
    assert told_plain.mean() > 0.2  # all 40 are right in about 30 of 100 test sets
    assert told.mean() <= 0.1


@pytest.mark.parametrize(("rows", "plainly", "at_most"), [(26, 0.3, 0.02), (100, 0.12, 0.1)])
def test_a_student_beyond_the_margin_is_less_often_shown_to_be_within_it(
    rows: int, plainly: float, at_most: float
) -> None:
    """A student that loses 3.1 rows of 100 to its teacher and wins none, on 200 test sets, against 3 points."""
    generator, lost = np.random.default_rng(2), 0.031
    shown_plain, shown = [], []
    for index, wrong in enumerate(generator.binomial(rows, lost, 200).tolist()):
        student = resampled(rows - wrong, rows, DRAWS, seed=index)
        gap = joined(student, rows, b"student %d" % index) - joined(np.ones(1 + DRAWS), rows, b"teacher %d" % index)
        shown_plain.append(np.quantile(student[1:] - 1.0, 0.05) >= -0.03 - 1e-12)
        shown.append(np.quantile(gap[1:], 0.05) >= -0.03 - 1e-12)
    assert np.mean(shown_plain) > plainly
    assert np.mean(shown) <= at_most
