"""Where the direct labels of a chart go: beside their marks, never over a mark, an interval, a caption or each other.

Pure geometry in pixels, without a widget. Greedy: the first anchor chooses first, so pass the important ones first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from PySide6.QtCore import QLineF, QPointF, QRectF, QSizeF

GAP = 5.0
ASIDE = 6.0
STRETCHES = (1.0, 2.2, 3.8)
SEARCH_STEP = 8.0
EDGE = 6.0
CROSSING_COST = 2.5
STRETCH_COST = 3.0


@dataclass(frozen=True)
class Anchor:
    """A mark that wants a label: its centre, its radius and the label's size, all in pixels."""

    centre: QPointF
    radius: float
    size: QSizeF


@dataclass(frozen=True)
class Placement:
    """Where a label stands. `leader` is the line that ties it to a mark it could not stay beside."""

    rect: QRectF
    leader: QLineF | None = None


def place_labels(
    anchors: Sequence[Anchor], obstacles: Sequence[QRectF], lines: Sequence[QLineF], bounds: QRectF
) -> list[Placement | None]:
    """One placement for each anchor, null where no room is left anywhere within `bounds`.

    A label never overlaps an obstacle, an anchor's mark or another label; it avoids `lines` where it can.
    """
    taken = [*obstacles, *(_mark(anchor) for anchor in anchors)]
    placements: list[Placement | None] = []
    for anchor in anchors:
        placement = _beside(anchor, taken, lines, bounds) or _anywhere(anchor, taken, lines, bounds)
        placements.append(placement)
        if placement is not None:
            taken.append(placement.rect)
    return placements


def place_in_region(
    region: QRectF, size: QSizeF, taken: Sequence[QRectF], lines: Sequence[QLineF], bounds: QRectF
) -> QRectF:
    """Where the words of a region stand within it: at its right end, else further left, at its bottom, top or middle.

    They lie over nothing that is `taken` and over no line; where there is no such place, over lines at most; where
    there is none either, over as little as can be.
    """
    spots = list(_spots_in(region, size, bounds))
    free = [spot for spot in spots if not any(spot.intersects(other) for other in taken)]
    calm = (spot for spot in free if not any(crosses(spot, line) for line in lines))
    least = min(spots, key=lambda spot: sum(_overlap(spot, other) for other in taken))
    return next(calm, free[0] if free else least)


def place_near(wanted: QRectF, step: float, taken: Sequence[QRectF], lines: Sequence[QLineF], most: int = 10) -> QRectF:
    """The place nearest to the wanted one, `most` steps down at most (up where below 0), that is free; else it."""
    spots = [wanted.translated(0, step * count) for count in range(most + 1)]
    return next(
        (
            spot
            for spot in spots
            if not any(spot.intersects(other) for other in taken) and not any(crosses(spot, line) for line in lines)
        ),
        wanted,
    )


def _spots_in(region: QRectF, size: QSizeF, bounds: QRectF) -> Iterator[QRectF]:
    first, last = region.right() - size.width() - EDGE, region.left() + EDGE
    tops = (region.bottom() - size.height() - 4, region.top() + 4, region.center().y() - size.height() / 2)
    for column in range(max(0, int((first - last) / SEARCH_STEP)) + 1):
        for top in tops:
            left = min(max(first - column * SEARCH_STEP, bounds.left() + 2), bounds.right() - size.width() - 2)
            inside = min(max(top, bounds.top()), bounds.bottom() - size.height())
            yield QRectF(QPointF(left, inside), size)


def _overlap(one: QRectF, other: QRectF) -> float:
    both = one.intersected(other)
    return both.width() * both.height()


def segments(points: Sequence[QPointF]) -> list[QLineF]:
    """The straight pieces of a line through `points`."""
    return [QLineF(start, end) for start, end in pairwise(points)]


def crosses(rect: QRectF, line: QLineF) -> bool:
    """Whether any part of the line lies within the rectangle."""
    if rect.contains(line.p1()) or rect.contains(line.p2()):
        return True
    corners = (rect.topLeft(), rect.topRight(), rect.bottomRight(), rect.bottomLeft(), rect.topLeft())
    bounded = QLineF.IntersectionType.BoundedIntersection
    return any(QLineF(a, b).intersects(line)[0] == bounded for a, b in pairwise(corners))


def _mark(anchor: Anchor) -> QRectF:
    reach = QPointF(anchor.radius, anchor.radius)
    return QRectF(anchor.centre - reach, anchor.centre + reach)


def _beside(anchor: Anchor, taken: Sequence[QRectF], lines: Sequence[QLineF], bounds: QRectF) -> Placement | None:
    best: tuple[float, QRectF] | None = None
    for cost, rect in _positions(anchor):
        if best is not None and cost >= best[0]:
            continue
        if _is_free(rect, taken, bounds):
            cost += CROSSING_COST * sum(crosses(rect, line) for line in lines)
            if best is None or cost < best[0]:
                best = (cost, rect)
    return None if best is None else Placement(best[1])


def _positions(anchor: Anchor) -> Iterator[tuple[float, QRectF]]:
    """Positions around the mark with their cost: right first, as one reads, then above and below, then left."""
    width, height = anchor.size.width(), anchor.size.height()
    x, y = anchor.centre.x(), anchor.centre.y()
    for index, stretch in enumerate(STRETCHES):
        away = anchor.radius + GAP * stretch
        lift = anchor.radius + GAP * (stretch - 0.8)
        starts = (
            (0.0, x + away, y - height / 2),
            (0.4, x + ASIDE, y - lift - height),
            (0.6, x + ASIDE, y + lift),
            (0.9, x - width / 2, y - lift - height),
            (1.0, x - width / 2, y + lift),
            (1.3, x - ASIDE - width, y - lift - height),
            (1.4, x - ASIDE - width, y + lift),
            (1.5, x - away - width, y - height / 2),
        )
        for cost, left, top in starts:
            yield cost + index * STRETCH_COST, QRectF(left, top, width, height)


def _anywhere(anchor: Anchor, taken: Sequence[QRectF], lines: Sequence[QLineF], bounds: QRectF) -> Placement | None:
    """The free place nearest to the mark, tied to it by a leader line."""
    width, height = anchor.size.width(), anchor.size.height()
    places = []
    for row in range(int((bounds.height() - height) / SEARCH_STEP) + 1):
        for column in range(int((bounds.width() - width) / SEARCH_STEP) + 1):
            rect = QRectF(bounds.left() + column * SEARCH_STEP, bounds.top() + row * SEARCH_STEP, width, height)
            places.append((QLineF(anchor.centre, _nearest(rect, anchor.centre)).length(), rect))
    free = [rect for _, rect in sorted(places, key=lambda place: place[0]) if _is_free(rect, taken, bounds)]
    own = _mark(anchor)
    others = [rect for rect in taken if not rect.intersects(own)]

    def leads_clear(rect: QRectF) -> bool:
        leader = _leader(anchor, rect)
        return not any(crosses(other, leader) for other in others)

    def is_calm(rect: QRectF) -> bool:
        return not any(crosses(rect, line) for line in lines) and leads_clear(rect)

    for wish in (is_calm, leads_clear):
        best = next((rect for rect in free if wish(rect)), None)
        if best is not None:
            return Placement(best, _leader(anchor, best))
    return Placement(free[0], _leader(anchor, free[0])) if free else None


def _is_free(rect: QRectF, taken: Sequence[QRectF], bounds: QRectF) -> bool:
    return bounds.contains(rect) and not any(rect.intersects(other) for other in taken)


def _leader(anchor: Anchor, rect: QRectF) -> QLineF:
    line = QLineF(anchor.centre, _nearest(rect, anchor.centre))
    length = line.length()
    return line if length <= anchor.radius else QLineF(line.pointAt(anchor.radius / length), line.p2())


def _nearest(rect: QRectF, point: QPointF) -> QPointF:
    return QPointF(min(max(point.x(), rect.left()), rect.right()), min(max(point.y(), rect.top()), rect.bottom()))
