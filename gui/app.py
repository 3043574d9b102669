"""The composition root: builds the application's services and its window once, and hands them on."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QTimer
from PySide6.QtWidgets import QApplication

from gui.context import Context
from gui.document import StudyDocument
from gui.i18n import Translator
from gui.jobs.background import Background
from gui.jobs.queue import JobQueue
from gui.main_window import MainWindow
from gui.preferences import Preferences
from gui.theme import Theme, application_icon


@dataclass(frozen=True, eq=False)
class Application:
    """Everything that lives as long as the application."""

    qt: QApplication
    context: Context
    queue: JobQueue
    window: MainWindow

    def close(self) -> None:
        """End the background thread and let go of everything. Call it after the window has closed."""
        self.context.background.close()
        context = self.context
        for part in (self.window, self.queue, context.document, context.background, context.translator, context.theme):
            part.deleteLater()
        context.preferences.deleteLater()


def build(qt: QApplication) -> Application:
    """The services and the window, not shown yet."""
    preferences = Preferences(qt)
    theme = Theme(qt, preferences.settings.theme)
    translator = Translator(qt, preferences.settings.language)
    background = Background()
    document = StudyDocument(background)
    context = Context(theme, translator, background, document, preferences)
    queue = JobQueue(document)
    window = MainWindow(context, queue)
    theme.dress()

    def follow_preferences() -> None:
        theme.set_choice(preferences.settings.theme)
        translator.set_choice(preferences.settings.language)

    preferences.changed.connect(follow_preferences)
    return Application(qt, context, queue, window)


def run(file: Path | None = None, study_file: Path | None = None) -> int:
    """Show the window until it is closed; the exit status.

    `file` is the study to open; where it does not exist yet and `study_file` is given, it is made from that.
    """
    QCoreApplication.setApplicationName("Tercet")
    QCoreApplication.setOrganizationName("Tercet")
    running = QApplication.instance()
    qt = running if isinstance(running, QApplication) else QApplication(sys.argv[:1])
    qt.setStyle("Fusion")
    qt.setDesktopFileName("tercet")
    qt.setWindowIcon(application_icon())
    application = build(qt)
    application.window.show()
    if file is not None:
        QTimer.singleShot(0, application.window, lambda: application.window.open_at_start(file, study_file))
    status = qt.exec()
    application.close()
    return int(status)
