from __future__ import annotations

import pytest

from core.charts import loss_chart
from core.charts.training import MEAN_OVER
from core.domain import MetricPoint


def points(*values: float, name: str = "loss") -> list[MetricPoint]:
    return [MetricPoint(name, step, value) for step, value in enumerate(values, start=1)]


def test_each_step_shows_the_mean_of_the_last_points() -> None:
    (line,) = loss_chart(points(*range(1, 41))).lines
    assert line.xs[0] == 1.0
    assert line.ys[:3] == pytest.approx([1.0, 1.5, 2.0])
    assert line.ys[-1] == pytest.approx(sum(range(41 - MEAN_OVER, 41)) / MEAN_OVER)


def test_later_points_leave_the_line_before_them_as_it_was() -> None:
    (before,), (after,) = (loss_chart(points(*range(count))).lines for count in (30, 45))
    assert after.ys[:30] == before.ys


def test_a_step_done_twice_counts_as_it_was_last() -> None:
    (line,) = loss_chart([*points(4.0, 9.0), MetricPoint("loss", 2, 2.0)]).lines
    assert (line.xs, line.ys) == ((1.0, 2.0), (4.0, 3.0))


def test_every_name_has_its_own_line_and_no_point_says_what_will_stand_there() -> None:
    assert [line.name for line in loss_chart(points(1.0) + points(2.0, name="gap")).lines] == ["gap", "loss"]
    assert loss_chart([]).empty is not None
