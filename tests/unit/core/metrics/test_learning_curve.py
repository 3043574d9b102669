"""A power law through measured sizes, and how far it may be trusted beyond them."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.metrics.learning_curve import expected_at, fit_power_law, held_out_size

SIZES = np.array([100.0, 200.0, 400.0, 800.0, 1600.0])
LAW = 0.95 - 0.8 * SIZES**-0.4


def test_a_law_is_found_again() -> None:
    found = fit_power_law(SIZES, LAW[None])
    assert found.ceiling[0] == pytest.approx(0.95, abs=0.005)
    assert found.at(6400.0)[0] == pytest.approx(0.95 - 0.8 * 6400**-0.4, abs=0.002)


def test_the_largest_size_is_told_from_the_smaller_ones() -> None:
    checked = held_out_size(SIZES, LAW)
    assert checked.rows == 1600
    assert checked.error == pytest.approx(0.0, abs=0.001)
    off = LAW.copy()
    off[-1] -= 0.05
    assert held_out_size(SIZES, off).error == pytest.approx(0.05, abs=0.001)


def test_what_is_expected_passes_through_what_was_measured_last() -> None:
    bumpy = LAW + np.array([0.01, -0.01, 0.01, -0.01, 0.01])
    now = expected_at(SIZES, bumpy, np.repeat(bumpy[None], 20, axis=0), 1600)
    assert now.value == pytest.approx(bumpy[-1])


def test_the_interval_holds_the_error_of_the_law_and_that_of_the_test_rows() -> None:
    still, moving = np.repeat(LAW[None], 200, axis=0), LAW + np.random.default_rng(1).normal(0, 0.01, (200, 1))
    sure = expected_at(SIZES, LAW, still, 3200)
    rows_alone = expected_at(SIZES, LAW, moving, 3200)
    assert sure.high - sure.low < 0.003
    assert rows_alone.high - rows_alone.low == pytest.approx(4 * 0.01, abs=0.012)
    off = LAW.copy()
    off[-1] -= 0.05
    wrong = expected_at(SIZES, off, np.repeat(off[None], 20, axis=0), 3200)
    assert (wrong.high - wrong.low) / 2 == pytest.approx(0.05, abs=0.005)


def test_a_curve_that_does_not_rise_stays_where_it_is() -> None:
    flat = np.full(5, 0.5)
    assert fit_power_law(SIZES, flat[None]).at(1e6)[0] == pytest.approx(0.5)
    falling = np.linspace(0.6, 0.5, 5)
    assert fit_power_law(SIZES, falling[None]).at(1e6)[0] == pytest.approx(0.55)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0.0, 1.0), min_size=5, max_size=5))
def test_quality_never_falls_with_more_rows_and_never_passes_one(qualities: list[float]) -> None:
    law = fit_power_law(SIZES, np.array([qualities]))
    path = [float(law.at(rows)[0]) for rows in (100.0, 1000.0, 10_000.0, 1e6)]
    assert all(0.0 <= one <= 1.0 for one in path)
    assert all(later >= earlier - 1e-12 for earlier, later in itertools.pairwise(path))


def test_two_sizes_make_no_law() -> None:
    with pytest.raises(ValueError, match="three sizes"):
        fit_power_law(SIZES[:2], LAW[None, :2])
