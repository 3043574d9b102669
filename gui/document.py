"""The open study: its rows as frozen values, its saving, and whether this window may write it.

The store and the session live on the background thread; the UI thread only ever sees a `Snapshot`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from pathlib import Path
from typing import TypeVar

from PySide6.QtCore import QObject, QTimer, Signal

from core.domain import JobRow
from core.jobs.job_parts import JobPart
from core.jobs.session import StudySession
from core.spec import Study
from core.store import StudyStore
from core.study_file import dump_study
from gui.jobs.background import Background
from gui.snapshot import Opened, Snapshot, create_study, finished_jobs, open_study, read_snapshot, save_study

T = TypeVar("T")
POLL_MS = 1000


class SaveState(Enum):
    """What the top bar says beside the study's name."""

    SAVED = "saved"
    SAVING = "saving"
    INVALID = "invalid"
    READ_ONLY = "read_only"


class StudyDocument(QObject):
    """The study of one window. `rows_changed` fires after any stored row changed, `opened` after another study was
    opened or closed.

    `results_changed` fires when what a decision rests on may have changed since the study was opened: the study itself,
    or a finished job.
    """

    opened = Signal()
    rows_changed = Signal()
    results_changed = Signal()
    save_state_changed = Signal()
    problem = Signal(object)

    def __init__(self, background: Background, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._background = background
        self._store: StudyStore | None = None
        self._session: StudySession | None = None
        self._snapshot: Snapshot | None = None
        self._path: Path | None = None
        self._save_state = SaveState.SAVED
        self._reload_pending = False
        self._poll = QTimer(self)
        self._poll.setInterval(POLL_MS)
        self._poll.timeout.connect(self._look_for_changes)

    @property
    def is_open(self) -> bool:
        """Whether a study is open."""
        return self._snapshot is not None

    @property
    def writable(self) -> bool:
        """Whether this window holds the study's writer lock."""
        return self._store is not None and self._store.writable

    @property
    def path(self) -> Path | None:
        """The study's file."""
        return self._path

    @property
    def snapshot(self) -> Snapshot:
        """The rows as last read. Raises LookupError where no study is open."""
        if self._snapshot is None:
            raise LookupError("no study is open")
        return self._snapshot

    @property
    def study(self) -> Study:
        """The study as saved. Raises LookupError where none is open."""
        return self.snapshot.study

    @property
    def jobs(self) -> tuple[JobRow, ...]:
        """The jobs of the study as it stands, in queue order; empty where no study is open."""
        return self._snapshot.jobs if self._snapshot else ()

    @property
    def parts(self) -> Mapping[str, JobPart]:
        """Which part of its candidate a job makes, by its id; empty where no study is open."""
        return self._snapshot.parts if self._snapshot else {}

    @property
    def save_state(self) -> SaveState:
        """What to say beside the study's name."""
        return SaveState.READ_ONLY if self.is_open and not self.writable else self._save_state

    def job(self, job_id: str) -> JobRow | None:
        """The job of that id, if it is one of this study's."""
        return next((row for row in self.jobs if row.job_id == job_id), None)

    def open(self, path: Path) -> None:
        """Open a study file; read-only where another process writes it. `problem` carries a refusal."""
        self._replace(lambda: open_study(path), path)

    def create(self, path: Path, study: Study, base: Path, text: str | None = None) -> None:
        """Create a study file and open it. `base` is the folder that the study's relative paths refer to."""
        self._replace(lambda: create_study(path, study, base, text if text is not None else dump_study(study)), path)

    def close(self, then: Callable[[], None] | None = None) -> None:
        """Close the study, then call `then`."""
        store, self._store, self._session, self._snapshot, self._path = self._store, None, None, None, None
        self._poll.stop()

        def closed(_none: None) -> None:
            self.opened.emit()
            self.save_state_changed.emit()
            if then is not None:
                then()

        if store is not None:
            self._background.submit(store.close, closed)
        elif then is not None:
            then()

    def query(
        self,
        question: Callable[[StudyStore], T],
        done: Callable[[T], None],
        failed: Callable[[Exception], None] | None = None,
    ) -> None:
        """Ask the store off the UI thread; the answer is dropped where another study was opened meanwhile."""
        store = self._store
        if store is not None:
            self._background.submit(
                lambda: question(store), self._only_for(store, done), self._only_for(store, failed or self.problem.emit)
            )

    def compute(
        self,
        run: Callable[[], T],
        done: Callable[[T], None],
        failed: Callable[[Exception], None] | None = None,
    ) -> None:
        """Work something out of what was read, beside the questions to the store; the answer is dropped where another
        study was opened meanwhile."""
        store = self._store
        if store is not None:
            self._background.compute(
                run, self._only_for(store, done), self._only_for(store, failed or self.problem.emit)
            )

    def command(
        self,
        action: Callable[[StudySession], T],
        done: Callable[[T], None] | None = None,
        failed: Callable[[Exception], None] | None = None,
    ) -> None:
        """Do something to the study's jobs off the UI thread, then read the rows again."""
        session, store = self._session, self._store
        if session is None or store is None:
            return

        def finished(outcome: T) -> None:
            self.reload()
            if done is not None:
                done(outcome)

        self._background.submit(
            lambda: action(session), self._only_for(store, finished), self._only_for(store, failed or self.problem.emit)
        )

    def save(self, study: Study) -> None:
        """Store an edited study and plan its jobs anew."""
        store, session = self._store, self._session
        if store is None or session is None or not store.writable:
            return
        self._set_save_state(SaveState.SAVING)
        base = self.snapshot.base
        self._background.submit(
            lambda: save_study(store, session, study, base),
            self._only_for(store, self._saved),
            self._only_for(store, self._not_saved),
        )

    def mark_invalid(self) -> None:
        """Note that the form holds an edit that cannot be saved as it is."""
        self._set_save_state(SaveState.INVALID)

    def mark_valid(self) -> None:
        """Note that the form holds what is saved."""
        self._set_save_state(SaveState.SAVED)

    def reload(self) -> None:
        """Read the rows again; several requests before the answer are one."""
        if self._reload_pending or self._store is None:
            return
        self._reload_pending = True
        problem = self.snapshot.plan_problem
        self.query(lambda store: read_snapshot(store, problem), self._take, self._reload_failed)

    def _replace(self, opening: Callable[[], Opened], path: Path) -> None:
        def opened(result: Opened) -> None:
            self._store, self._session, self._snapshot = result.store, result.session, result.snapshot
            self._path = path
            self._reload_pending = False
            self._save_state = SaveState.SAVED
            if not result.store.writable:
                self._poll.start()
            self.opened.emit()
            self.save_state_changed.emit()
            self.rows_changed.emit()

        self.close(lambda: self._background.submit(opening, opened, self._open_failed))

    def _open_failed(self, error: Exception) -> None:
        self.opened.emit()
        self.save_state_changed.emit()
        self.problem.emit(error)

    def _take(self, snapshot: Snapshot) -> None:
        self._reload_pending = False
        before = self._snapshot
        if before is not None and before.version == snapshot.version:
            return
        self._snapshot = snapshot
        self.rows_changed.emit()
        if before is None or finished_jobs(before) != finished_jobs(snapshot) or before.study != snapshot.study:
            self.results_changed.emit()

    def _reload_failed(self, error: Exception) -> None:
        self._reload_pending = False
        self.problem.emit(error)

    def _saved(self, snapshot: Snapshot) -> None:
        self._set_save_state(SaveState.SAVED)
        self._take(snapshot)

    def _not_saved(self, error: Exception) -> None:
        self._set_save_state(SaveState.INVALID)
        self.problem.emit(error)

    def _set_save_state(self, state: SaveState) -> None:
        if state != self._save_state:
            self._save_state = state
            self.save_state_changed.emit()

    def _look_for_changes(self) -> None:
        self.query(lambda store: store.data_version(), self._compare_version)

    def _compare_version(self, version: int) -> None:
        if version != self.snapshot.version:
            self.reload()

    def _only_for(self, store: StudyStore, branch: Callable[[T], None]) -> Callable[[T], None]:
        def if_still_open(outcome: T) -> None:
            if self._store is store:
                branch(outcome)

        return if_still_open
