"""When requests arrive, where a server saturates, and how many answers meet a limit."""

from __future__ import annotations

import numpy as np
import pytest

from core.metrics.load import arrival_times, goodput, saturation_point


@pytest.mark.parametrize(
    ("rates", "place"),
    [
        ([50.0, 100.0, 104.0], 1),
        ([50.0, 54.9], 0),
        ([50.0, 55.1], None),
        ([50.0, 100.0, 200.0], None),
        ([50.0, 30.0, 200.0], 0),
        ([50.0], None),
    ],
)
def test_the_saturation_point_is_the_first_level_whose_successor_gains_less_than_a_tenth(
    rates: list[float], place: int | None
) -> None:
    assert saturation_point(rates) == place


def test_constant_arrivals_are_evenly_spaced_and_random_ones_are_as_many_a_second() -> None:
    assert arrival_times(4.0, 3, "constant", 1) == [0.0, 0.25, 0.5]
    moments = np.array(arrival_times(100.0, 5000, "poisson", 1))
    gaps = np.diff(moments)
    assert moments[0] == 0.0
    assert gaps.mean() == pytest.approx(0.01, rel=0.05)
    assert gaps.std() == pytest.approx(0.01, rel=0.08)  # an exponential's mean and deviation are the same


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_random_arrivals_keep_the_rate_however_few_they_are(seed: int) -> None:
    assert arrival_times(8.0, 41, "poisson", seed)[-1] == pytest.approx(5.0)
    assert arrival_times(8.0, 1, "poisson", seed) == [0.0]


@pytest.mark.parametrize("load", [0.3, 0.6, 0.8])
def test_random_arrivals_at_one_server_wait_as_long_as_theory_says(load: float) -> None:
    service = 0.05
    free, waits = 0.0, []
    for due in arrival_times(load / service, 200_000, "poisson", 1):
        waits.append(max(0.0, free - due))
        free = max(free, due) + service
    # Pollaczek and Khinchine's formula for a constant time of service.
    assert np.mean(waits) == pytest.approx(load * service / (2 * (1 - load)), rel=0.03)


def test_random_arrivals_are_the_same_on_every_run() -> None:
    assert arrival_times(10.0, 50, "poisson", 3) == arrival_times(10.0, 50, "poisson", 3)
    assert arrival_times(10.0, 50, "poisson", 3) != arrival_times(10.0, 50, "poisson", 4)


def test_goodput_counts_answers_within_the_limit() -> None:
    assert goodput(80.0, [True, True, True, False]) == 60.0
    assert goodput(0.0, []) == 0.0
