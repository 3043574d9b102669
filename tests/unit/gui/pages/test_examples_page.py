"""The Examples page on a finished study of imported predictions: 120 test rows, two candidates and their hybrid."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from sample_studies import finished_study
from window_support import built_application, open_in

from core.decide import Decision, decide
from core.errors import UserError
from core.evidence import StudyEvidence
from core.store import StudyStore
from core.store.question import Show
from gui.app import Application
from gui.jobs import stored_decision
from gui.pages import examples
from gui.pages.examples import ExamplesPage
from gui.widgets.decision_tabs import CANDIDATES


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return finished_study(tmp_path_factory.mktemp("examples"))


@pytest.fixture(scope="module")
def decision(study: Path) -> Decision:
    """On the study's rows, which no test changes."""
    with StudyStore.open(study, write=False) as store:
        return decide(store.evidence())


@pytest.fixture
def application(qtbot: QtBot, qapp: QApplication) -> Iterator[Application]:
    with built_application(qtbot, qapp) as made:
        yield made


@pytest.fixture
def page(
    qtbot: QtBot, application: Application, study: Path, decision: Decision, monkeypatch: pytest.MonkeyPatch
) -> ExamplesPage:
    monkeypatch.setattr(stored_decision, "decide", lambda _evidence: decision)
    monkeypatch.setattr(examples, "PAGE_ROWS", 50)
    open_in(qtbot, application, study)
    application.window.show_page("examples")
    shown = application.window.examples_page
    qtbot.waitUntil(lambda: sides(shown) == ["big", "small", "both"], timeout=60_000)
    settle(qtbot, shown)
    return shown


def sides(page: ExamplesPage) -> list[str]:
    """Whose answers the rows in sight hold."""
    return [] if page.question is None else [side.name for side in page.question.sides]


def settle(qtbot: QtBot, page: ExamplesPage) -> None:
    qtbot.waitUntil(lambda: not page.context.background.busy, timeout=60_000)


def titles(page: ExamplesPage) -> list[str]:
    header = page.table.headerData
    columns = [place for place in range(page.table.columnCount()) if not page.view.isColumnHidden(place)]
    return [str(header(place, Qt.Orientation.Horizontal)) for place in columns]


def test_the_columns_fill_a_table_that_grows_after_its_rows_have_come(qtbot: QtBot, page: ExamplesPage) -> None:
    def width() -> int:
        return sum(page.view.columnWidth(place) for place in range(page.table.columnCount()))

    page.view.resize(400, 300)
    page.view.resize(2400, 300)
    qtbot.waitUntil(lambda: width() == page.view.viewport().width())
    assert page.view.viewport().width() > 2300


def test_it_opens_on_teacher_student_and_hybrid_and_says_how_they_compare(page: ExamplesPage) -> None:
    assert titles(page) == [
        *("Input", "Target", "big", "Confid.", "Latency", "small", "Confid.", "Latency", "both"),
    ]
    assert page.shown.text() == "120 rows"
    assert page.sentence.text().startswith("Of 120 test rows both answer ")


@pytest.fixture
def waiting(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Decisions wait until it is set."""
    allowed = threading.Event()

    def decide_late(evidence: StudyEvidence) -> Decision:
        allowed.wait(60)
        return decide(evidence)

    monkeypatch.setattr(stored_decision, "decide", decide_late)
    yield allowed
    allowed.set()


def test_rows_stand_before_the_decision_and_keep_their_place_when_the_hybrid_joins_them(
    qtbot: QtBot, application: Application, study: Path, waiting: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(examples, "PAGE_ROWS", 50)
    open_in(qtbot, application, study)
    application.window.show_page("examples")
    page = application.window.examples_page
    qtbot.waitUntil(lambda: page.table.rowCount() > 0, timeout=60_000)
    assert sides(page) == ["big", "small"]
    assert page.pending.isVisible()
    page.view.horizontalHeader().sectionClicked.emit(0)
    qtbot.waitUntil(lambda: titles(page)[0] == "Input ▲", timeout=60_000)
    while page.table.rowCount() < 120:
        page.table.fetchMore()
        QApplication.processEvents()
    page.view.selectRow(110)
    page.view.verticalScrollBar().setValue(page.view.verticalScrollBar().maximum())
    chosen, scrolled = page.table.examples[110].example, page.view.verticalScrollBar().value()
    waiting.set()
    qtbot.waitUntil(lambda: titles(page)[-1] == "both", timeout=60_000)
    settle(qtbot, page)
    assert not page.pending.isVisible()
    assert (page.view.currentIndex().row(), page.view.verticalScrollBar().value()) == (110, scrolled)
    assert page.table.examples[110].example == chosen
    assert titles(page)[0] == "Input ▲"
    assert page.details.parts[0].text.toPlainText() == chosen.input


def test_a_hybrid_that_waits_for_the_decision_shows_its_two_models(
    qtbot: QtBot, application: Application, study: Path, waiting: threading.Event
) -> None:
    open_in(qtbot, application, study)
    application.window.show_page("examples")
    page = application.window.examples_page
    page.show_candidate("both")
    qtbot.waitUntil(lambda: page.table.rowCount() > 0, timeout=60_000)
    assert sides(page) == ["big", "small"]
    waiting.set()
    qtbot.waitUntil(lambda: sides(page) == ["big", "small", "both"], timeout=60_000)


def test_rows_stand_where_nothing_can_be_decided(
    qtbot: QtBot, application: Application, study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(evidence: StudyEvidence) -> Decision:
        raise UserError("store.exists", path="x")

    monkeypatch.setattr(stored_decision, "decide", refuse)
    open_in(qtbot, application, study)
    application.window.show_page("examples")
    page = application.window.examples_page
    qtbot.waitUntil(lambda: page.table.rowCount() > 0 and page.stored.problem is not None, timeout=60_000)
    assert sides(page) == ["big", "small"]
    assert not page.pending.isVisible()


def test_a_study_is_decided_once_when_it_is_opened(
    qtbot: QtBot, application: Application, study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decided: list[StudyEvidence] = []

    def counted(evidence: StudyEvidence) -> Decision:
        decided.append(evidence)
        return decide(evidence)

    monkeypatch.setattr(stored_decision, "decide", counted)
    open_in(qtbot, application, study)
    page = application.window.examples_page
    qtbot.waitUntil(lambda: page.stored.decided is not None, timeout=60_000)
    settle(qtbot, page)
    assert len(decided) == 1


def test_further_rows_are_read_once_when_the_last_ones_come_into_sight(qtbot: QtBot, page: ExamplesPage) -> None:
    settle(qtbot, page)
    before = page.table.rowCount()
    assert before in (50, 100)  # Qt may ask for a second page at once
    while page.table.canFetchMore():
        page.table.fetchMore()
        page.table.fetchMore()
        settle(qtbot, page)
    ids = [row.example.example_id for row in page.table.examples]
    assert len(ids) == len(set(ids)) == page.table.rowCount() == 120


def test_a_filter_shows_the_rows_that_only_the_first_has_right(qtbot: QtBot, page: ExamplesPage) -> None:
    page.filters.show_box.setCurrentIndex(list(Show).index(Show.ONLY_FIRST))
    settle(qtbot, page)
    assert page.filters.show_box.currentText() == "only big is right"
    scores = [[answer.prediction.score for answer in row.answers[:2] if answer] for row in page.table.examples]
    assert scores == [[1.0, 0.0]] * len(scores)
    assert page.shown.text() == f"{len(scores)} rows"


def test_words_are_looked_for_once_typing_pauses(qtbot: QtBot, page: ExamplesPage) -> None:
    wanted = page.table.examples[3].example.input
    page.filters.search.setText(wanted)
    qtbot.waitUntil(lambda: page.shown.text() == "1 row", timeout=60_000)
    assert [row.example.input for row in page.table.examples] == [wanted]


def test_a_click_on_a_title_sorts_by_it(qtbot: QtBot, page: ExamplesPage) -> None:
    header = page.view.horizontalHeader()
    header.sectionClicked.emit(6)
    settle(qtbot, page)
    assert titles(page)[6] == "Confid. ▲"
    header.sectionClicked.emit(6)
    settle(qtbot, page)
    assert titles(page)[6] == "Confid. ▼"
    found = [answer.prediction.confidence for row in page.table.examples if (answer := row.answers[1]) is not None]
    assert found == sorted(found, key=lambda value: -(value or 0.0))
    assert len(set(found)) > 5


def test_the_chosen_row_is_shown_whole(qtbot: QtBot, page: ExamplesPage) -> None:
    page.view.selectRow(2)
    row = page.table.examples[2]
    texts = [part.text.toPlainText() for part in page.details.parts if part.isVisible()]
    outputs = [answer.prediction.output for answer in row.answers if answer is not None]
    assert texts == [row.example.input, row.example.target, *outputs]
    hybrid = row.answers[2]
    assert hybrid is not None
    assert f"answered by {hybrid.answered}" in page.details.parts[4].figures.text()
    assert "confidence 0." in page.details.parts[2].figures.text()


def test_a_class_narrows_the_rows(qtbot: QtBot, page: ExamplesPage) -> None:
    page.filters.classes.setCurrentText("money")
    settle(qtbot, page)
    assert {row.example.target for row in page.table.examples} == {"money"}


def test_nobody_is_compared_with_oneself(page: ExamplesPage) -> None:
    for box, other in ((page.filters.first, page.filters.second), (page.filters.second, page.filters.first)):
        assert other.currentText() not in [box.itemText(place) for place in range(box.count())]


def test_a_candidates_row_on_the_decide_page_opens_its_examples(
    qtbot: QtBot, application: Application, page: ExamplesPage
) -> None:
    page.filters.search.setText("nothing has these words")
    qtbot.waitUntil(lambda: page.shown.text() == "0 rows", timeout=60_000)
    application.window.show_page("decide")
    tabs = application.window.decide_page.tabs
    qtbot.waitUntil(lambda: tabs.tabs[CANDIDATES].table.cells.rowCount() == 3, timeout=60_000)
    tabs.tabs[CANDIDATES].table.selectRow(1)
    tabs.examples_button.click()
    assert application.window.current_page == "examples"
    settle(qtbot, page)
    assert page.question is not None
    assert [side.name for side in page.question.sides] == ["big", "small", "both"]
    assert page.shown.text() == "120 rows"


def test_it_speaks_chinese_without_losing_the_rows(qtbot: QtBot, page: ExamplesPage) -> None:
    page.context.preferences.change(language="zh_CN")
    settle(qtbot, page)
    assert titles(page)[:2] == ["输入", "目标"]
    assert page.sentence.text().startswith("在 120 个测试行中")
    page.context.preferences.change(language="en")
