"""What a search looks for: speed among those that keep everything, quality among those that do not."""

from __future__ import annotations

from typing import Any

import pytest
from sweep_tasks import line

from core.engines.sweep.objective import Wanted, best_trial, rank_value
from core.jobs.results import TrialRecord
from core.jobs.specs import SweepLimits


def record(number: int, quality: float | None, speed: float | None, feasible: bool, **parts: Any) -> TrialRecord:
    return line(number=number, quality=quality, requests_per_second=speed, feasible=feasible, **parts).record


def test_the_slowest_student_that_keeps_everything_stands_above_the_best_that_does_not() -> None:
    slow, best = rank_value(record(0, 0.5, 1e-3, True)), rank_value(record(1, 1.0, 1e6, False))
    assert slow is not None
    assert best is not None
    assert slow > best


def test_students_that_keep_everything_are_ranked_by_speed_and_others_by_quality() -> None:
    trials = [record(0, 0.9, 100.0, True), record(1, 0.8, 200.0, True), record(2, 0.95, 900.0, False)]
    assert best_trial(trials) == trials[1]
    without = [record(0, 0.7, 900.0, False), record(1, 0.8, 10.0, False)]
    assert best_trial(without) == without[1]


def test_of_equally_fast_students_the_better_is_chosen_and_of_equal_ones_the_earlier() -> None:
    trials = [record(0, 0.8, 100.0, True), record(1, 0.9, 100.0, True), record(2, 0.9, 100.0, True)]
    assert best_trial(trials) == trials[1]


def test_trials_that_were_not_measured_are_never_chosen() -> None:
    assert best_trial([record(0, None, None, False, state="failed")]) is None
    assert rank_value(record(0, None, None, False)) is None


@pytest.mark.parametrize(
    ("limits", "quality", "speed", "latency", "kept"),
    [
        ({}, 0.9, 1.0, None, True),
        ({}, 0.89, 1.0, None, False),
        ({"min_quality": 0.95}, 0.94, 1.0, None, False),
        ({"min_quality": 0.5}, 0.9, 1.0, None, True),
        ({"p95_latency_ms": 10.0}, 0.9, 1.0, 10.0, True),
        ({"p95_latency_ms": 10.0}, 0.9, 1.0, 10.1, False),
        ({"p95_latency_ms": 10.0}, 0.9, 1.0, None, False),
        ({"machine_seconds_per_request": 0.01}, 0.9, 100.0, None, True),
        ({"machine_seconds_per_request": 0.01}, 0.9, 99.0, None, False),
        ({"machine_seconds_per_request": 0.0}, 0.9, 1e9, None, False),
    ],
)
def test_each_limit_is_held_against_its_own_figure(
    limits: dict[str, float], quality: float, speed: float, latency: float | None, kept: bool
) -> None:
    wanted = Wanted(SweepLimits.model_validate(limits), 0.9)
    assert wanted.kept_by(quality, speed, latency) == kept


def test_a_share_that_is_rounded_differently_is_the_same_share() -> None:
    assert Wanted(SweepLimits(), 0.99 * (2 / 3)).kept_by(0.66, 1.0, None)
