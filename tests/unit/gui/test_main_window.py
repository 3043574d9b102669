from __future__ import annotations

import functools
import json
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QAbstractScrollArea, QFileDialog, QLabel, QScrollBar, QWidget
from pytestqt.qtbot import QtBot
from window_support import fake_worker, job_states, open_in

from core.domain import JobState
from core.paths import config_folder
from core.study_file import load_study
from gui.app import Application
from gui.main_window import PAGES, SMALLEST_SIZE
from gui.pages.page import Page


def nameless(root: QWidget) -> list[str]:
    """Focusable widgets in sight that a screen reader could not name."""
    buddies = {label.buddy() for label in root.findChildren(QLabel) if label.buddy() is not None}
    found = []
    for widget in root.findChildren(QWidget):
        focusable = widget.focusPolicy() & Qt.FocusPolicy.TabFocus and widget.focusProxy() is None
        if not focusable or not widget.isVisible() or widget.objectName().startswith("qt_"):
            continue
        text = widget.text() if isinstance(widget, QAbstractButton) else ""
        if not (widget.accessibleName() or text or widget in buddies):
            found.append(f"{type(widget).__name__} in {type(widget.parentWidget()).__name__}")
    return found


@pytest.mark.parametrize("page_id", [*PAGES, "settings"])
def test_every_focusable_widget_has_a_name(qtbot: QtBot, open_study: Application, page_id: str) -> None:
    open_study.window.show_page(page_id)
    open_study.window.tell("warn", lambda _translator: "Something to dismiss.")
    qtbot.wait(30)
    assert nameless(open_study.window) == []


def test_every_focusable_widget_of_the_welcome_page_has_a_name(qtbot: QtBot, application: Application) -> None:
    application.window.show()
    qtbot.waitExposed(application.window)
    assert nameless(application.window) == []


@pytest.mark.parametrize("language", ["en", "zh_CN"])
@pytest.mark.parametrize("page_id", PAGES)
def test_a_page_fits_the_smallest_window(qtbot: QtBot, open_study: Application, page_id: str, language: str) -> None:
    window = open_study.window
    open_study.context.preferences.change(language=language)
    window.show_page(page_id)
    window.resize(*SMALLEST_SIZE)
    qtbot.wait(30)
    page = window.pages[page_id]
    assert isinstance(page, Page)
    assert (window.width(), window.height()) == SMALLEST_SIZE
    content = page.scroll_area.widget()
    assert content is not None
    assert content.minimumSizeHint().width() <= page.scroll_area.viewport().width()


def test_tab_reaches_rail_top_bar_and_page(qtbot: QtBot, open_study: Application) -> None:
    window = open_study.window
    reached: set[QWidget] = set()
    widget: QWidget | None = window.rail.buttons["study"]
    while widget is not None and widget not in reached:
        reached.add(widget)
        widget = widget.nextInFocusChain()
    assert window.top_bar.search in reached
    assert window.study_page.main_button in reached
    assert window.study_page.forms["cost"].rows["criteria.cost.monthly_budget"].editor.focusProxy() in reached


def test_without_a_study_the_pages_are_out_of_reach(qtbot: QtBot, application: Application) -> None:
    window = application.window
    window.show()
    assert window.current_page == "welcome"
    assert not window.rail.buttons["decide"].isEnabled()
    window.show_page("decide")
    assert window.current_page == "welcome"


def test_a_fresh_study_opens_on_its_question(open_study: Application) -> None:
    assert open_study.window.current_page == "study"
    assert "Measured elsewhere" in open_study.window.windowTitle()


def test_a_finished_study_opens_on_its_decision(qtbot: QtBot, open_study: Application, stored_study: Path) -> None:
    open_study.queue.command_of = fake_worker("succeed")
    open_study.queue.start()
    qtbot.waitUntil(lambda: job_states(open_study) == [JobState.SUCCEEDED] * 4, timeout=60_000)
    open_study.window.commands.close()
    qtbot.waitUntil(lambda: open_study.window.current_page == "welcome")
    open_in(qtbot, open_study, stored_study)
    assert open_study.window.current_page == "decide"


def test_a_study_is_made_from_a_study_file_named_at_start(
    qtbot: QtBot, application: Application, study_file: Path
) -> None:
    target = study_file.with_name("made.tercet")
    application.window.show()
    application.window.open_at_start(target, study_file)
    qtbot.waitUntil(lambda: application.context.document.is_open, timeout=5000)
    assert application.context.document.study == load_study(study_file).study
    assert target.exists()


def test_a_new_study_is_guessed_from_a_data_file(qtbot: QtBot, application: Application, tmp_path: Path) -> None:
    rows = "\n".join(f'"please help me with matter {row}",{"ab"[row % 2]}' for row in range(60))
    (tmp_path / "mail.csv").write_text(f"message,team\n{rows}\n", encoding="utf-8")
    commands, window = application.window.commands, application.window
    window.show()
    commands.new_from(tmp_path / "mail.csv")
    qtbot.waitUntil(lambda: bool(window.findChildren(QFileDialog)), timeout=8000)
    dialog = window.findChildren(QFileDialog)[0]
    dialog.fileSelected.emit(str(tmp_path / "mail.tercet"))
    dialog.close()
    qtbot.waitUntil(lambda: application.context.document.is_open, timeout=5000)
    study = application.context.document.study
    assert (study.data.file, study.data.columns.input, study.data.columns.target) == ("mail.csv", "message", "team")
    assert any("guessed from mail.csv" in text for text in window.message_bar.texts)


def test_a_file_that_is_no_study_is_refused_in_one_line(qtbot: QtBot, application: Application, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.tercet"
    wrong.write_bytes(b"not a database at all" * 50)
    application.window.show()
    application.window.open_at_start(wrong, None)
    qtbot.waitUntil(lambda: bool(application.window.message_bar.texts), timeout=3000)
    assert "wrong.tercet" in application.window.message_bar.texts[0]
    assert application.window.current_page == "welcome"


def test_interrupted_jobs_wait_where_the_setting_says_so(
    qtbot: QtBot, open_study: Application, stored_study: Path
) -> None:
    open_study.context.preferences.change(resume_on_open=False)
    open_study.queue.command_of = fake_worker("wait", "succeed")
    open_study.queue.start()
    qtbot.waitUntil(lambda: open_study.queue.live is not None, timeout=5000)
    open_study.window.commands.close()
    qtbot.waitUntil(lambda: not open_study.context.document.is_open, timeout=5000)
    open_in(qtbot, open_study, stored_study)
    assert not open_study.queue.active
    assert job_states(open_study)[0] is JobState.INTERRUPTED
    assert any("was interrupted" in text for text in open_study.window.message_bar.texts)


def test_an_opened_study_is_among_the_recent_ones(open_study: Application, stored_study: Path) -> None:
    assert open_study.context.preferences.settings.recent_files[0] == str(stored_study.resolve())


def test_settings_are_kept(open_study: Application) -> None:
    open_study.window.actions_table["theme.dark"].trigger()
    assert json.loads((config_folder() / "settings.json").read_text(encoding="utf-8"))["theme"] == "dark"
    assert open_study.context.theme.scheme == "dark"


def test_scrolling_areas_never_need_a_horizontal_bar(open_study: Application, qtbot: QtBot) -> None:
    open_study.window.resize(*SMALLEST_SIZE)
    qtbot.wait(30)
    for page_id in PAGES:
        open_study.window.show_page(page_id)
        page = open_study.window.pages[page_id]
        area = page.scroll_area
        assert isinstance(area, QAbstractScrollArea)
        bar = area.horizontalScrollBar()
        qtbot.waitUntil(functools.partial(_is_unneeded, bar))


def _is_unneeded(bar: QScrollBar) -> bool:
    return bar.maximum() == 0


def test_closing_twice_is_closing_once(qtbot: QtBot, open_study: Application) -> None:
    open_study.window.close()
    open_study.window.close()
    qtbot.waitUntil(lambda: open_study.window.closed, timeout=5000)
