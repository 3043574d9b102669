"""Each chart as a table, for screen readers, for copying and for CSV."""

from __future__ import annotations

from core.charts.spec import Axis, Bar, ChartSpec, ChartTable, Line, Point
from core.decide.outcome import Message, message
from core.i18n import catalogue

Cell = Message | str | float | None


def chart_table(spec: ChartSpec) -> ChartTable:
    """All that the chart shows: bars as rows; points with their intervals and state, then every vertex of its curves.

    A Pareto line only joins points that stand in the table, so it adds no rows.
    """
    if spec.kind == "bars":
        ends = (message("charts.column.at_low"), message("charts.column.at_high"))
        return ChartTable((spec.y.title, *ends), tuple(_bar_row(bar) for bar in spec.bars))
    if spec.kind == "scatter":
        return ChartTable(_point_columns(spec), tuple(_point_row(point) for point in spec.points))
    rows: list[tuple[Cell, ...]] = [(point.label, point.x, point.y, point.y_low, point.y_high) for point in spec.points]
    rows += [row for line in spec.lines for row in _line_rows(line)]
    columns = (message("charts.column.series"), spec.x.title, spec.y.title, *_ends(spec.y))
    return ChartTable(columns, tuple(rows))


def _ends(axis: Axis) -> tuple[Message, Message]:
    """The titles of the two ends of an interval. The charts' own axes have words of their own, translated whole."""
    name = axis.title.code.rsplit(".", 1)[-1]
    low, high = f"charts.column.low.{name}", f"charts.column.high.{name}"
    if low in catalogue("en") and high in catalogue("en"):
        return message(low, **axis.title.values), message(high, **axis.title.values)
    return message("charts.column.low", axis=axis.title.text), message("charts.column.high", axis=axis.title.text)


def _point_columns(spec: ChartSpec) -> tuple[Message, ...]:
    return (
        message("charts.column.name"),
        message("charts.column.role"),
        spec.x.title,
        *_ends(spec.x),
        spec.y.title,
        *_ends(spec.y),
        message("charts.column.state"),
    )


def _point_row(point: Point) -> tuple[Cell, ...]:
    role = None if point.role is None else message(f"charts.role.{point.role.value}")
    across = (point.x, point.x_low, point.x_high)
    return (point.name, role, *across, point.y, point.y_low, point.y_high, _state(point))


def _state(point: Point) -> Message:
    if point.excluded is not None:
        return point.excluded
    if point.chosen:
        return message("charts.state.chosen")
    return message("charts.state.front" if point.on_front else "charts.state.other")


def _line_rows(line: Line) -> list[tuple[Cell, ...]]:
    lows = line.y_lows or (None,) * len(line.xs)
    highs = line.y_highs or (None,) * len(line.xs)
    return [
        (line.label, x, y, low, high)
        for x, y, low, high in zip(line.xs, line.ys, lows, highs, strict=True)
    ]  # fmt: skip


def _bar_row(bar: Bar) -> tuple[Cell, ...]:
    return (bar.label, bar.low, bar.high)
