"""The pyqtgraph items of a chart: marks with their role's symbol, interval bars, lines, limit bands, bars.

Colours are asked of the theme by token when the items are made; a theme change makes them anew.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainterPath, QPen, QPolygonF

from core.charts import Axis, Bar, ChartSpec, Line, Point
from core.domain import FloatArray, Role
from gui.theme import Theme
from gui.widgets.chart_decimation import thin
from gui.widgets.chart_scale import Scale

MARK_SIZE = 13
CHOSEN_SIZE = 17
MINOR_SIZE = 6
EXCLUDED_OPACITY = 0.45
MINOR_OPACITY = 0.6
BAND_OPACITY = 0.08
INTERVAL_OPACITY = 0.14
BAR_HEIGHT = 0.56
MOST_POINTS = 1600
LAYER_BAND, LAYER_GRID, LAYER_LINE, LAYER_INTERVAL, LAYER_MARK = -30, -20, 0, 10, 20

Colors = dict[str, str]


def role_symbol(role: Role | None) -> QPainterPath:
    """The role's mark in the unit square around 0: teacher ■, student ●, hybrid ◆; no role, a small ring's disc."""
    path = QPainterPath()
    if role is Role.TEACHER:
        path.addRect(QRectF(-0.44, -0.44, 0.88, 0.88))
    elif role is Role.HYBRID:
        path.addPolygon(QPolygonF([QPointF(0, -0.66), QPointF(0.66, 0), QPointF(0, 0.66), QPointF(-0.66, 0)]))
        path.closeSubpath()
    else:
        path.addEllipse(QPointF(0, 0), 0.5, 0.5)
    return path


def role_token(role: Role | None) -> str:
    """The colour token of a role; muted where there is none."""
    return role.value if role is not None else "muted"


def mark_radius(point: Point) -> float:
    """Half the extent of a point's mark in pixels."""
    return _mark_size(point) * (0.66 if point.role is Role.HYBRID else 0.5) + 1


def _mark_size(point: Point) -> int:
    if point.minor:
        return MINOR_SIZE
    return CHOSEN_SIZE if point.chosen else MARK_SIZE


def _opacity(point: Point) -> float:
    if point.minor:
        return MINOR_OPACITY
    return EXCLUDED_OPACITY if point.excluded is not None else 1.0


def point_items(spec: ChartSpec, x: Scale, y: Scale, theme: Theme) -> list[Any]:
    """Interval bars and marks of every point."""
    items: list[Any] = []
    for point in spec.points:
        color = theme.color(role_token(point.role))
        color.setAlphaF(_opacity(point))
        items += _interval_bars(point, x, y, color)
        mark = pg.ScatterPlotItem(
            [x.coordinate(point.x)],
            [y.coordinate(point.y)],
            size=_mark_size(point),
            symbol=role_symbol(point.role),
            pen=QPen(Qt.PenStyle.NoPen),
            brush=color,
            useCache=False,
            antialias=True,
        )
        mark.setZValue(LAYER_MARK)
        items.append(mark)
    return items


def _interval_bars(point: Point, x: Scale, y: Scale, color: QColor) -> list[Any]:
    here_x, here_y = x.coordinate(point.x), y.coordinate(point.y)
    ends = []
    if point.y_low is not None and point.y_high is not None:
        ends.append(([here_x, here_x], [y.coordinate(point.y_low), y.coordinate(point.y_high)]))
    if point.x_low is not None and point.x_high is not None:
        ends.append(([x.coordinate(point.x_low), x.coordinate(point.x_high)], [here_y, here_y]))
    bars = []
    for xs, ys in ends:
        bar = pg.PlotCurveItem(xs, ys, pen=_pen(color, 2), antialias=True)
        bar.setZValue(LAYER_INTERVAL)
        bars.append(bar)
    return bars


def line_item(line: Line, x: Scale, y: Scale, theme: Theme) -> Any:
    """The curve of one line, thinned to `MOST_POINTS`."""
    item = pg.PlotCurveItem(antialias=True, pen=line_pen(line, theme))
    set_line_data(item, line, x, y)
    item.setZValue(LAYER_LINE)
    return item


def set_line_data(item: Any, line: Line, x: Scale, y: Scale) -> None:
    """Give a curve its line's points."""
    item.setData(*line_coordinates(line.xs, line.ys, x, y))


def line_coordinates(xs: tuple[float, ...], ys: tuple[float, ...], x: Scale, y: Scale) -> tuple[FloatArray, FloatArray]:
    """The points of a line in coordinates, thinned; values that an axis cannot show are left out."""
    thin_xs, thin_ys = thin(np.asarray(xs, dtype=np.float64), np.asarray(ys, dtype=np.float64), MOST_POINTS)
    kept = np.isfinite(thin_xs) & np.isfinite(thin_ys)
    if x.log:
        kept &= thin_xs > 0
    if y.log:
        kept &= thin_ys > 0
    thin_xs, thin_ys = thin_xs[kept], thin_ys[kept]
    return (np.log10(thin_xs) if x.log else thin_xs), (np.log10(thin_ys) if y.log else thin_ys)


def line_token(line: Line) -> str:
    """The colour token of a line: its role's where it stands for a candidate, else by its kind."""
    if line.role is not None:
        return line.role.value
    return {"pareto": "axis", "reference": "muted", "limit": "bad"}.get(line.kind, "accent")


def line_pen(line: Line, theme: Theme) -> QPen:
    """The pen of a line by what it stands for: the front and limits dashed, references dotted, curves solid."""
    color = theme.color(line_token(line))
    if line.kind in ("pareto", "limit"):
        return _pen(color, 1.3, [4, 3.5])
    if line.kind == "reference":
        return _pen(color, 1.4, [1.5, 3])
    return _pen(color, 2)


def interval_item(line: Line, x: Scale, y: Scale, theme: Theme) -> Any | None:
    """The shaded interval of a line, or null where it has none."""
    if not line.y_lows or not line.y_highs:
        return None
    color = theme.color(line_token(line))
    color.setAlphaF(INTERVAL_OPACITY)
    none = QPen(Qt.PenStyle.NoPen)
    low = pg.PlotCurveItem(*line_coordinates(line.xs, line.y_lows, x, y), pen=none)
    high = pg.PlotCurveItem(*line_coordinates(line.xs, line.y_highs, x, y), pen=none)
    item = pg.FillBetweenItem(low, high, brush=color)
    item.setZValue(LAYER_BAND)
    return item


def band_item(rect: QRectF, state: str, theme: Theme) -> Any:
    """A faint region that a limit rules out; `rect` in coordinates."""
    color = theme.color(state)
    color.setAlphaF(BAND_OPACITY)
    item = pg.QtWidgets.QGraphicsRectItem(rect)
    item.setPen(QPen(Qt.PenStyle.NoPen))
    item.setBrush(color)
    item.setZValue(LAYER_BAND)
    return item


def band_rect(low: float | None, high: float | None, axis: str, x: Scale, y: Scale) -> QRectF | None:
    """A band's region in coordinates, cut to the picture; null where it lies outside."""
    scale = x if axis == "x" else y
    start = scale.low if low is None else max(scale.low, scale.coordinate(low))
    end = scale.high if high is None else min(scale.high, scale.coordinate(high))
    if end <= start:
        return None
    if axis == "x":
        return QRectF(QPointF(start, y.low), QPointF(end, y.high)).normalized()
    return QRectF(QPointF(x.low, start), QPointF(x.high, end)).normalized()


def grid_items(scale: Scale, vertical: bool, theme: Theme) -> list[Any]:
    """One faint line at each tick."""
    pen = _pen(theme.color("border"), 1)
    items = []
    for tick in scale.ticks:
        item = pg.InfiniteLine(scale.coordinate(tick), angle=90 if vertical else 0, pen=pen)
        item.setZValue(LAYER_GRID)
        items.append(item)
    return items


def bar_items(bars: tuple[Bar, ...], origin: float, axis: Axis, theme: Theme) -> list[Any]:
    """A tornado: from the origin to the low end in the accent, to the high end in grey; the first bar on top."""
    items: list[Any] = []
    for row, bar in enumerate(reversed(bars)):
        for end, token in ((bar.low, "accent"), (bar.high, "axis")):
            start, width = min(end, origin), abs(end - origin)
            item = pg.BarGraphItem(
                x0=[start],
                width=[width],
                y=[row],
                height=BAR_HEIGHT,
                brush=theme.color(token),
                pen=QPen(Qt.PenStyle.NoPen),
            )
            item.setZValue(LAYER_LINE)
            items.append(item)
    middle = pg.InfiniteLine(origin, angle=90, pen=_pen(theme.color("axis"), 1.3, [4, 3.5]))
    middle.setZValue(LAYER_INTERVAL)
    return [*items, middle]


def _pen(color: QColor, width: float, dashes: list[float] | None = None) -> QPen:
    pen = QPen(color, width)
    pen.setCosmetic(True)
    pen.setCapStyle(Qt.PenCapStyle.FlatCap if dashes is not None else Qt.PenCapStyle.RoundCap)
    if dashes is not None:
        pen.setDashPattern(dashes)
    return pen
