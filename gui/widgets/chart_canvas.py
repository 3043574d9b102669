"""The drawing of one ChartSpec with pyqtgraph: axes, grid, marks, and the words laid over them."""

from __future__ import annotations

from typing import Any

import pyqtgraph as pg
from PySide6.QtCore import QEvent, QObject, QPointF, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QFontMetricsF, QMouseEvent
from PySide6.QtWidgets import QGraphicsScene, QToolTip, QVBoxLayout, QWidget

from core.charts import Axis, ChartSpec, Point
from core.decide.outcome import Message
from gui.formatting import Formats
from gui.i18n import Translator
from gui.theme import SECONDARY_PX, Theme, font
from gui.widgets import chart_marks as marks
from gui.widgets.chart_growth import only_appended
from gui.widgets.chart_overlay import ChartOverlay, PlacedBlock
from gui.widgets.chart_scale import Scale, limits_of, scale_of, tick_texts, values_of
from gui.widgets.chart_words import ChartWords

HOVER_PX = 22
LABEL_ROOM = 10
FLAT = Scale(0.0, 1.0, ())


class ChartCanvas(QWidget):
    """Draws a spec. Recolours with the theme, rewords with the language; the wheel scrolls the page, not the chart.

    `point_clicked` carries the name of a clicked point.
    """

    point_clicked = Signal(str)

    def __init__(self, theme: Theme, translator: Translator, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._translator = translator
        self._said = ChartWords(translator)
        self._spec: ChartSpec | None = None
        self._x = self._y = FLAT
        self._curves: dict[str, Any] = {}
        self._grid: list[Any] = []
        self._plot = pg.PlotWidget(self)
        self._prepare_plot()
        self._overlay = ChartOverlay(self.scene, theme, self.words)
        self._layout_timer = QTimer(self, singleShot=True, interval=0)
        self._layout_timer.timeout.connect(self._lay_out_words)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._plot)
        theme.theme_changed.connect(self.redraw)
        translator.language_changed.connect(self.redraw)

    @property
    def scene(self) -> QGraphicsScene:
        """What is drawn, in pixels."""
        scene: QGraphicsScene = self._plot.scene()
        return scene

    @property
    def placed_labels(self) -> list[PlacedBlock]:
        """Each direct label where it stands, in pixels of the scene."""
        return list(self._overlay.placed)

    def words(self, message: Message) -> str:
        """A message in the language in force."""
        return self._said.words(message)

    def set_spec(self, spec: ChartSpec) -> None:
        """Draw another spec; where only points were appended to its lines, only the curves are touched."""
        before, self._spec = self._spec, spec
        if (
            before is not None
            and only_appended(before, spec)
            and set(self._curves) == {line.name for line in spec.lines}
        ):
            self._extend_lines(spec)
        else:
            self.redraw()

    def redraw(self) -> None:
        """Draw everything anew."""
        item = self._plot.getPlotItem()
        item.clear()
        self._overlay.clear()
        self._curves, self._grid = {}, []
        self._plot.setBackground(self._theme.color("surface"))
        if self._spec is None or self._spec.empty is not None:
            return
        self._measure(self._spec)
        self._draw_axes(self._spec)
        self._draw_marks(self._spec, item)
        self.lay_out_words()

    def lay_out_words(self) -> None:
        """Place all labels again once the plot has its new size."""
        self._layout_timer.start()

    def settle(self) -> None:
        """Place all labels now, such as before the chart is saved."""
        self._plot.getPlotItem().layout.activate()
        self._layout_timer.stop()
        self._lay_out_words()

    def to_scene(self, x: float, y: float) -> QPointF:
        """The pixel of a pair of values."""
        view = self._plot.getPlotItem().getViewBox()
        spot: QPointF = view.mapViewToScene(QPointF(self._x.coordinate(x), self._y.coordinate(y)))
        return spot

    def plot_rect(self) -> QRectF:
        """The region of the marks within the axes, in pixels of the scene."""
        view = self._plot.getPlotItem().getViewBox()
        rect: QRectF = view.mapRectToScene(view.boundingRect())
        return rect

    def point_near(self, spot: QPointF) -> Point | None:
        """The point whose mark is nearest to a pixel of the scene, within reach of the pointer."""
        if self._spec is None or self._spec.kind == "bars":
            return None
        reached = [
            (_distance(self.to_scene(point.x, point.y), spot), index) for index, point in enumerate(self._spec.points)
        ]
        nearest = min(reached, default=(HOVER_PX + 1.0, -1))
        return self._spec.points[nearest[1]] if nearest[0] <= HOVER_PX else None

    def describe(self, point: Point) -> str:
        """A point's row in words: label, both figures with their intervals, why it is excluded."""
        return "" if self._spec is None else self._said.row(self._spec, point)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 (Qt's name)
        """Show the row under the pointer; leave the wheel to the page."""
        if event.type() == QEvent.Type.Wheel:
            event.ignore()
            return True
        if isinstance(event, QMouseEvent):
            point = self.point_near(self._plot.mapToScene(event.position().toPoint()))
            if event.type() == QEvent.Type.MouseMove:
                self._hover(point, event)
            elif event.type() == QEvent.Type.MouseButtonRelease and point is not None:
                self.point_clicked.emit(point.name)
        elif event.type() == QEvent.Type.Resize:
            self.lay_out_words()
        return super().eventFilter(watched, event)

    def _prepare_plot(self) -> None:
        item = self._plot.getPlotItem()
        item.hideButtons()
        item.setMenuEnabled(False)
        item.getViewBox().setMouseEnabled(False, False)
        item.getViewBox().disableAutoRange()
        item.getViewBox().setDefaultPadding(0)
        item.getViewBox().sigResized.connect(self.lay_out_words)
        self._plot.setFrameShape(pg.QtWidgets.QFrame.Shape.NoFrame)
        self._plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._plot.viewport().setMouseTracking(True)
        self._plot.viewport().installEventFilter(self)
        for name in ("left", "bottom"):
            item.getAxis(name).enableAutoSIPrefix(False)
            item.getAxis(name).setStyle(
                tickFont=font(SECONDARY_PX - 1, tabular=True),
                tickLength=0,
                tickTextOffset=8,
                hideOverlappingLabels=True,
            )

    def _measure(self, spec: ChartSpec) -> None:
        if spec.kind == "bars":
            ends = [end for bar in spec.bars for end in (bar.low, bar.high)]
            self._x = scale_of(spec.x, [*ends, spec.bar_origin])
            self._y = Scale(-0.6, len(spec.bars) - 0.4, tuple(range(len(spec.bars))))
            return
        self._x = scale_of(spec.x, values_of(spec, "x"), limits_of(spec, "x"))
        self._y = scale_of(spec.y, values_of(spec, "y"), limits_of(spec, "y"))

    def _draw_axes(self, spec: ChartSpec) -> None:
        item = self._plot.getPlotItem()
        formats = Formats(self._translator.language)
        x_texts = tick_texts(spec.x, self._x.ticks, formats)
        if spec.kind == "bars":
            y_texts = [self.words(bar.label) for bar in reversed(spec.bars)]
            item.setTitle(None)
        else:
            y_texts = tick_texts(spec.y, self._y.ticks, formats)
            item.setTitle(
                self.axis_caption(spec.y, vertical=True), color=self._hex("muted"), size="12px", justify="left"
            )
        for name, scale, texts in (("bottom", self._x, x_texts), ("left", self._y, y_texts)):
            axis = item.getAxis(name)
            axis.setTicks([[(scale.coordinate(tick), text) for tick, text in zip(scale.ticks, texts, strict=True)]])
            axis.setTextPen(self._theme.color("muted"))
            axis.setPen(self._theme.color("axis") if name == "bottom" else None)
        item.getAxis("left").setPen(pg.mkPen(None))
        metrics = QFontMetricsF(font(SECONDARY_PX - 1, tabular=True))
        item.getAxis("left").setWidth(
            max((metrics.horizontalAdvance(text) for text in y_texts), default=0) + LABEL_ROOM + 4
        )
        caption = self.axis_caption(spec.x, vertical=False)
        item.setLabel("bottom", caption, color=self._hex("muted"), **{"font-size": "12px"})
        item.setRange(xRange=(self._x.low, self._x.high), yRange=(self._y.low, self._y.high), padding=0)

    def axis_caption(self, axis: Axis, *, vertical: bool) -> str:
        """What an axis shows, whether it is logarithmic, and which way is better."""
        return self._said.caption(axis, vertical=vertical)

    def _draw_marks(self, spec: ChartSpec, item: Any) -> None:
        self._draw_grid(spec)
        if spec.kind == "bars":
            for bar in marks.bar_items(spec.bars, spec.bar_origin, spec.x, self._theme):
                item.addItem(bar)
            return
        for band in spec.bands:
            rect = marks.band_rect(band.low, band.high, band.axis, self._x, self._y)
            if rect is not None:
                item.addItem(marks.band_item(rect, band.state, self._theme))
        for line in spec.lines:
            shade = marks.interval_item(line, self._x, self._y, self._theme)
            if shade is not None:
                item.addItem(shade)
            self._curves[line.name] = marks.line_item(line, self._x, self._y, self._theme)
            item.addItem(self._curves[line.name])
        for mark in marks.point_items(spec, self._x, self._y, self._theme):
            item.addItem(mark)

    def _draw_grid(self, spec: ChartSpec) -> None:
        item = self._plot.getPlotItem()
        for line in self._grid:
            item.removeItem(line)
        across = spec.kind == "bars"
        self._grid = marks.grid_items(self._x if across else self._y, across, self._theme)
        for line in self._grid:
            item.addItem(line)

    def _extend_lines(self, spec: ChartSpec) -> None:
        before = self._x, self._y
        self._measure(spec)
        if (self._x, self._y) != before:
            self._draw_axes(spec)
            self._draw_grid(spec)
        for line in spec.lines:
            marks.set_line_data(self._curves[line.name], line, self._x, self._y)
        self.lay_out_words()

    def _lay_out_words(self) -> None:
        if self._spec is None or self._spec.empty is not None or self._spec.kind == "bars":
            self._overlay.clear()
            return
        bands = []
        for band in self._spec.bands:
            rect = marks.band_rect(band.low, band.high, band.axis, self._x, self._y)
            if rect is not None:
                corners = (rect.topLeft(), rect.bottomRight())
                view = self._plot.getPlotItem().getViewBox()
                bands.append((band.label, band.state, QRectF(*(view.mapViewToScene(c) for c in corners)).normalized()))
        self._overlay.lay_out(self._spec, self.plot_rect(), self.to_scene, bands)

    def _hover(self, point: Point | None, event: QMouseEvent) -> None:
        if point is None:
            QToolTip.hideText()
        else:
            QToolTip.showText(event.globalPosition().toPoint(), self.describe(point), self)

    def _hex(self, token: str) -> str:
        return self._theme.color(token).name()


def _distance(a: QPointF, b: QPointF) -> float:
    offset = a - b
    return float((offset.x() ** 2 + offset.y() ** 2) ** 0.5)
