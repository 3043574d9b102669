"""Speeds of a search: all timings of a shape and form count together, and a lead within their spread is no lead."""

from __future__ import annotations

from typing import Any

import pytest
from sweep_tasks import line

from core.engines.sweep.figures import Speed
from core.engines.sweep.objective import Wanted, best_trial
from core.engines.sweep.pooling import as_fast, pooled, timed_before
from core.engines.sweep.records import TrialLine
from core.jobs.specs import SweepLimits

WANTED = Wanted(SweepLimits(), 0.5)


def timed(number: int, rates: tuple[float, ...], milliseconds: tuple[float, ...] = (), **parts: Any) -> TrialLine:
    own = Speed(rates, milliseconds)
    made = line(number, requests_per_second=own.requests_per_second, p95_latency_ms=own.p95_latency_ms, **parts)
    return made.model_copy(update={"rates": rates, "milliseconds": milliseconds})


def test_trials_of_one_shape_and_form_are_as_fast_as_all_their_timings_say() -> None:
    first = timed(0, (90.0, 100.0, 20.0), (5.0,) * 40)
    other_form = timed(1, (500.0,), quantize="int8_dynamic")
    again = timed(2, (110.0, 120.0), (9.0,) * 40, settings={"temperature": 4.0})
    trials = [one.record for one in pooled([first, other_form, again], WANTED)]
    assert trials[0].requests_per_second == trials[2].requests_per_second == 100.0
    assert (trials[0].requests_per_second_low, trials[0].requests_per_second_high) == (90.0, 110.0)
    assert trials[0].p95_latency_ms == trials[2].p95_latency_ms == 9.0
    assert trials[1].requests_per_second == 500.0


def test_whether_a_trial_keeps_a_limit_is_judged_by_all_timings_of_its_shape() -> None:
    wanted = Wanted(SweepLimits(machine_seconds_per_request=0.01), 0.5)
    disturbed, calm = timed(0, (80.0,), feasible=False), timed(1, (120.0, 125.0), settings={"alpha": 0.5})
    assert [one.record.feasible for one in pooled([disturbed, calm], wanted)] == [True, True]


def test_answers_of_other_lengths_are_other_timings() -> None:
    short, long = (timed(place, (rate,)) for place, rate in enumerate((100.0, 50.0)))
    lines = [one.model_copy(update={"output_tokens": tokens}) for one, tokens in ((short, 4.0), (long, 8.0))]
    assert [one.record.requests_per_second for one in pooled(lines, WANTED)] == [100.0, 50.0]
    assert timed_before(lines, short.settings, "none", 4.1)
    assert not timed_before(lines, short.settings, "none", 6.0)


def test_a_trial_of_an_older_version_keeps_its_one_timing() -> None:
    old = line(0, requests_per_second=70.0)
    assert pooled([old], WANTED) == [old]
    assert as_fast([old], 0) == ()


@pytest.mark.parametrize(("rates", "rivals"), [((88.0, 94.0, 97.0), (1,)), ((70.0, 75.0, 90.0), ())])
def test_a_lead_within_the_spread_of_the_timings_is_named(rates: tuple[float, ...], rivals: tuple[int, ...]) -> None:
    winner, second = timed(0, (90.0, 100.0, 110.0)), timed(1, rates, settings={"layers": 2})
    trials = pooled([winner, second], WANTED)
    best = best_trial([one.record for one in trials])
    assert best is not None
    assert best.number == 0
    assert as_fast(trials, best.number) == rivals


def test_of_trials_that_miss_a_limit_none_was_chosen_by_its_speed() -> None:
    lines = [timed(number, (100.0, 101.0), settings={"layers": number + 1}) for number in range(2)]
    unkept = pooled(lines, Wanted(SweepLimits(), 0.99))
    assert as_fast(unkept, 0) == ()
    # Nor does one that misses a limit stand beside one that does not.
    mixed = [lines[0], lines[1].model_copy(update={"record": lines[1].record.model_copy(update={"quality": 0.1})})]
    assert as_fast(pooled(mixed, WANTED), 0) == ()


def test_a_speed_of_one_turn_spreads_over_nothing_and_few_requests_bound_no_percentile() -> None:
    assert Speed((10.0,), (5.0,) * 58).spread == (10.0, 10.0)
    assert Speed((10.0,), (5.0,) * 58).p95_latency_ms is None
    assert Speed((10.0,), (5.0,) * 59).p95_latency_ms == 5.0
