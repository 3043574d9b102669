"""The learning curve of a student: its quality by the number of train rows, measured and expected."""

from __future__ import annotations

from core.charts.build import below_minimum, quality_axis
from core.charts.spec import Axis, ChartSpec, Line, Point
from core.decide.outcome import CurveLaw, CurveSize, Decision, StudentCurve, message
from core.domain import Role


def learning_curve_chart(decision: Decision) -> ChartSpec | None:
    """What the student was measured at by the number of train rows, each training by itself and their mean with its
    interval, and the law through these with its own; null where the study names no student for a curve.

    The law runs on to what is expected of more rows. It is drawn once all sizes are measured.
    """
    curve = decision.complexity.student_curve
    if curve is None:
        return None
    points = [point for size in curve.sizes for point in (*_trainings(size), _measured(size))]
    lines = () if curve.law is None else (_law(curve.law),)
    return ChartSpec(
        code="charts.learning_curve",
        kind="lines",
        title=message("charts.learning_curve.title", student=curve.student),
        x=Axis(message("charts.axis.train_rows"), "", "count", log=True),
        y=quality_axis(curve.metric),
        points=(*points, *_expected(curve)),
        lines=lines,
        bands=() if decision.min_quality is None else (below_minimum(decision.min_quality),),
        empty=None if points else message("charts.empty.learning_curve", student=curve.student),
    )


def _measured(size: CurveSize) -> Point:
    return Point(
        name=f"measured.{size.rows}",
        label=message("charts.learning_curve.measured", quality=size.quality.value),
        role=Role.STUDENT,
        x=float(size.rows),
        y=size.quality.value,
        y_low=size.quality.low,
        y_high=size.quality.high,
    )


def _trainings(size: CurveSize) -> list[Point]:
    """Each training by itself, where there are several."""
    return [
        Point(
            name=f"measured.{size.rows}.{one.seed}",
            label=message("charts.learning_curve.training", seed=one.seed),
            role=Role.STUDENT,
            x=float(size.rows),
            y=one.quality,
            minor=True,
        )
        for one in size.by_seed
        if size.seeds > 1
    ]


def _expected(curve: StudentCurve) -> list[Point]:
    """What is expected of more rows, without an interval of its own: the law's stands around it. Of the nearest one the
    words would crowd those of the others; hovering tells it."""
    if curve.expected is None:
        return []
    now = curve.expected.rows
    return [
        Point(
            name=f"expected.{rows}",
            label=message("charts.learning_curve.expected", quality=one.value, more=rows - now),
            role=None,
            x=float(rows),
            y=one.value,
            minor=rows == curve.expected.points[0][0],
        )
        for rows, one in curve.expected.points
    ]


def _law(law: CurveLaw) -> Line:
    low = tuple(one.value if one.low is None else one.low for _, one in law.points)
    high = tuple(one.value if one.high is None else one.high for _, one in law.points)
    return Line(
        name="law",
        label=message("charts.line.law"),
        kind="curve",
        xs=tuple(float(rows) for rows, _ in law.points),
        ys=tuple(one.value for _, one in law.points),
        role=Role.STUDENT,
        y_lows=low,
        y_highs=high,
    )
