"""Charts as data: what a decision's charts show, and that their tables hold the same."""

from __future__ import annotations

from dataclasses import replace

import decided_study
import pytest

from core.charts import chart_table, quality_cost_chart, routing_curve_chart, tornado_chart
from core.decide import Decision, decide


@pytest.fixture(scope="module")
def decision() -> Decision:
    return decide(decided_study.evidence())


def test_every_priced_candidate_is_a_point_with_its_intervals(decision: Decision) -> None:
    chart = quality_cost_chart(decision)
    assert {point.name for point in chart.points} == {one.name for one in decision.candidates}
    for point in chart.points:
        candidate = decision.of(point.name)
        assert candidate.quality is not None
        assert (point.y, point.y_low, point.y_high) == (
            candidate.quality.value, candidate.quality.low, candidate.quality.high,
        )  # fmt: skip
        assert candidate.cost is not None
        assert candidate.cost.per_success is not None
        assert point.x == pytest.approx(1000.0 * candidate.cost.per_success.value)


def test_the_pareto_line_goes_through_the_front_only(decision: Decision) -> None:
    chart = quality_cost_chart(decision)
    front = sorted((point.x, point.y) for point in chart.points if point.on_front)
    (line,) = [line for line in chart.lines if line.kind == "pareto"]
    assert list(zip(line.xs, line.ys, strict=True)) == front
    assert {point.name for point in chart.points if point.on_front} == set(decision.front)


def test_an_excluded_candidate_stays_with_its_reason_and_one_alone_is_chosen(decision: Decision) -> None:
    points = {point.name: point for point in quality_cost_chart(decision).points}
    assert points["slow"].excluded is not None
    assert "latency" in points["slow"].excluded.text
    assert [name for name, point in points.items() if point.chosen] == [decision.candidate]


def test_axes_say_which_way_is_better_and_the_best_corner_is_named(decision: Decision) -> None:
    chart = quality_cost_chart(decision)
    assert (chart.x.better, chart.y.better) == ("low", "high")
    assert chart.corner is not None
    assert (chart.corner.position, chart.corner.label.text) == ("top_left", "most attractive")
    assert [band.high for band in chart.bands] == [decision.min_quality]


def test_a_chart_without_data_says_what_will_stand_there() -> None:
    nothing = decide(decided_study.evidence(measured=()))
    for chart in (quality_cost_chart(nothing), routing_curve_chart(nothing, "hybrid"), tornado_chart(nothing)):
        assert chart.empty is not None
        assert chart.empty.text


def test_the_routing_curve_runs_from_the_student_to_the_teacher(decision: Decision) -> None:
    chart = routing_curve_chart(decision, "hybrid")
    curves = {line.name: line for line in chart.lines}
    assert set(curves) == {"cascade", "random"}
    ends = {point.name: point.y for point in chart.points if point.name in ("student", "teacher")}
    assert curves["cascade"].ys[0] == pytest.approx(ends["student"])
    assert curves["cascade"].ys[-1] == pytest.approx(ends["teacher"])


def test_without_a_choice_the_tornado_names_nobody(decision: Decision) -> None:
    undecided = replace(decision, candidate=None)
    assert tornado_chart(decision).title.text == f"What moves the net benefit of {decision.candidate}"
    assert tornado_chart(undecided).title.text == "What moves the net benefit"


def test_the_tornado_has_its_widest_bar_first(decision: Decision) -> None:
    widths = [abs(bar.high - bar.low) for bar in tornado_chart(decision).bars]
    assert widths
    assert widths == sorted(widths, reverse=True)


def test_the_table_has_a_row_for_each_point(decision: Decision) -> None:
    chart = quality_cost_chart(decision)
    table = chart_table(chart)
    assert [row[0] for row in table.rows] == [point.name for point in chart.points]
    assert {len(row) for row in table.rows} == {len(table.columns)}
