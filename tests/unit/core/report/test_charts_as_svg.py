import math
import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.charts import Axis, Band, Bar, ChartSpec, Corner, Line, Point
from core.decide.outcome import Message
from core.domain import Role
from core.report.scale import Scale, make_scale, tick_labels
from core.report.svg import HEIGHT, WIDTH, draw, text_width


def say(text: str) -> Message:
    return Message("test.words", {}, text)


MONEY = Axis(say("Cost"), "USD", "money", "low", log=True)
QUALITY = Axis(say("Quality"), "", "percent", "high", minimum=0.0, maximum=1.0)
POINTS = (
    Point("teacher", say("teacher"), Role.TEACHER, 4.0, 0.93, 0.92, 0.94, on_front=True),
    Point("small", say("small"), Role.STUDENT, 0.4, 0.85, 0.83, 0.87, excluded=say("over the limit")),
    Point("mix", say("mix & match <b>"), Role.HYBRID, 1.0, 0.92, 0.9, 0.93, chosen=True),
)
SCATTER = ChartSpec(
    "quality_cost",
    "scatter",
    say("Quality against cost"),
    MONEY,
    QUALITY,
    points=POINTS,
    lines=(Line("front", say("front"), "pareto", (0.4, 1.0, 4.0), (0.85, 0.92, 0.93)),),
    bands=(Band(say("below your minimum"), "y", None, 0.8),),
    corner=Corner(say("most attractive"), "top_left"),
)
TORNADO = ChartSpec(
    "tornado",
    "bars",
    say("What matters"),
    Axis(say("Net benefit"), "USD", "money"),
    Axis(say(""), "", "number"),
    bars=(Bar("load", say("Requests"), 120.0, 480.0), Bar("price", say("Price"), 330.0, 290.0)),
    bar_origin=300.0,
)


def elements(spec: ChartSpec, name: str) -> list[ElementTree.Element]:
    return list(ElementTree.fromstring(draw(spec, "en")).iter(name))  # noqa: S314  # our own output


def test_each_role_has_its_own_shape_in_its_own_class() -> None:
    marks = {
        element.get("class"): element.tag
        for kind in ("rect", "circle", "polygon")
        for element in elements(SCATTER, kind)
    }
    assert marks["mark teacher"] == "rect"
    assert marks["mark student faded"] == "circle"
    assert marks["mark hybrid"] == "polygon"


def test_words_are_escaped_and_the_reason_of_an_excluded_point_is_told() -> None:
    words = [element.text for element in elements(SCATTER, "text")]
    assert "mix & match <b>" in words
    assert "<b>" not in draw(SCATTER, "en")
    assert "small: over the limit" in words
    assert {"below your minimum", "most attractive", "Cost", "Quality"} <= set(words)


def test_the_title_stands_inside_for_screen_readers() -> None:
    assert elements(SCATTER, "title")[0].text == "Quality against cost"


def test_no_style_script_or_colour_is_written_into_the_drawing() -> None:
    drawing = draw(SCATTER, "en") + draw(TORNADO, "en")
    for forbidden in ("style=", "<script", "#", "rgb", "href", "onload"):
        assert forbidden not in drawing


def test_everything_stands_within_the_drawing() -> None:
    for element in elements(SCATTER, "text"):
        assert 0 <= float(element.get("x", "-1")) <= WIDTH
        assert 0 <= float(element.get("y", "-1")) <= HEIGHT


def test_labels_do_not_cover_each_other() -> None:
    crowd = tuple(Point(f"c{n}", say(f"candidate {n}"), Role.STUDENT, 1 + n / 50, 0.9 + n / 500) for n in range(5))
    drawn = elements(replace(SCATTER, points=crowd), "text")
    labels = [element for element in drawn if (element.text or "").startswith("candidate")]
    boxes = [
        (float(element.get("x", "0")), float(element.get("y", "0")), text_width(element.text or ""))
        for element in labels
    ]
    assert len(boxes) == 5
    for place, (x, y, width) in enumerate(boxes):
        for other_x, other_y, other_width in boxes[place + 1 :]:
            apart = x + width <= other_x or other_x + other_width <= x or abs(y - other_y) >= 13
            assert apart


def test_bars_reach_from_the_origin_to_their_ends() -> None:
    low, high = (
        next(element for element in elements(TORNADO, "rect") if element.get("class") == name)
        for name in ("bar low", "bar high")
    )
    assert float(low.get("x", "0")) + float(low.get("width", "0")) == pytest.approx(float(high.get("x", "0")), abs=0.2)


def test_an_empty_chart_draws_nothing() -> None:
    assert draw(replace(SCATTER, empty=say("nothing yet")), "en") == ""


def test_a_chart_of_one_point_has_an_axis_around_it() -> None:
    one = replace(SCATTER, points=POINTS[:1], lines=(), bands=())
    assert "nan" not in draw(one, "en")
    assert len(elements(one, "line")) > 4


positive = st.floats(1e-6, 1e9)


@given(st.lists(positive, min_size=1, max_size=6), st.booleans())
def test_values_keep_their_order_in_pixels_and_stay_inside(values: list[float], log: bool) -> None:
    scale = make_scale(replace(MONEY, log=log), values, 10.0, 500.0)
    places = [scale.place(value) for value in sorted(values)]
    assert places == sorted(places)
    assert all(10.0 <= place <= 500.0 for place in places)


@given(positive, st.floats(1.2, 1e6), st.booleans())
def test_ticks_are_few_and_within_the_axis(low: float, factor: float, log: bool) -> None:
    scale = Scale(low, low * factor, 0.0, 100.0, log)
    ticks = scale.ticks()
    assert 1 <= len(ticks) <= 9
    assert all(low * (1 - 1e-6) <= tick <= low * factor * (1 + 1e-6) for tick in ticks)
    assert all(math.isfinite(tick) for tick in ticks)


def test_ticks_are_written_in_the_axis_format() -> None:
    assert tick_labels([0.85], QUALITY) == ["85\u00a0%"]
    assert tick_labels([0.1 + 0.2], replace(QUALITY, format="number")) == ["0.3"]


def test_amounts_of_an_axis_have_as_many_decimals_each_but_on_a_logarithmic_one() -> None:
    assert tick_labels([0.001, 0.5, 1, 20], MONEY) == ["$0.001", "$0.50", "$1", "$20"]
    even = replace(MONEY, log=False)
    assert tick_labels([3, 3.2, 3.4], even) == ["$3.00", "$3.20", "$3.40"]
    assert tick_labels([0, 500, 1000], even) == ["$0", "$500", "$1,000"]


def test_the_words_of_a_limit_lie_over_no_interval() -> None:
    words = "below your minimum"
    for high in (0.75, 0.79, 0.85):
        low = Point("low", say("low"), Role.STUDENT, 3.9, 0.72, 0.6, high)
        spec = replace(SCATTER, points=(*POINTS, low))
        told = next(element for element in elements(spec, "text") if element.text == words)
        right, base = float(told.get("x") or 0), float(told.get("y") or 0)
        whiskers = [line for line in elements(spec, "line") if "whisker" in str(line.get("class"))]
        for line in whiskers:
            x, top, bottom = (float(line.get(name) or 0) for name in ("x1", "y2", "y1"))
            beside = x > right or x < right - text_width(words)
            assert beside or base < min(top, bottom) or base - 11 > max(top, bottom)
