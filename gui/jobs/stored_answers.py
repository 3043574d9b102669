"""What of the open study can be laid side by side, read off the UI thread: the candidates' answers as soon as they are
stored, and the hybrids once the decision says which rows they send on."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QObject, Signal

from core.domain import Role
from core.drill_down import DrillDown, hybrids_of, measured_answers, with_hybrids
from core.store.question import RoutedSide
from gui.document import StudyDocument
from gui.jobs.stored_decision import StoredDecision


class StoredAnswers(QObject):
    """Keeps what can be compared. `changed` fires when `found`, or whether something is still to come, is another;
    `failed` carries what went wrong."""

    changed = Signal()
    failed = Signal(object)

    def __init__(self, document: StudyDocument, stored: StoredDecision, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document, self._stored = document, stored
        self._stale = True
        self._reading = False
        self._measured: DrillDown | None = None
        self.found: DrillDown | None = None
        stored.outdated.connect(self._outdated)
        stored.changed.connect(self._find_hybrids)
        document.opened.connect(self._opened)

    @property
    def reading(self) -> bool:
        """Whether the candidates' answers are being read."""
        return self._reading and self._document.is_open

    @property
    def hybrids_to_come(self) -> bool:
        """Whether a decision is being made that hybrids of the study wait for."""
        if not self._stored.deciding or not self._document.is_open:
            return False
        return any(candidate.role is Role.HYBRID for candidate in self._document.study.candidates)

    def refresh(self) -> None:
        """Read what has changed since the last time, and let decide on it."""
        if self._document.is_open and self._stale:
            self._stale, self._reading = False, True
            self._document.query(measured_answers, self._received, self._refused)
        self._stored.refresh()

    def _outdated(self) -> None:
        self._stale = True

    def _opened(self) -> None:
        """Answers on the study before this one never arrive: the document drops them."""
        self._measured = self.found = None
        self.changed.emit()

    def _received(self, measured: DrillDown | None) -> None:
        """Hybrids that were there stay until the next decision tells theirs."""
        before = () if self.found is None else self.found.sides
        self._reading, self._measured = False, measured
        hybrids = [side for side in before if isinstance(side, RoutedSide)]
        self._take(None if measured is None else with_hybrids(self._document.study, measured, hybrids))
        self._find_hybrids()

    def _refused(self, error: Exception) -> None:
        self._reading = False
        self.failed.emit(error)
        self.changed.emit()

    def _find_hybrids(self) -> None:
        measured, decided = self._measured, self._stored.decided
        if measured is None or decided is None or self._stored.deciding:
            self.changed.emit()
            return
        evidence = decided.evidence
        self._document.compute(
            lambda: with_hybrids(evidence.study, measured, hybrids_of(evidence, measured.sides)),
            partial(self._take_hybrids, measured),
            self.failed.emit,
        )

    def _take_hybrids(self, measured: DrillDown, found: DrillDown) -> None:
        if measured is self._measured:
            self._take(found)

    def _take(self, found: DrillDown | None) -> None:
        self.found = found
        self.changed.emit()
