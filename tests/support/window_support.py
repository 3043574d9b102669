"""The window in tests: opening a study in it, closing it, and workers that do what a test wants."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from core.domain import JobState
from gui.app import Application, build

FAKE_WORKER = Path(__file__).with_name("fake_worker.py")
CommandOf = Callable[[Path], list[str]]


@contextmanager
def built_application(qtbot: QtBot, qt: QApplication) -> Iterator[Application]:
    """The application with no study open; closed as a user does, with everything ended, when the test is over."""
    qt.setStyle("Fusion")
    application = build(qt)
    application.context.preferences.change(language="en", theme="light")
    yield application
    application.window.close()
    qtbot.waitUntil(lambda: application.window.closed, timeout=8000)
    application.close()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def open_in(qtbot: QtBot, application: Application, path: Path) -> None:
    """Open a study in the window and wait until its rows are there."""
    application.window.show()
    qtbot.waitExposed(application.window)
    with qtbot.waitSignal(application.context.document.rows_changed, timeout=5000):
        application.window.commands.open(path)


def fake_worker(*behaviours: str) -> CommandOf:
    """A command for each worker started, in turn; the last behaviour repeats."""
    left = list(behaviours)

    def command_of(folder: Path) -> list[str]:
        behaviour = left.pop(0) if len(left) > 1 else left[0]
        return [sys.executable, str(FAKE_WORKER), str(folder), behaviour]

    return command_of


def job_states(application: Application) -> list[JobState]:
    """The states of the open study's jobs in the order of the plan."""
    return [row.state for row in application.context.document.jobs]
