"""Deciding again off the UI thread: one decision at a time, the newest wish wins, late answers are dropped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import QObject, QTimer, Signal

from core.decide.outcome import Decision
from core.decide.overrides import apply_overrides
from core.evidence import StudyEvidence
from gui.jobs.background import Background

THROTTLE_MS = 120

Decide = Callable[[StudyEvidence], Decision]


class Redecider(QObject):
    """Decides the same rows under other criteria. `decided` carries the decision, `failed` an exception.

    While one decision is being computed further wishes wait, and only the newest of them is computed next.
    """

    decided = Signal(object)
    failed = Signal(object)

    def __init__(self, background: Background, decide: Decide, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._background = background
        self._decide = decide
        self._evidence: StudyEvidence | None = None
        self._generation = 0
        self._wish: tuple[str, ...] | None = None
        self._computing = False
        self._timer = QTimer(self, singleShot=True, interval=THROTTLE_MS)
        self._timer.timeout.connect(self._start)

    @property
    def busy(self) -> bool:
        """Whether an answer is still to come."""
        return self._computing or self._wish is not None

    def set_evidence(self, evidence: StudyEvidence | None) -> None:
        """Decide on these rows from now on; answers on the earlier ones are dropped."""
        self._evidence = evidence
        self.forget()

    def forget(self) -> None:
        """Drop what is wished and what is on its way."""
        self._generation += 1
        self._wish = None
        self._timer.stop()

    def wish(self, settings: tuple[str, ...]) -> None:
        """Decide with these `PATH=VALUE` settings soon."""
        self._generation += 1
        self._wish = settings
        if not self._computing and not self._timer.isActive():
            self._timer.start()

    def _start(self) -> None:
        evidence, settings = self._evidence, self._wish
        if evidence is None or settings is None or self._computing:
            return
        self._wish = None
        self._computing = True
        generation, decide = self._generation, self._decide

        def run() -> Decision:
            return decide(replace(evidence, study=apply_overrides(evidence.study, settings)))

        self._background.compute(
            run,
            lambda decision: self._finish(generation, decision, None),
            lambda error: self._finish(generation, None, error),
        )

    def _finish(self, generation: int, decision: Decision | None, error: Exception | None) -> None:
        self._computing = False
        if generation == self._generation:
            if error is not None:
                self.failed.emit(error)
            else:
                self.decided.emit(decision)
        if self._wish is not None:
            self._timer.start()
