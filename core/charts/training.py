"""Live curves of a job."""

from __future__ import annotations

from collections.abc import Sequence

from core.charts.spec import Axis, ChartSpec, Line
from core.decide.outcome import message
from core.domain import MetricPoint


def loss_chart(points: Sequence[MetricPoint]) -> ChartSpec:
    """A job's live curves by step, one line for each name. A step that was done twice counts as it was last."""
    values: dict[str, dict[int, float]] = {}
    for point in points:
        values.setdefault(point.name, {})[point.step] = point.value
    lines = tuple(
        Line(
            name=name,
            label=message("charts.axis.loss") if name == "loss" else message("charts.line.metric", name=name),
            kind="measured",
            xs=tuple(float(step) for step in sorted(by_step)),
            ys=tuple(by_step[step] for step in sorted(by_step)),
        )
        for name, by_step in sorted(values.items())
    )
    return ChartSpec(
        code="charts.loss",
        kind="lines",
        title=message("charts.loss.title"),
        x=Axis(message("charts.axis.step"), "", "count"),
        y=Axis(message("charts.axis.loss"), "", "number", better="low", minimum=0.0),
        lines=lines,
        empty=None if lines else message("charts.empty.loss"),
    )
