"""Live curves of a job."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from core.charts.spec import Axis, ChartSpec, Line
from core.decide.outcome import message
from core.domain import MetricPoint

MEAN_OVER = 20  # points: batches of like lengths differ so much that single ones hide the course


def loss_chart(points: Sequence[MetricPoint]) -> ChartSpec:
    """A job's live curves by step, one line for each name: the mean of the last points up to each step.

    A step that was done twice counts as it was last. Points that come later change nothing of the line before them.
    """
    values: dict[str, dict[int, float]] = {}
    for point in points:
        values.setdefault(point.name, {})[point.step] = point.value
    lines = tuple(
        Line(
            name=name,
            label=message("charts.axis.loss") if name == "loss" else message("charts.line.metric", name=name),
            kind="measured",
            xs=tuple(float(step) for step in sorted(by_step)),
            ys=_running_mean([by_step[step] for step in sorted(by_step)]),
        )
        for name, by_step in sorted(values.items())
    )
    return ChartSpec(
        code="charts.loss",
        kind="lines",
        title=message("charts.loss.title", points=MEAN_OVER),
        x=Axis(message("charts.axis.step"), "", "count"),
        y=Axis(message("charts.axis.loss"), "", "number", better="low", minimum=0.0),
        lines=lines,
        empty=None if lines else message("charts.empty.loss"),
    )


def _running_mean(values: Sequence[float]) -> tuple[float, ...]:
    windows = (values[max(0, end - MEAN_OVER) : end] for end in range(1, len(values) + 1))
    return tuple(fmean(window) for window in windows)
