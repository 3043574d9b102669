"""The decision on the rows of the open study, computed off the UI thread, only after results have changed."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal

from core.decide.decision import decide
from core.decide.outcome import Decision
from core.evidence import StudyEvidence
from gui.document import StudyDocument


@dataclass(frozen=True, eq=False)
class Decided:
    """A decision with the evidence it rests on."""

    evidence: StudyEvidence
    decision: Decision

    @property
    def is_measured(self) -> bool:
        """Whether any candidate is measured, so that there is something to say."""
        return any(candidate.state == "measured" for candidate in self.decision.candidates)


class StoredDecision(QObject):
    """Keeps the decision of the open study for every page that shows it.

    `changed` fires when `decided` or `problem` is another one.
    `outdated` fires when results have changed; call `refresh` once the decision is needed.
    """

    changed = Signal()
    outdated = Signal()

    def __init__(self, document: StudyDocument, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._stale = True
        self._asking = False
        self.decided: Decided | None = None
        self.problem: Exception | None = None
        document.results_changed.connect(self._results_changed)
        document.opened.connect(self._opened)

    def refresh(self) -> None:
        """Read the rows and decide, where results have changed since the last time."""
        if self._document.is_open and self._stale and not self._asking:
            self._stale, self._asking = False, True
            self._document.query(lambda store: store.evidence(), self._decide, self._refused)

    @property
    def deciding(self) -> bool:
        """Whether a decision is being made."""
        return self._asking

    def _decide(self, evidence: StudyEvidence) -> None:
        self._document.compute(lambda: Decided(evidence, decide(evidence)), self._received, self._refused)

    def _received(self, decided: Decided) -> None:
        self._settle(decided, None)

    def _refused(self, error: Exception) -> None:
        self._settle(None, error)

    def _settle(self, decided: Decided | None, problem: Exception | None) -> None:
        self._asking = False
        self.decided, self.problem = decided, problem
        self.changed.emit()
        if self._stale:
            self.outdated.emit()

    def _results_changed(self) -> None:
        self._stale = True
        self.outdated.emit()

    def _opened(self) -> None:
        """Answers on the study before this one never arrive: the document drops them."""
        self._asking, self._stale = False, True
        self.decided = self.problem = None
        self.changed.emit()
        self.outdated.emit()
