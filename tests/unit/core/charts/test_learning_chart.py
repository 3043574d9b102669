from __future__ import annotations

import pytest
from student_curve import evidence

from core.charts import ChartSpec, chart_table, learning_curve_chart
from core.decide import decide
from core.report.svg import draw


def chart(sizes: int = 4, seeds: int = 3) -> ChartSpec:
    found = learning_curve_chart(decide(evidence(sizes, seeds), with_flips=False))
    assert found is not None
    return found


def test_each_size_is_a_point_with_its_interval_and_its_trainings_around_it() -> None:
    points = chart().points
    sizes = [point for point in points if point.name.startswith("measured") and not point.minor]
    assert [point.x for point in sizes] == [100.0, 200.0, 400.0, 800.0]
    for size in sizes:
        alone = [point.y for point in points if point.minor and point.x == size.x]
        assert size.y == pytest.approx(sum(alone) / 3)
        assert size.y_low is not None
        assert size.y_low < size.y


def test_the_law_runs_with_its_interval_to_what_is_expected() -> None:
    spec = chart()
    (law,) = spec.lines
    assert (law.xs[0], law.xs[-1]) == (100.0, 3200.0)
    assert all(low <= y <= high for low, y, high in zip(law.y_lows, law.ys, law.y_highs, strict=True))
    expected = {point.x: point for point in spec.points if point.name.startswith("expected")}
    assert list(expected) == [1200.0, 1600.0, 3200.0]
    assert expected[3200.0].y == pytest.approx(law.ys[-1])
    assert expected[1600.0].label.text.endswith("with 800 more")


def test_one_training_a_size_is_not_told_twice() -> None:
    assert not [point for point in chart(seeds=1).points if point.minor and point.name.startswith("measured")]


def test_before_all_sizes_are_measured_there_is_no_law() -> None:
    spec = chart(sizes=2)
    assert spec.lines == ()
    assert not [point for point in spec.points if point.name.startswith("expected")]
    assert chart(sizes=0).empty is not None


def test_the_table_holds_every_training_and_the_report_draws_them_small() -> None:
    spec = chart()
    rows = chart_table(spec).rows
    assert len([row for row in rows if row[1] == 100.0]) == 5  # mean, three trainings, the law
    picture = draw(spec, "en")
    assert picture.count('r="3"') == 13
    assert "Power law" in picture
