"""`tercet run` and the headless `tercet demo`: plan, start what is missing, show progress, keep what was made."""

from __future__ import annotations

import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import as_file, files
from pathlib import Path
from types import FrameType

from core.commands import console
from core.commands.progress import Display, JobTitles, display, outcome
from core.decide.assumptions import check_prices
from core.domain import JobKind, JobRow, JobState
from core.errors import UserError
from core.i18n import english
from core.jobs.launcher import WorkerProcess
from core.jobs.plan import PlannedJob, build_plan
from core.jobs.session import StudySession
from core.jobs.specs import LoadParameters
from core.paths import artefacts_of
from core.spec import EndpointModel
from core.store import StudyStore
from core.study_file import LoadedStudy, load_study

_POLL_S = 0.1
SAMPLE = "card_support"
SAMPLE_FILES = ("study.yaml", "messages.csv")


def run_study(study_file: Path, store_path: Path, only: str | None = None) -> int:
    """Run every job of a study file that is not done yet; the exit status.

    Raises UserError where the input is wrong: nothing was started then, and a study file that this call made is
    taken away again.
    """
    loaded = load_study(study_file)
    plan = build_plan(loaded.study, loaded.base)
    check_prices(loaded.study)
    chosen = None if only is None else chosen_jobs(list(plan.jobs), only)
    fresh = not store_path.exists()
    with _open(store_path, loaded) as store:
        session = StudySession(store)
        session.sync()
        session.requeue_unfinished()
        try:
            chosen = _doable(session, chosen)
        except UserError:
            if fresh:
                _remove(store_path)
            raise
        with _terminate_gently():
            refused, told = _run_jobs(session, chosen)
        rows, titles = store.jobs(), JobTitles(store.study(), store.candidate_jobs())
    if refused is not None and refused.message_code is not None:
        if fresh:
            _remove(store_path)
        raise UserError(refused.message_code, **refused.message_values)
    return _conclude(rows, titles, chosen, told)


def _doable(session: StudySession, chosen: frozenset[str] | None) -> frozenset[str]:
    """The jobs to run: those chosen, else all that this machine can do, and a line tells who is left out. Raises
    UserError where this machine cannot do a chosen one, or can make no candidate."""
    if chosen is not None:
        session.check_machine(chosen)
        return chosen
    for refusal in session.leave_out().refusals:
        console.note(refusal.words)
    return session.doable()


def _open(path: Path, loaded: LoadedStudy) -> StudyStore:
    if not path.exists():
        return StudyStore.create(path, loaded.study, loaded.base, loaded.text)
    store = StudyStore.open(path, write=True)
    if store.study() != loaded.study or store.text() != loaded.text or store.base() != loaded.base:
        store.save_study(loaded.study, loaded.base, loaded.text)
    return store


def chosen_jobs(jobs: list[PlannedJob], only: str) -> frozenset[str]:
    """The ids of the jobs that `only` names (a kind, a candidate or the start of an id) and of all they need."""
    named = {
        job.job_id for job in jobs if only == job.kind.value or only in job.candidates or job.job_id.startswith(only)
    }
    if not named:
        raise UserError("cli.only_unknown", name=only)
    by_id = {job.job_id: job for job in jobs}
    pending = list(named)
    while pending:
        for other in by_id[pending.pop()].depends_on:
            if other not in named:
                named.add(other)
                pending.append(other)
    return frozenset(named)


def _run_jobs(session: StudySession, chosen: frozenset[str] | None) -> tuple[JobRow | None, str | None]:
    """Run queued jobs one after the other; the `prepare` job's row where the data was refused, and the id of the job
    whose end was told last."""
    total = sum(
        row.state is JobState.QUEUED and (chosen is None or row.job_id in chosen) for row in session.store.jobs()
    )
    if total == 0:
        console.note(english("cli.nothing_to_do"))
        return None, None
    with display(JobTitles(session.store.study(), session.store.candidate_jobs())) as shown:
        number = 0
        while (job := session.next_job(chosen)) is not None:
            number += 1
            row = _run_one(session, job, shown, number, total)
            if _is_refusal(row):
                return row, None
    return None, shown.told


def _run_one(session: StudySession, job: PlannedJob, shown: Display, number: int, total: int) -> JobRow:
    folder = session.begin(job.job_id)
    warnings = _Warnings(session.store, job.job_id)
    shown.started(_row(session, job.job_id), number, total)
    if (told := _announced(job)) is not None:
        console.note(told)
    worker = WorkerProcess(folder)
    try:
        while worker.exit_code() is None:
            time.sleep(_POLL_S)
            if session.apply(job.job_id):
                shown.update(_row(session, job.job_id))
                warnings.tell(shown, _row(session, job.job_id))
    except BaseException:
        code = worker.stop()
        session.ended(job.job_id, code, killed_by_us=worker.killed)
        raise
    session.ended(job.job_id, worker.close())
    row = _row(session, job.job_id)
    warnings.tell(shown, row)
    if _is_refusal(row):
        shown.refused()
    else:
        shown.ended(row)
    return row


class _Warnings:
    """The warnings of a job from now on, each told once: what a user must know and no figure shows."""

    def __init__(self, store: StudyStore, job_id: str) -> None:
        self._store = store
        self._job_id = job_id
        self._sequence = 0
        self._texts()

    def tell(self, shown: Display, row: JobRow) -> None:
        """Tell those that are new."""
        for text in self._texts():
            shown.warned(row, text)

    def _texts(self) -> list[str]:
        found = []
        while lines := self._store.log(self._job_id, self._sequence):
            self._sequence = lines[-1].sequence
            found += [line.text for line in lines if line.level == "warning"]
        return found


def _announced(job: PlannedJob) -> str | None:
    """What is said before a load test of an endpoint starts, which sends more requests than anything else does."""
    parameters = job.spec.parameters
    if not isinstance(parameters, LoadParameters) or not isinstance(parameters.loadable, EndpointModel):
        return None
    requests, model = parameters.plan.most_requests, parameters.loadable
    return english("load.log.announced", requests=requests, device=f"{model.model} @ {model.base_url}")


def _is_refusal(row: JobRow) -> bool:
    """Whether the job found the user's data wrong before anything was made of them."""
    return row.kind is JobKind.PREPARE and row.state is JobState.FAILED and row.message_code is not None


def _row(session: StudySession, job_id: str) -> JobRow:
    row = session.store.job(job_id)
    if row is None:
        raise UserError("job.unknown", name=job_id)
    return row


def _conclude(rows: list[JobRow], titles: JobTitles, chosen: frozenset[str] | None, told: str | None) -> int:
    """Say what is not done and why, but for the job whose end was the last word; the exit status."""
    wanted = [row for row in rows if chosen is None or row.job_id in chosen]
    failed = [row for row in wanted if row.state is not JobState.SUCCEEDED]
    for row in failed:
        if row.state is JobState.QUEUED:
            console.note(english("cli.job_waits", title=titles.of(row)))
        elif row.job_id != told:
            console.note(f"{titles.of(row)}: {row.message_text or outcome(row)}")
    return console.SOME_JOB_FAILED if failed else console.DONE


@contextmanager
def _terminate_gently() -> Iterator[None]:
    """Let a polite end of this process end the worker with a checkpoint, as Ctrl-C does."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    previous = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


def _remove(store_path: Path) -> None:
    for path in (store_path, *(store_path.with_name(store_path.name + end) for end in ("-wal", "-shm"))):
        path.unlink(missing_ok=True)
    shutil.rmtree(artefacts_of(store_path), ignore_errors=True)


def unpack_sample(out: Path) -> tuple[Path, Path]:
    """Copy the sample study into `out`; the paths of its study file and of the `.tercet` file that belongs beside it.

    Files that are there already are left as they are, so that a demo goes on where it stopped.
    """
    if out.exists() and not out.is_dir():
        raise UserError("cli.out_not_folder", path=str(out))
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name in SAMPLE_FILES:
            if not (out / name).exists():
                with as_file(files("resources").joinpath("samples", SAMPLE, name)) as source:
                    shutil.copyfile(source, out / name)
    except OSError as error:
        raise UserError("cli.unwritable", path=str(out), reason=error.strerror or "") from error
    return out / SAMPLE_FILES[0], out / f"{SAMPLE}.tercet"
