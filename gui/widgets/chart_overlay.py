"""The words over a chart: direct labels, the attractive corner, the limits; laid out in pixels after the plot is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QLineF, QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QBrush, QColor, QFont, QFontMetricsF, QPen
from PySide6.QtWidgets import QGraphicsItem, QGraphicsLineItem, QGraphicsScene, QGraphicsSimpleTextItem

from core.charts import ChartSpec, Line, Point
from core.decide.outcome import Message
from gui.theme import CAPTION_PX, SECONDARY_PX, Theme, font
from gui.widgets.chart_labels import Anchor, Placement, place_in_region, place_labels, place_near, segments
from gui.widgets.chart_marks import line_token, mark_radius, role_token

LAYER_LEADER, LAYER_TEXT = 90, 100
MARGIN = 6.0
CORNER_STEP = 4.0
LABEL_SHARE = 0.45
"""A label is cut in its middle beyond this part of the picture's width; hovering tells it in full."""
ARROWS = {"top_left": "↖", "top_right": "↗", "bottom_left": "↙", "bottom_right": "↘"}


@dataclass(frozen=True)
class TextLine:
    """One line of a label."""

    text: str
    font: QFont
    color: QColor

    @property
    def size(self) -> QSizeF:
        """Its extent in pixels."""
        metrics = QFontMetricsF(self.font)
        return QSizeF(metrics.horizontalAdvance(self.text), metrics.height())


@dataclass(frozen=True)
class Block:
    """A label of one or two lines, and what it belongs to."""

    name: str
    lines: tuple[TextLine, ...]

    @property
    def size(self) -> QSizeF:
        """Its extent in pixels."""
        sizes = [line.size for line in self.lines]
        return QSizeF(max(size.width() for size in sizes) + 2, sum(size.height() for size in sizes))


@dataclass(frozen=True)
class PlacedBlock:
    """A label where it stands."""

    block: Block
    rect: QRectF


class ChartOverlay:
    """Lays the words of one chart over its scene; `placed` tells where each label stands."""

    def __init__(self, scene: QGraphicsScene, theme: Theme, words: Callable[[Message], str]) -> None:
        self._scene = scene
        self._theme = theme
        self._words = words
        self._items: list[QGraphicsItem] = []
        self.placed: list[PlacedBlock] = []

    def clear(self) -> None:
        """Take all words away."""
        for item in self._items:
            self._scene.removeItem(item)
        self._items = []
        self.placed = []

    def lay_out(
        self,
        spec: ChartSpec,
        bounds: QRectF,
        to_scene: Callable[[float, float], QPointF],
        bands: Sequence[tuple[Message, str, QRectF]],
    ) -> None:
        """Put every word of `spec` into `bounds`. `bands` are (label, state, region in pixels)."""
        self.clear()
        lines = [[to_scene(x, y) for x, y in zip(line.xs, line.ys, strict=True)] for line in _drawn_lines(spec)]
        pieces = [piece for spots in lines for piece in segments(_few(spots))]
        taken = [*_intervals(spec, to_scene), *_marks(spec, to_scene, minor=True)]
        marks = _marks(spec, to_scene, minor=False)
        corner = self._corner(spec, bounds, [*taken, *marks], pieces)
        taken += [] if corner is None else [corner]
        taken += self._bands(bands, bounds, [*taken, *marks], pieces)
        labelled = [self._labelled(point, to_scene, bounds) for point in spec.points if not point.minor]
        labelled.sort(key=lambda one: _rank(one[0], one[2], bounds))
        blocks, anchors = [block for _, block, _ in labelled], [anchor for _, _, anchor in labelled]
        for line, spots in zip(_drawn_lines(spec), lines, strict=True):
            if line.kind != "pareto" and _in_sight(line, spots, bounds):
                block = self._line_block(line, bounds.width())
                blocks.append(block)
                anchors.append(Anchor(_labelled_spot(line, spots, bounds), 3.0, block.size))
        for block, placement in zip(blocks, place_labels(anchors, taken, pieces, bounds), strict=True):
            if placement is not None:
                self._put(block, placement)

    def _labelled(
        self, point: Point, to_scene: Callable[[float, float], QPointF], bounds: QRectF
    ) -> tuple[Point, Block, Anchor]:
        block = self._point_block(point, bounds.width())
        return point, block, Anchor(to_scene(point.x, point.y), mark_radius(point), block.size)

    def _point_block(self, point: Point, width: float) -> Block:
        excluded = point.excluded is not None
        color = self._theme.color("muted" if excluded else role_token(point.role))
        bold, plain = font(SECONDARY_PX, bold=True), font(CAPTION_PX)
        most = width * LABEL_SHARE
        lines = [TextLine(_cut(self._words(point.label), bold, most), bold, color)]
        if point.excluded is not None:
            lines.append(TextLine(_cut(self._words(point.excluded), plain, most), plain, self._theme.color("muted")))
        return Block(point.name, tuple(lines))

    def _line_block(self, line: Line, width: float) -> Block:
        bold = font(SECONDARY_PX, bold=line.kind in ("curve", "measured"))
        text = _cut(self._words(line.label), bold, width * LABEL_SHARE)
        return Block(line.name, (TextLine(text, bold, self._theme.color(line_token(line))),))

    def _corner(
        self, spec: ChartSpec, bounds: QRectF, taken: Sequence[QRectF], lines: Sequence[QLineF]
    ) -> QRectF | None:
        if spec.corner is None:
            return None
        position = spec.corner.position
        text = f"{ARROWS[position]} {self._words(spec.corner.label)}"
        line = TextLine(text, font(CAPTION_PX, bold=True), self._theme.color("good"))
        left = bounds.left() + MARGIN if position.endswith("left") else bounds.right() - line.size.width() - MARGIN
        top = bounds.top() + 2 if position.startswith("top") else bounds.bottom() - line.size.height() - MARGIN
        inwards = CORNER_STEP if position.startswith("top") else -CORNER_STEP
        rect = place_near(QRectF(QPointF(left, top), line.size), inwards, taken, lines)
        self._write(line, rect.topLeft())
        return rect

    def _bands(
        self,
        bands: Sequence[tuple[Message, str, QRectF]],
        bounds: QRectF,
        taken: Sequence[QRectF],
        lines: Sequence[QLineF],
    ) -> list[QRectF]:
        rects: list[QRectF] = []
        for label, state, region in bands:
            line = TextLine(self._words(label), font(CAPTION_PX), self._theme.color(state))
            rect = place_in_region(region.intersected(bounds), line.size, [*taken, *rects], lines, bounds)
            self._write(line, rect.topLeft())
            rects.append(rect)
        return rects

    def _put(self, block: Block, placement: Placement) -> None:
        self.placed.append(PlacedBlock(block, placement.rect))
        top = placement.rect.top()
        for line in block.lines:
            self._write(line, QPointF(placement.rect.left() + 1, top))
            top += line.size.height()
        if placement.leader is not None:
            self._lead(placement.leader)

    def _write(self, line: TextLine, where: QPointF) -> None:
        item = QGraphicsSimpleTextItem(line.text)
        item.setFont(line.font)
        item.setBrush(QBrush(line.color))
        item.setPos(where)
        item.setZValue(LAYER_TEXT)
        item.setAcceptedMouseButtons(Qt.MouseButton.NoButton)
        self._add(item)

    def _lead(self, leader: QLineF) -> None:
        item = QGraphicsLineItem(leader)
        item.setPen(QPen(self._theme.color("axis"), 1))
        item.setZValue(LAYER_LEADER)
        self._add(item)

    def _add(self, item: QGraphicsItem) -> None:
        self._scene.addItem(item)
        self._items.append(item)


def _drawn_lines(spec: ChartSpec) -> list[Line]:
    return [line for line in spec.lines if line.xs]


def _rank(point: Point, anchor: Anchor, bounds: QRectF) -> tuple[bool, ...]:
    """Which labels choose their places first: of the points that matter most, then those at the right edge, which have
    fewer places than others."""
    roomy = bounds.right() - anchor.centre.x() > anchor.size.width()
    return not point.chosen, point.excluded is not None, not point.on_front, roomy


def _intervals(spec: ChartSpec, to_scene: Callable[[float, float], QPointF]) -> list[QRectF]:
    rects = []
    for point in spec.points:
        if point.y_low is not None and point.y_high is not None:
            rects.append(_thin_rect(to_scene(point.x, point.y_high), to_scene(point.x, point.y_low)))
        if point.x_low is not None and point.x_high is not None:
            rects.append(_thin_rect(to_scene(point.x_low, point.y), to_scene(point.x_high, point.y)))
    return rects


def _marks(spec: ChartSpec, to_scene: Callable[[float, float], QPointF], *, minor: bool) -> list[QRectF]:
    spots = [(to_scene(point.x, point.y), mark_radius(point)) for point in spec.points if point.minor is minor]
    return [QRectF(spot.x() - radius, spot.y() - radius, 2 * radius, 2 * radius) for spot, radius in spots]


def _thin_rect(start: QPointF, end: QPointF) -> QRectF:
    return QRectF(start, end).normalized().adjusted(-2, -2, 2, 2)


def _in_sight(line: Line, spots: Sequence[QPointF], bounds: QRectF) -> bool:
    """Whether a line is in the picture: one that is a limit stays out of it where it is far from the marks."""
    return line.kind != "limit" or any(bounds.top() <= spot.y() <= bounds.bottom() for spot in spots)


def _labelled_spot(line: Line, spots: Sequence[QPointF], bounds: QRectF) -> QPointF:
    """The point of a line that its label stands at: near its right end for a measured curve, else at its middle."""
    inside = [spot for spot in spots if bounds.contains(spot)] or list(spots)
    return inside[-1] if line.kind == "measured" else inside[len(inside) // 2]


def _few(spots: Sequence[QPointF], most: int = 60) -> list[QPointF]:
    step = max(1, len(spots) // most)
    kept = list(spots[::step])
    if kept and kept[-1] != spots[-1]:
        kept.append(spots[-1])
    return kept


def _cut(text: str, in_font: QFont, most: float) -> str:
    return QFontMetricsF(in_font).elidedText(text, Qt.TextElideMode.ElideMiddle, most)
