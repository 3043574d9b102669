from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QLineF, QPointF, QRectF, QSizeF

from gui.widgets.chart_labels import Anchor, Placement, crosses, place_in_region, place_labels, place_near

BOUNDS = QRectF(0, 0, 500, 280)
spots = st.tuples(st.integers(0, 500), st.integers(0, 280))


def anchor(x: float, y: float, width: float = 80, height: float = 16) -> Anchor:
    return Anchor(QPointF(x, y), 7, QSizeF(width, height))


def placed(placements: list[Placement | None]) -> list[QRectF]:
    return [placement.rect for placement in placements if placement is not None]


def test_a_lone_label_stands_right_of_its_mark_without_a_leader() -> None:
    (placement,) = place_labels([anchor(100, 100)], [], [], BOUNDS)

    assert placement is not None
    assert placement.leader is None
    assert placement.rect.left() > 107
    assert abs(placement.rect.center().y() - 100) < 1


def test_a_label_at_the_right_edge_stands_left_of_its_mark_or_over_it() -> None:
    (placement,) = place_labels([anchor(495, 100)], [], [], BOUNDS)

    assert placement is not None
    assert placement.rect.right() <= BOUNDS.right()


def test_a_label_leaves_the_line_through_its_mark_where_it_can() -> None:
    level = QLineF(0, 100, 500, 100)
    (placement,) = place_labels([anchor(100, 100)], [], [level], BOUNDS)

    assert placement is not None
    assert not crosses(placement.rect, level)


def test_a_label_with_no_room_beside_its_mark_is_tied_to_it_by_a_leader() -> None:
    wall = QRectF(0, 0, 300, 280)
    (placement,) = place_labels([anchor(100, 100)], [wall], [], BOUNDS)

    assert placement is not None
    assert placement.leader is not None
    assert not placement.rect.intersects(wall)


def test_a_label_is_left_out_where_no_room_is_left() -> None:
    assert place_labels([anchor(100, 100)], [BOUNDS], [], BOUNDS) == [None]


@settings(max_examples=40, deadline=None)
@given(st.lists(spots, min_size=1, max_size=12), st.lists(spots, max_size=4))
def test_labels_never_cover_marks_obstacles_or_each_other(
    marks: list[tuple[int, int]], blocks: list[tuple[int, int]]
) -> None:
    anchors = [anchor(x, y) for x, y in marks]
    obstacles = [QRectF(x, y, 40, 20) for x, y in blocks]
    rects = placed(place_labels(anchors, obstacles, [], BOUNDS))

    for index, rect in enumerate(rects):
        assert BOUNDS.contains(rect)
        assert not any(rect.intersects(other) for other in rects[:index])
        assert not any(rect.intersects(obstacle) for obstacle in obstacles)
        assert not any(rect.contains(each.centre) for each in anchors)


def test_leaders_run_around_the_labels_already_placed_where_there_is_a_way() -> None:
    crowd = [anchor(200 + 9 * step, 140, width=110, height=24) for step in range(5)]
    placements = place_labels(crowd, [], [], BOUNDS)

    assert len(placed(placements)) == 5
    for index, placement in enumerate(placements):
        if placement is not None and placement.leader is not None:
            earlier = placed(placements[:index])
            assert not any(crosses(rect, placement.leader) for rect in earlier)


bars = st.builds(
    lambda x, top, height: QRectF(x, top, 4, height), st.integers(0, 496), st.integers(0, 270), st.integers(1, 200)
)


@given(st.lists(bars, max_size=6), st.integers(20, 260))
@settings(max_examples=60)
def test_the_words_of_a_region_lie_over_no_bar_where_there_is_room(taken: list[QRectF], top: int) -> None:
    region, size = QRectF(0, top, 500, 280 - top), QSizeF(60, 14)

    rect = place_in_region(region, size, taken, [], BOUNDS)

    assert BOUNDS.contains(rect)
    # Six bars of 4 pixels leave a gap of at least 68 pixels in 500, whichever their places.
    assert not any(rect.intersects(bar) for bar in taken)


def test_the_words_of_a_region_leave_a_line_where_they_can() -> None:
    line = QLineF(0, 270, 500, 270)

    rect = place_in_region(QRectF(0, 200, 500, 80), QSizeF(60, 14), [], [line], BOUNDS)

    assert not crosses(rect, line)
    assert rect.right() > 490


def test_words_of_a_corner_give_way_to_a_line_and_stay_where_nothing_is_free() -> None:
    wanted, line = QRectF(400, 2, 90, 14), QLineF(0, 10, 500, 10)

    assert place_near(wanted, 4, [], []) == wanted
    assert place_near(wanted, 4, [], [line]) == QRectF(400, 14, 90, 14)
    assert place_near(wanted, 4, [BOUNDS], [line]) == wanted
