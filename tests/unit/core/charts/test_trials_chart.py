"""The chart of a search: trials by quality and speed, the chosen one marked."""

from __future__ import annotations

import pytest
from distilled_by_hand import SWEEP

from core.charts import chart_table, trials_chart


def test_each_measured_trial_is_a_point_and_the_chosen_one_is_marked() -> None:
    chart = trials_chart("found", SWEEP, 0.98)
    points = {point.name: point for point in chart.points}
    assert set(points) == {str(trial.number) for trial in SWEEP.trials if trial.quality is not None}
    assert [name for name, point in points.items() if point.chosen] == [str(SWEEP.chosen)]
    assert (points["7"].x, points["7"].y) == (1640.0, 0.912)
    assert (chart.x.better, chart.y.better) == ("high", "high")


def test_a_trial_that_misses_a_limit_stays_with_the_reason_and_off_the_front() -> None:
    points = {point.name: point for point in trials_chart("found", SWEEP).points}
    assert points["8"].excluded is not None
    assert not points["8"].on_front
    assert all(point.excluded is None for name, point in points.items() if name != "8")


@pytest.mark.parametrize(("quality", "reason"), [(0.80, "misses quality"), (0.9114, "misses a limit")])
def test_a_trial_that_is_not_good_enough_is_told_from_one_that_misses_a_limit(quality: float, reason: str) -> None:
    trials = tuple(one.model_copy(update={"quality": quality}) if one.number == 8 else one for one in SWEEP.trials)
    points = trials_chart("found", SWEEP.model_copy(update={"trials": trials}), 0.98).points
    assert [point.excluded.text for point in points if point.excluded is not None] == [reason]


def test_the_front_joins_the_trials_that_no_other_beats() -> None:
    chart = trials_chart("found", SWEEP)
    (front,) = [line for line in chart.lines if line.kind == "pareto"]
    assert list(front.xs) == [410.0, 620.0, 1210.0, 1640.0, 2100.0]
    assert list(front.ys) == sorted(front.ys, reverse=True)
    assert {point.name for point in chart.points if point.on_front} == {"2", "1", "5", "7", "6"}


def test_the_teacher_and_the_share_asked_for_are_lines() -> None:
    levels = {line.name: line.ys for line in trials_chart("found", SWEEP, 0.98).lines if line.kind != "pareto"}
    assert levels["teacher"] == (0.93, 0.93)
    assert levels["retain"] == pytest.approx((0.98 * 0.93,) * 2)
    assert "retain" not in {line.name for line in trials_chart("found", SWEEP).lines}


def test_a_search_without_a_measured_trial_says_what_will_stand_there() -> None:
    stopped = SWEEP.model_copy(update={"trials": tuple(trial for trial in SWEEP.trials if trial.quality is None)})
    chart = trials_chart("found", stopped)
    assert chart.empty is not None
    assert "found" in chart.empty.text


def test_the_table_names_each_trial_and_its_state() -> None:
    rows = {row[0]: row for row in chart_table(trials_chart("found", SWEEP)).rows}
    assert getattr(rows["7"][-1], "text", None) == "chosen"
    assert getattr(rows["8"][-1], "text", None) == "misses a limit"
