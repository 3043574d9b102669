"""What a page is given, with a document that holds evidence in memory in place of a study file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from PySide6.QtCore import QCoreApplication, QEvent, QObject, Signal
from PySide6.QtWidgets import QApplication

from core.decide.decision import decide
from core.decide.outcome import Decision
from core.evidence import StudyEvidence
from gui.context import Context
from gui.i18n import Translator
from gui.jobs.background import Background
from gui.preferences import Preferences
from gui.theme import Theme

_DECIDED: dict[int, tuple[StudyEvidence, Decision]] = {}


def decided_once(evidence: StudyEvidence) -> Decision:
    """As `decide`, but only once for each evidence, which is kept so that no other has its identity."""
    if id(evidence) not in _DECIDED:
        _DECIDED[id(evidence)] = evidence, decide(evidence)
    return _DECIDED[id(evidence)][1]


class MemoryStore:
    """The one question that pages ask of a store."""

    def __init__(self, evidence: StudyEvidence) -> None:
        self._evidence = evidence

    def evidence(self) -> StudyEvidence:
        """Everything measured."""
        return self._evidence


class MemoryDocument(QObject):
    """Stands in for the open study; `show` replaces its evidence as a finished job would."""

    opened = Signal()
    rows_changed = Signal()
    results_changed = Signal()

    def __init__(self, background: Background, evidence: StudyEvidence, path: Path) -> None:
        super().__init__()
        self._background = background
        self._evidence = evidence
        self.path = path
        self.is_open = True
        self.queries = 0

    def show(self, evidence: StudyEvidence) -> None:
        """Hold other rows."""
        self._evidence = evidence
        self.rows_changed.emit()
        self.results_changed.emit()

    def query(
        self, question: Callable[[Any], Any], done: Callable[[Any], None], failed: Callable[[Exception], None]
    ) -> None:
        """Ask off the UI thread."""
        self.queries += 1
        store = MemoryStore(self._evidence)
        self._background.submit(lambda: question(store), done, failed)

    def compute(self, run: Callable[[], Any], done: Callable[[Any], None], failed: Callable[[Exception], None]) -> None:
        """Work out off the UI thread."""
        self._background.compute(run, done, failed)


class PageWorld:
    """A context and its parts; `close` ends the background thread."""

    def __init__(self, application: QApplication, evidence: StudyEvidence, path: Path) -> None:
        self.theme = Theme(application, "light")
        self.translator = Translator(application, "en")
        self.background = Background()
        self.document = MemoryDocument(self.background, evidence, path)
        self.preferences = Preferences()
        self.context = Context(
            self.theme, self.translator, self.background, cast("Any", self.document), self.preferences
        )

    def close(self) -> None:
        """End the thread and let go of everything."""
        self.background.close()
        for part in (self.document, self.background, self.preferences, self.translator, self.theme):
            part.deleteLater()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
