from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from gui.app import Application


def titles(application: Application) -> list[str]:
    model = application.window.palette_search.list.model()
    return [str(model.index(row, 0).data()) for row in range(model.rowCount())]


def test_typing_narrows_the_enabled_actions_and_return_runs_one(qtbot: QtBot, open_study: Application) -> None:
    window = open_study.window
    window.palette_search.open()
    assert not any("Redo" in title for title in titles(open_study))
    QTest.keyClicks(window.palette_search.field, "go to rep")
    assert len(titles(open_study)) == 1
    QTest.keyClick(window.palette_search.field, Qt.Key.Key_Return)
    assert window.current_page == "report"
    assert window.palette_search.isHidden()


def test_arrow_keys_choose_and_escape_closes(qtbot: QtBot, open_study: Application) -> None:
    palette = open_study.window.palette_search
    palette.open()
    QTest.keyClick(palette.field, Qt.Key.Key_Down)
    assert palette.list.currentIndex().row() == 1
    QTest.keyClick(palette.field, Qt.Key.Key_Up)
    QTest.keyClick(palette.field, Qt.Key.Key_Up)
    assert palette.list.currentIndex().row() == len(titles(open_study)) - 1
    QTest.keyClick(palette.field, Qt.Key.Key_Escape)
    assert palette.isHidden()
