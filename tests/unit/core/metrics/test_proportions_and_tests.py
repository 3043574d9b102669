import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.metrics.detectable import examples_needed, minimum_detectable_difference
from core.metrics.mcnemar import discordant_pairs, mcnemar_exact
from core.metrics.proportions import wilson_interval


@given(n=st.integers(1, 5000), data=st.data())
def test_wilson_interval_holds_the_share_and_stays_within_0_and_1(n: int, data: st.DataObject) -> None:
    successes = data.draw(st.integers(0, n))
    low, high = wilson_interval(successes, n)
    assert 0 <= low <= successes / n <= high <= 1
    assert low < high


def test_wilson_interval_has_the_published_value() -> None:
    # Newcombe, Statistics in Medicine 17 (1998), table I: 81 of 263.
    low, high = wilson_interval(81, 263)
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)


@pytest.mark.parametrize(("successes", "n"), [(0, 0), (-1, 5), (6, 5)])
def test_wilson_interval_refuses_what_is_no_proportion(successes: int, n: int) -> None:
    with pytest.raises(ValueError, match="no proportion"):
        wilson_interval(successes, n)


@pytest.mark.parametrize("first", [0, 3, 40])
@pytest.mark.parametrize("second", [0, 4, 57])
def test_mcnemar_is_the_two_sided_sign_test(first: int, second: int) -> None:
    n = first + second
    tail = sum(math.comb(n, k) for k in range(min(first, second) + 1)) / 2**n
    assert mcnemar_exact(first, second) == pytest.approx(min(1.0, 2 * tail))


def test_mcnemar_stays_finite_beyond_the_range_of_floats() -> None:
    # The normal approximation with continuity correction: z = (|b - c| - 1) / sqrt(b + c).
    z = (200 - 1) / math.sqrt(6200)
    assert mcnemar_exact(3000, 3200) == pytest.approx(math.erfc(z / math.sqrt(2)), rel=1e-3)


def test_rows_on_which_both_score_alike_are_no_discordant_pairs() -> None:
    assert discordant_pairs(np.array([1.0, 0.0, 1.0, 0.5]), np.array([0.0, 1.0, 1.0, 0.2])) == (2, 1)


@given(difference=st.floats(0.005, 0.5), deviation=st.floats(0.05, 2.0))
def test_needed_examples_are_the_fewest_that_detect_the_difference(difference: float, deviation: float) -> None:
    n = examples_needed(difference, deviation)
    assert n is not None
    assert minimum_detectable_difference(deviation, n) <= difference * (1 + 1e-9)
    assert n == 2 or minimum_detectable_difference(deviation, n - 1) > difference


def test_no_number_of_examples_shows_a_difference_of_nothing() -> None:
    assert examples_needed(0.0, 1.0) is None
    assert examples_needed(1e-300, 1.0) is None
