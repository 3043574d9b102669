"""Runs the study's ready jobs one after the other, each in a worker process, and keeps the rows up to date.

What a worker says on stdout moves the progress bars; what it wrote to its event file is what the store takes in.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from core.domain import JobState
from core.events import Event, Failed, Finished, Log, Metric, Progress, Started
from core.jobs.folder import LOG_FILE
from core.jobs.launcher import worker_command
from core.jobs.machine_checks import LeftOut
from core.jobs.session import StudySession
from gui.document import StudyDocument
from gui.jobs.runner import JobRunner
from gui.models.jobs import LiveProgress

PROGRESS_INTERVAL_MS = 100
INGEST_INTERVAL_MS = 250
RUNNABLE = (JobState.QUEUED, JobState.INTERRUPTED)
IGNORE_MEMORY = "TERCET_IGNORE_MEMORY"
"""The worker's environment variable that lets a training start although it is predicted not to fit."""
STOPPED = (JobState.FAILED, JobState.CANCELLED)


class JobQueue(QObject):
    """The queue of one window.

    `state_changed`: it started, paused or emptied. `progressed` (job id): new live progress, at most ten a second.
    `command_of` says how the worker of a job's folder is started.
    `ingested` (job id): curves and log lines of a running job are in the store. `job_ended` (job id, exit code).
    `left_out` (words): a candidate is not made, for this machine cannot do it; the others go on.
    """

    state_changed = Signal()
    progressed = Signal(str)
    ingested = Signal(str)
    job_ended = Signal(str, int)
    left_out = Signal(object)

    def __init__(
        self,
        document: StudyDocument,
        parent: QObject | None = None,
        command_of: Callable[[Path], list[str]] = worker_command,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self.command_of = command_of
        self._runner: JobRunner | None = None
        self._live: LiveProgress | None = None
        self._active = False
        self._choosing = False
        self._memory_ignored: set[str] = set()
        self._when_idle: Callable[[], None] | None = None
        self._progress_timer = _single_shot(self, PROGRESS_INTERVAL_MS, self._tell_progress)
        self._ingest_timer = _single_shot(self, INGEST_INTERVAL_MS, self._ingest)

    @property
    def active(self) -> bool:
        """Whether the next ready job starts by itself."""
        return self._active

    @property
    def running_job(self) -> str | None:
        """The id of the job whose worker is alive."""
        return self._runner.job_id if self._runner else None

    @property
    def live(self) -> LiveProgress | None:
        """The running job's progress, once its worker spoke."""
        return self._live

    def waiting(self) -> int:
        """How many jobs can still run: neither the running one nor those that need one that failed or was cancelled."""
        stopped: set[str] = set()
        count = 0
        for row in self._document.jobs:  # a job stands behind those that it needs
            if row.state in STOPPED or stopped & set(row.depends_on):
                stopped.add(row.job_id)
            elif row.state in RUNNABLE and row.job_id != self.running_job:
                count += 1
        return count

    def stopped(self) -> int:
        """How many jobs failed or were cancelled."""
        return sum(row.state in STOPPED for row in self._document.jobs)

    def start(self) -> None:
        """Run every ready job, one after the other; interrupted ones go on from their last checkpoint."""
        if not self._active and self._document.writable:
            self._active = True
            self.state_changed.emit()
            self._document.command(_make_ready, self._ready, self._not_begun)

    def pause(self) -> None:
        """Let the running job finish and start no other."""
        if self._active:
            self._active = False
            self.state_changed.emit()

    def cancel(self, job_id: str) -> None:
        """Cancel a job: the running one by the ladder, a waiting one at once."""
        if self._runner is not None and self._runner.job_id == job_id:
            self._runner.cancel()
        else:
            self._document.command(lambda session: session.cancel(job_id))

    def retry(self, job_id: str) -> None:
        """Put a failed, cancelled or interrupted job back into the queue and start it."""

        def queued(_none: object) -> None:
            if self._active:
                self._pump()
            else:
                self.start()

        self._document.command(lambda session: session.requeue(job_id), queued)

    def start_anyway(self, job_id: str) -> None:
        """Try a job again that was refused because it is predicted not to fit into memory, and let it start."""
        self._memory_ignored.add(job_id)
        self.retry(job_id)

    def retry_all(self) -> None:
        """Put every failed or cancelled job back into the queue and start it."""
        self._document.command(lambda session: session.requeue_unfinished(), lambda _none: self.start())

    def shut_down(self, then: Callable[[], None]) -> None:
        """Stop starting jobs, let the running worker write its checkpoint and end, then call `then`."""
        self._active = False
        self._when_idle = then
        if self._runner is not None:
            self._runner.let_go()
        elif not self._choosing:
            self._idle()

    def _ready(self, left: LeftOut) -> None:
        for refusal in left.refusals:
            words = refusal.words
            self.left_out.emit(lambda translator, words=words: translator.stored(words.code, words.values, words))
        self._pump()

    def _pump(self) -> None:
        if self._active and self._runner is None and not self._choosing and self._document.writable:
            self._choosing = True
            self._document.command(_begin_next, self._begun, self._not_begun)

    def _begun(self, chosen: tuple[str, Path] | None) -> None:
        self._choosing = False
        if chosen is None:
            self._active = False
            self.state_changed.emit()
            self._idle()
            return
        job_id, folder = chosen
        self._live = None
        variables = {IGNORE_MEMORY: "1"} if job_id in self._memory_ignored else None
        self._runner = JobRunner(job_id, self.command_of(folder), folder / LOG_FILE, self, variables)
        self._runner.spoke.connect(self._take)
        self._runner.ended.connect(self._worker_ended)
        self._runner.start()
        if self._when_idle is not None:
            self._runner.let_go()
        self.state_changed.emit()

    def _not_begun(self, error: Exception) -> None:
        self._choosing = False
        self._active = False
        self._document.problem.emit(error)
        self.state_changed.emit()
        self._idle()

    def _take(self, event: Event) -> None:
        match event:
            case Progress():
                self._live = LiveProgress(event.phase, event.step, event.total_steps, event.remaining_s)
                _start_once(self._progress_timer)
            case Metric() | Log():
                _start_once(self._ingest_timer)
            case Started() | Finished() | Failed():
                self._ingest()
            case _:
                _start_once(self._ingest_timer)

    def _tell_progress(self) -> None:
        if self._runner is not None:
            self.progressed.emit(self._runner.job_id)

    def _ingest(self) -> None:
        if self._runner is not None:
            job_id = self._runner.job_id
            self._document.command(lambda session: session.apply(job_id), lambda _none: self.ingested.emit(job_id))

    def _worker_ended(self, code: int) -> None:
        runner, self._runner, self._live = self._runner, None, None
        if runner is None:
            return
        runner.deleteLater()
        job_id, killed = runner.job_id, runner.killed
        self._choosing = True  # nothing else starts before this job's end is in the store

        def recorded(_none: object) -> None:
            self._choosing = False
            self.job_ended.emit(job_id, code)
            self.state_changed.emit()
            self._idle()
            self._pump()

        self._document.command(
            lambda session: session.ended(job_id, code, killed_by_us=killed), recorded, self._not_begun
        )

    def _idle(self) -> None:
        if self._when_idle is not None and self._runner is None:
            then, self._when_idle = self._when_idle, None
            then()


def _make_ready(session: StudySession) -> LeftOut:
    """Queue interrupted jobs again; what this machine leaves out."""
    for row in session.store.jobs():
        if row.state is JobState.INTERRUPTED:
            session.requeue(row.job_id)
    return session.leave_out()


def _begin_next(session: StudySession) -> tuple[str, Path] | None:
    job = session.next_job(session.doable())
    return (job.job_id, session.begin(job.job_id)) if job is not None else None


def _single_shot(parent: QObject, interval_ms: int, slot: Callable[[], None]) -> QTimer:
    timer = QTimer(parent)
    timer.setSingleShot(True)
    timer.setInterval(interval_ms)
    timer.timeout.connect(slot)
    return timer


def _start_once(timer: QTimer) -> None:
    if not timer.isActive():
        timer.start()
