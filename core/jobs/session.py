"""A study at work: its plan, its recorder and the life of its jobs, the same for the command line and the window."""

from __future__ import annotations

import signal
from pathlib import Path

from core.domain import JobKind, JobRow, JobState
from core.errors import UserError
from core.i18n import Value, english, stored_values
from core.jobs import folder as job_files
from core.jobs.lifecycle import UNFINISHED_STATES, UNWRITABLE_EXIT, Step, after, allowed
from core.jobs.machine_checks import LeftOut, check_machine, left_out
from core.jobs.plan import Plan, PlannedJob, build_plan
from core.jobs.recorder import Recorder
from core.jobs.shots import check_shots, most_shown
from core.paths import job_folder
from core.store import StudyStore, writes

# What a process does to itself through a faulty library; it would do so again.
_CRASHES = ("SIGILL", "SIGSEGV", "SIGBUS", "SIGFPE")


class StudySession:
    """Plans a study's jobs and moves them through their states. Starting the processes is the launcher's part."""

    def __init__(self, store: StudyStore) -> None:
        self._store = store
        self._recorder = Recorder(store)
        self._plan: Plan | None = None

    @property
    def store(self) -> StudyStore:
        """The open study."""
        return self._store

    def plan(self) -> list[PlannedJob]:
        """Every job of the study in order. Raises UserError where something it needs is missing or not offered."""
        if self._plan is None:
            self._plan = build_plan(self._store.study(), self._store.base())
        return list(self._plan.jobs)

    def forget_plan(self) -> None:
        """Plan anew next time; call it after the study or a data file changed."""
        self._plan = None

    def sync(self) -> None:
        """Store the plan, take in what workers wrote, and mark jobs whose worker is gone as interrupted.

        Raises UserError where the study cannot be planned; nothing is changed then.
        """
        jobs = self.plan()
        self._check_prepared(jobs)
        parts = self._plan.parts if self._plan is not None else ()
        rows = [
            {
                "job_id": job.job_id,
                "kind": job.kind.value,
                "candidates": list(job.candidates),
                "position": job.position,
                "depends_on": list(job.depends_on),
                "spec": job.spec.model_dump(mode="json"),
            }
            for job in jobs
        ]
        with self._store.writing() as connection:
            writes.put_plan(connection, rows, parts)
        self.recover()

    def recover(self) -> list[str]:
        """Take in the tails of all event logs; returns the ids of jobs that ran and have no worker now (interrupted).

        Holding the study's writer lock means that no other process runs its jobs.
        """
        left: list[str] = []
        for row in self._store.jobs(superseded=True):
            if row.state in (JobState.RUNNING, JobState.QUEUED):
                self._recorder.ingest(row.job_id, self.folder(row.job_id))
            # A queued one too: its log may tell of a start that the rows lost with the power.
            if self._state(row.job_id) is JobState.RUNNING:
                self._interrupt(row.job_id)
                left.append(row.job_id)
        return left

    def folder(self, job_id: str) -> Path:
        """The folder of a job's files."""
        return job_folder(self._store.artefacts, job_id)

    def check_machine(self, only: frozenset[str] | None = None) -> None:
        """Raises UserError where this machine cannot do one of the queued jobs, of those in `only` where given."""
        queued = {row.job_id for row in self._store.jobs() if row.state is JobState.QUEUED}
        wanted = queued if only is None else queued & only
        check_machine(job for job in self.plan() if job.job_id in wanted)

    def leave_out(self) -> LeftOut:
        """What a run of the whole study leaves out, for this machine cannot do it; the rows of those jobs say why.

        Raises UserError where this machine can make no candidate.
        """
        left = self._left_out()
        why = {refusal.job_id: refusal.why for refusal in left.refusals}
        for row in self._store.jobs():
            if row.state is JobState.QUEUED and (row.job_id in why or row.message_code is not None):
                error = why.get(row.job_id)
                code, values = (None, {}) if error is None else (error.code, error.values)
                self._change(row.job_id, JobState.QUEUED, code, **values)
        return left

    def doable(self) -> frozenset[str]:
        """The ids of the planned jobs that a run of the whole study does not leave out."""
        return frozenset(job.job_id for job in self.plan()) - self._left_out().jobs

    def next_job(self, only: frozenset[str] | None = None) -> PlannedJob | None:
        """The first queued job whose inputs are all there, within `only` where given; null where there is none."""
        states = {row.job_id: row.state for row in self._store.jobs()}
        for job in self.plan():
            ready = all(states.get(other) is JobState.SUCCEEDED for other in job.depends_on)
            wanted = only is None or job.job_id in only
            if ready and wanted and states.get(job.job_id) is JobState.QUEUED:
                return job
        return None

    def begin(self, job_id: str) -> Path:
        """Mark a job running and write its spec; returns the folder that the worker is to be started on.

        Raises UserError where the prepared rows have too few examples to be shown, and where nothing can be written.
        """
        job = next(job for job in self.plan() if job.job_id == job_id)
        self._check_prepared(self.plan())
        row = self._row(job_id)
        folder = self.folder(job_id)
        try:
            job_files.write_spec(folder, job.spec)
        except OSError as error:
            raise UserError("job.unwritable", path=str(folder)) from error
        with self._store.writing() as connection:
            writes.update_job(
                connection,
                job_id,
                state=after(row.state, Step.BEGIN).value,
                attempt=row.attempt + 1,
                started_at=writes.now(),
                finished_at=None,
                message_code=None,
                message_text=None,
                message_values={},
            )
            writes.touch(connection)
        return folder

    def apply(self, job_id: str) -> int:
        """Take in what the job's worker wrote since the last call; returns how many events were new."""
        return self._recorder.ingest(job_id, self.folder(job_id))

    def ended(self, job_id: str, exit_code: int, *, killed_by_us: bool = False) -> JobState:
        """Take in the rest and settle the state of a job whose worker is gone; returns that state.

        `exit_code` is negative for a signal, as `subprocess` reports it. `killed_by_us` says that Tercet sent it.
        """
        self.apply(job_id)
        if self._state(job_id) is JobState.RUNNING:
            self._settle(job_id, exit_code, killed_by_us)
        return self._state(job_id)

    def requeue(self, job_id: str) -> None:
        """Queue a job again that failed, was cancelled or interrupted; it goes on from its last checkpoint."""
        row = self._row(job_id)
        if allowed(row.state, Step.REQUEUE):
            self._change(job_id, after(row.state, Step.REQUEUE))

    def requeue_unfinished(self) -> None:
        """Queue every planned job again that was begun and did not end well."""
        for row in self._store.jobs():
            if row.state in UNFINISHED_STATES:
                self.requeue(row.job_id)

    def cancel(self, job_id: str) -> None:
        """Cancel a queued job. A running one is cancelled through its worker."""
        row = self._row(job_id)
        if row.state is JobState.QUEUED:
            self._change(job_id, after(row.state, Step.CANCEL), "job.cancelled")

    def _left_out(self) -> LeftOut:
        self.plan()
        done = {row.job_id for row in self._store.jobs() if row.state is JobState.SUCCEEDED}
        return LeftOut() if self._plan is None else left_out(self._plan, done)

    def _check_prepared(self, jobs: list[PlannedJob]) -> None:
        """What the study asks of rows that only their preparation shows: told before any other job costs anything."""
        shown = most_shown(jobs)
        for job in jobs if shown else []:
            if job.kind is JobKind.PREPARE and self._is_done(job.job_id):
                check_shots(shown, self._store.train_groups(job.job_id))

    def _is_done(self, job_id: str) -> bool:
        row = self._store.job(job_id)
        return row is not None and row.state is JobState.SUCCEEDED

    def _settle(self, job_id: str, exit_code: int, killed_by_us: bool) -> None:
        if exit_code == UNWRITABLE_EXIT:
            self._change(job_id, JobState.FAILED, "job.unwritable", path=str(self.folder(job_id)))
        elif exit_code < 0:
            name = signal.Signals(-exit_code).name if -exit_code in set(signal.Signals) else str(-exit_code)
            if name in _CRASHES:
                self._change(job_id, JobState.FAILED, "job.crashed", signal=name)
            else:
                # Nothing else tells of it: a kernel that runs out of memory kills without a word to the process.
                starved = name == "SIGKILL" and not killed_by_us
                code = "job.killed_for_memory" if starved else "job.killed"
                self._change(job_id, JobState.INTERRUPTED, code, signal=name)
        else:
            self._change(job_id, JobState.INTERRUPTED, "job.vanished", exit_code=exit_code)

    def _interrupt(self, job_id: str) -> None:
        row = self._row(job_id)
        self._change(job_id, JobState.INTERRUPTED, "job.interrupted", step=row.step, total_steps=row.total_steps)

    def _change(self, job_id: str, state: JobState, code: str | None = None, **values: Value) -> None:
        ended = state not in (JobState.QUEUED, JobState.RUNNING)
        with self._store.writing() as connection:
            writes.update_job(
                connection,
                job_id,
                state=state.value,
                message_code=code,
                message_values=stored_values(values),
                message_text=None if code is None else english(code, **values),
                remaining_s=None,
                finished_at=writes.now() if ended else None,
            )
            writes.touch(connection)

    def _row(self, job_id: str) -> JobRow:
        row = self._store.job(job_id)
        if row is None:
            raise UserError("job.unknown", name=job_id)
        return row

    def _state(self, job_id: str) -> JobState:
        return self._row(job_id).state
