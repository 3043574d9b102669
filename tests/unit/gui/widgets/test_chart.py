from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pyqtgraph as pg
import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QPointF, QSize
from PySide6.QtGui import QImage, QPainter, QPicture
from PySide6.QtWidgets import QApplication, QGraphicsSimpleTextItem, QToolButton
from pytestqt.qtbot import QtBot

from core.charts import Axis, Band, Bar, ChartSpec, Corner, Line, Point, chart_table
from core.decide.outcome import Message
from core.domain import Role
from gui.i18n import Translator
from gui.theme import Theme
from gui.widgets.chart import LIVE_INTERVAL_MS, ChartView
from gui.widgets.chart_growth import only_appended
from gui.widgets.chart_marks import mark_radius


def text(words: str) -> Message:
    return Message("test.words", {}, words)


COST = Axis(text("Cost per 1,000 right answers"), "USD", "money", better="low", log=True)
ACCURACY = Axis(text("Accuracy"), "", "percent", better="high", maximum=1.0)


def point(name: str, role: Role, x: float, y: float, excluded: str | None = None) -> Point:
    reason = text(excluded) if excluded else None
    return Point(name, text(name), role, x, y, y - 0.017, y + 0.016, x * 0.95, x * 1.06, reason, on_front=not excluded)


POINTS = (
    point("teacher", Role.TEACHER, 2.1, 0.924),
    point("student-3l-int8", Role.STUDENT, 0.178, 0.885),
    point("student-1l-int8", Role.STUDENT, 0.13, 0.843),
    point("student-3l-pruned", Role.STUDENT, 0.15, 0.84, "p95 latency 240 ms is over the limit of 200 ms"),
    replace(point("hybrid", Role.HYBRID, 0.41, 0.918), chosen=True),
)
SCATTER = ChartSpec(
    "quality_cost",
    "scatter",
    text("Quality against cost"),
    COST,
    ACCURACY,
    POINTS,
    (Line("pareto", text("Pareto front"), "pareto", (0.13, 0.178, 0.41, 2.1), (0.843, 0.885, 0.918, 0.924)),),
    (Band(text("below your minimum, 80 %"), "y", None, 0.8),),
    corner=Corner(text("most attractive"), "top_left"),
)


def loss(count: int, code: str = "loss") -> ChartSpec:
    xs = tuple(float(step) for step in range(count))
    line = Line("loss", text("loss"), "measured", xs, tuple(2.0 / (1 + x / 50) for x in xs))
    steps, height = Axis(text("Step"), "", "count"), Axis(text("Loss"), "", "number", better="low")
    return ChartSpec(code, "lines", text("Training loss"), steps, height, lines=(line,))


@pytest.fixture
def theme(qapp: QApplication) -> Iterator[Theme]:
    made = Theme(qapp, "light")
    yield made
    made.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


@pytest.fixture
def translator(qapp: QApplication) -> Iterator[Translator]:
    made = Translator(qapp, "en")
    yield made
    made.set_choice("en")
    made.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


@pytest.fixture
def show(qtbot: QtBot, theme: Theme, translator: Translator) -> Callable[[ChartSpec, QSize], ChartView]:
    def shown(spec: ChartSpec, size: QSize | None = None) -> ChartView:
        view = ChartView(theme, translator)
        qtbot.addWidget(view)
        view.resize(size or QSize(640, 380))
        view.set_spec(spec)
        view.show()
        qtbot.waitExposed(view)
        view.canvas.settle()
        return view

    return shown


Show = Callable[..., ChartView]


def words_on(view: ChartView) -> list[str]:
    return [item.text() for item in view.canvas.scene.items() if isinstance(item, QGraphicsSimpleTextItem)]


@pytest.mark.parametrize("size", [QSize(640, 380), QSize(760, 320), QSize(420, 300)])
def test_direct_labels_cover_neither_points_nor_each_other(show: Show, size: QSize) -> None:
    view = show(SCATTER, size)
    labels = view.canvas.placed_labels

    assert {label.block.name for label in labels} == {each.name for each in POINTS}
    for first, second in combinations(labels, 2):
        assert not first.rect.intersects(second.rect), (first.block.name, second.block.name)
    for label in labels:
        assert view.canvas.plot_rect().contains(label.rect)
        for each in POINTS:
            centre = view.canvas.to_scene(each.x, each.y)
            reach = mark_radius(each)
            assert not label.rect.adjusted(-reach + 1, -reach + 1, reach - 1, reach - 1).contains(centre)


def test_an_excluded_point_keeps_its_place_and_tells_its_reason(show: Show) -> None:
    view = show(SCATTER, QSize(1000, 380))

    assert "student-3l-pruned" in words_on(view)
    assert "p95 latency 240 ms is over the limit of 200 ms" in words_on(view)


def test_the_limit_and_the_attractive_corner_stand_in_words(show: Show) -> None:
    words = words_on(show(SCATTER))

    assert "below your minimum, 80 %" in words
    assert "↖ most attractive" in words


def test_axis_captions_say_scale_and_direction(show: Show) -> None:
    canvas = show(SCATTER).canvas

    assert canvas.axis_caption(COST, vertical=False) == "Cost per 1,000 right answers, log scale (cheaper to the left)"
    assert canvas.axis_caption(ACCURACY, vertical=True) == "Accuracy (higher is better)"


def tick_words(view: ChartView, side: str) -> list[str]:
    """The words of the ticks that pyqtgraph draws, which leaves out those that reach beyond the axis."""
    plot: pg.PlotWidget | None = view.canvas.findChild(pg.PlotWidget)
    assert plot is not None
    axis = plot.getPlotItem().getAxis(side)
    painter = QPainter(picture := QPicture())
    painter.setFont(axis.style["tickFont"])
    _, _, texts = axis.generateDrawSpecs(painter)
    painter.end()
    assert not picture.isNull()
    return [words.replace("\u00a0", " ") for _, _, words in texts]


@pytest.mark.parametrize("size", [QSize(1000, 320), QSize(420, 300)])
@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_the_ends_of_a_bounded_axis_keep_their_words(
    show: Show, translator: Translator, language: str, size: QSize
) -> None:
    translator.set_choice(language)
    share = Axis(text("Share"), "share", "percent", minimum=0.0, maximum=1.0)
    line = Line("curve", text("curve"), "curve", (0.0, 0.5, 1.0), (0.0, 0.8, 1.0))
    view = show(ChartSpec("curve", "lines", text("Curve"), share, share, lines=(line,)), size)
    for side in ("left", "bottom"):
        words = [each.replace(" ", "") for each in tick_words(view, side)]
        assert (words[0], words[-1]) == ("0%", "100%"), side


def test_a_label_at_the_right_edge_chooses_its_place_before_one_with_room(show: Show) -> None:
    rows, quality = Axis(text("Rows"), "", "count"), Axis(text("Quality"), "share", "percent", maximum=1.0)
    points = tuple(Point(f"{x:g}", text(f"{x:g} more labelled rows would do"), None, x, 0.8) for x in (2400.0, 4000.0))
    line = Line("law", text("law"), "curve", (0.0, 4000.0), (0.8, 0.8))
    view = show(ChartSpec("edge", "lines", text("Edge"), rows, quality, points, (line,)), QSize(700, 320))
    placed = {label.block.name: label.rect for label in view.canvas.placed_labels}
    assert placed["4000"].right() <= view.canvas.to_scene(4000.0, 0.8).x() + 6.5
    assert placed["4000"].bottom() < placed["2400"].top()


def test_hovering_tells_the_row_with_its_intervals(show: Show) -> None:
    canvas = show(SCATTER).canvas
    near = canvas.point_near(canvas.to_scene(0.41, 0.918) + QPointF(4, 3))

    assert near is not None
    assert near.name == "hybrid"
    told = canvas.describe(near).replace("\u00a0", " ")
    assert told == "hybrid\nAccuracy: 91.8 % (90.1 to 93.4 %)\nCost per 1,000 right answers: $0.41 ($0.39 to $0.43)"
    assert canvas.point_near(canvas.plot_rect().bottomRight()) is None


def test_a_theme_change_recolours_the_drawn_chart(show: Show, theme: Theme) -> None:
    view = show(SCATTER)
    light = view.grab().toImage().pixelColor(5, view.height() - 5)
    hybrid = view.canvas.to_scene(0.41, 0.918).toPoint()
    theme.set_choice("dark")
    view.canvas.settle()
    canvas = view.canvas.grab().toImage()

    assert canvas.pixelColor(hybrid).name() == theme.color("hybrid").name()
    assert canvas.pixelColor(3, 3).name() == theme.color("surface").name()
    assert light.name() != theme.color("surface").name()


def test_a_language_change_rewords_captions_and_links(show: Show, translator: Translator) -> None:
    view = show(SCATTER)
    translator.set_choice("zh_CN")

    assert view.copy_button.text() == "复制"
    assert view.canvas.axis_caption(ACCURACY, vertical=True).endswith("（越高越好）")


def test_the_table_holds_what_the_chart_shows(show: Show) -> None:
    view = show(SCATTER)
    view.table_button.click()
    table = chart_table(SCATTER)
    model = view.table.cells

    assert view.table.isVisible()
    assert (model.rowCount(), model.columnCount()) == (len(table.rows), len(table.columns))
    for row, expected in enumerate(table.rows):
        shown = [cell.text if isinstance(cell, Message) else cell for cell in expected]
        assert [model.cell(row, column).value for column in range(len(expected))] == shown
    figures = {value for row in table.rows for value in row if isinstance(value, float)}
    assert {each.x for each in POINTS} | {each.y for each in POINTS} <= figures


def test_every_control_of_a_chart_has_an_accessible_name(show: Show) -> None:
    view = show(SCATTER)

    assert view.canvas.accessibleName() == "Quality against cost"
    assert view.canvas.accessibleDescription()
    assert view.table.accessibleName() == "Table of Quality against cost"
    for button in view.findChildren(QToolButton):
        assert "Quality against cost" in button.accessibleName()


def test_a_chart_is_saved_as_svg_png_and_csv(show: Show, tmp_path: Path) -> None:
    view = show(SCATTER)
    for kind in ("svg", "png", "csv"):
        view.save(tmp_path / f"chart.{kind}")

    svg = (tmp_path / "chart.svg").read_text(encoding="utf-8")
    assert "most attractive" in svg
    assert "Quality against cost" in svg
    image = QImage(str(tmp_path / "chart.png"))
    assert image.width() > 2 * 600
    rows = list(csv.reader((tmp_path / "chart.csv").read_text(encoding="utf-8-sig").splitlines()))
    assert len(rows) == 1 + len(chart_table(SCATTER).rows)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["chart.csv", "chart.png", "chart.svg"]


def test_saving_where_nothing_can_be_written_says_so_and_leaves_nothing(
    show: Show, tmp_path: Path, qtbot: QtBot, translator: Translator
) -> None:
    view = show(SCATTER)
    with qtbot.waitSignal(view.message) as told:
        view._save_and_tell(str(tmp_path / "absent" / "chart.png"))

    assert told.args is not None
    assert told.args[0] == "bad"
    assert "choose another folder" in told.args[1](translator)


def test_copying_puts_image_and_rows_on_the_clipboard(show: Show, qapp: QApplication) -> None:
    show(SCATTER).copy()
    data = qapp.clipboard().mimeData()

    assert data is not None
    assert data.hasImage()
    assert "student-3l-int8" in data.text()


def test_an_empty_chart_says_what_will_stand_there(show: Show) -> None:
    view = show(ChartSpec("quality_cost", "scatter", text("Quality"), COST, ACCURACY, empty=text("Nothing yet.")))

    assert view.empty.isVisible()
    assert view.empty.text() == "Nothing yet."
    assert not view.copy_button.isEnabled()


def test_appended_points_touch_the_curve_only(show: Show) -> None:
    view = show(loss(100))
    before = view.canvas._curves["loss"]
    view.set_spec(loss(200))

    assert view.canvas._curves["loss"] is before
    assert before.getData()[0].max() == 199


def test_the_grid_stays_at_the_ticks_when_a_curve_outgrows_its_axis(show: Show) -> None:
    view = show(loss(4))
    for steps in (40, 400):
        view.set_spec(loss(steps))
    grid = [item.value() for item in view.canvas._plot.getPlotItem().items if isinstance(item, pg.InfiniteLine)]

    assert sorted(grid) == [view.canvas._y.coordinate(tick) for tick in view.canvas._y.ticks]


def test_another_curve_is_drawn_anew(show: Show) -> None:
    view = show(loss(100))
    before = view.canvas._curves["loss"]
    view.set_spec(loss(200, code="another"))

    assert view.canvas._curves["loss"] is not before
    assert not only_appended(loss(200), loss(100))


def test_long_curves_are_thinned_before_they_are_drawn(show: Show) -> None:
    view = show(loss(60_000))

    assert len(view.canvas._curves["loss"].getData()[0]) < 2000


def test_live_updates_are_drawn_at_most_ten_times_a_second(show: Show, qtbot: QtBot) -> None:
    view = show(loss(10))
    for count in range(11, 40):
        view.set_live_spec(loss(count))
    first = view.spec

    assert first == loss(11)
    qtbot.waitUntil(lambda: view.spec == loss(39), timeout=LIVE_INTERVAL_MS * 10)
    qtbot.waitUntil(lambda: not view._live.isActive(), timeout=LIVE_INTERVAL_MS * 10)


def test_bars_are_drawn_around_their_origin(show: Show) -> None:
    bars = (Bar("requests", text("Requests a month"), 4000, 6400), Bar("price", text("Teacher price"), 5600, 3000))
    money = Axis(text("Net benefit a month"), "USD", "money", better="high")
    view = show(ChartSpec("tornado", "bars", text("What matters"), money, money, bars=bars, bar_origin=5200))

    assert view.canvas.plot_rect().width() > 100
    assert view.canvas.point_near(QPointF(10, 10)) is None


def test_the_table_speaks_the_language_in_force_and_writes_figures_as_the_axes_do(
    show: Show, translator: Translator
) -> None:
    translator.set_choice("zh_CN")
    view = show(SCATTER)
    view.table_button.click()
    model = view.table.cells
    texts = {model.cell(row, column).text for row in range(model.rowCount()) for column in range(model.columnCount())}

    assert "教师模型" in texts
    assert "91.8%" in texts
    assert "$0.41" in texts
    # What is copied and written as CSV is what is shown.
    assert "教师模型" in {model.cell(row, 1).value for row in range(model.rowCount())}


@pytest.mark.parametrize(("height", "shown"), [(0.8, True), (0.3, False)])
def test_a_limit_is_drawn_with_its_words_where_it_is_near_the_marks_and_else_not_at_all(
    show: Show, height: float, shown: bool
) -> None:
    limit = Line("retain", text("95 % of the teacher"), "limit", (0.13, 2.1), (height, height))
    view = show(replace(SCATTER, lines=(limit,), bands=()), QSize(640, 380))
    assert (view.canvas.to_scene(0.13, height).y() < view.canvas.plot_rect().bottom()) is shown
    assert ("95 % of the teacher" in words_on(view)) is shown


def test_a_title_without_room_is_cut_with_a_mark_and_told_on_hover(show: Show) -> None:
    whole = "Search for the smallest student: quality against speed of its trials"
    view = show(replace(SCATTER, title=text(whole)), QSize(420, 300))
    assert view.title.text().endswith("…")
    assert view.title.toolTip() == whole
    assert view.title.geometry().right() < view.copy_button.x()


def test_every_line_of_the_grid_has_its_words(show: Show) -> None:
    for top in (0.63, 0.64, 0.645, 0.65, 0.66):
        points = (point("a", Role.STUDENT, 0.15, top), point("b", Role.STUDENT, 0.24, 0.626))
        view = show(replace(SCATTER, points=points, bands=(), lines=()), QSize(530, 270))
        assert len(tick_words(view, "left")) == len(view.canvas._y.ticks), top
