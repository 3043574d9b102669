"""What the UI thread sees of a study, and the steps that run off it: opening, creating, saving, reading."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from core.decide.assumptions import check_prices
from core.domain import JobRow, JobState
from core.errors import UserError
from core.jobs.job_parts import JobPart, job_parts
from core.jobs.session import StudySession
from core.spec import Study
from core.store import StudyStore
from core.study_file import dump_study


@dataclass(frozen=True)
class Snapshot:
    """The study's rows at one moment. `plan_problem` says why its jobs cannot run as the study stands.

    `parts` says which part of a candidate a job makes, where it is one of several.
    """

    study: Study
    base: Path
    jobs: tuple[JobRow, ...]
    plan_problem: UserError | None
    version: int
    parts: Mapping[str, JobPart] = field(default_factory=dict)


@dataclass(frozen=True)
class Opened:
    """An open study with its first snapshot."""

    store: StudyStore
    session: StudySession
    snapshot: Snapshot


def finished_jobs(snapshot: Snapshot) -> set[str]:
    """The ids of the jobs that have succeeded."""
    return {row.job_id for row in snapshot.jobs if row.state is JobState.SUCCEEDED}


def open_study(path: Path) -> Opened:
    """A study for writing; for reading where another process writes it, or nobody may. Raises UserError."""
    try:
        store = StudyStore.open(path, write=True)
    except UserError as refusal:
        if refusal.code not in ("store.locked", "store.unwritable"):
            raise
        store = StudyStore.open(path, write=False)
    return _with_session(store)


def create_study(path: Path, study: Study, base: Path, text: str) -> Opened:
    """A new study file. Raises UserError."""
    return _with_session(StudyStore.create(path, study, base, text))


def _with_session(store: StudyStore) -> Opened:
    session = StudySession(store)
    return Opened(store, session, read_snapshot(store, _sync(session) if store.writable else None))


def save_study(store: StudyStore, session: StudySession, study: Study, base: Path) -> Snapshot:
    """Store an edited study, plan its jobs anew and read the rows."""
    store.save_study(study, base, dump_study(study))
    session.forget_plan()
    return read_snapshot(store, _sync(session))


def _sync(session: StudySession) -> UserError | None:
    try:
        check_prices(session.store.study())
        session.sync()
    except UserError as refusal:
        session.recover()  # a study that cannot be planned still keeps what its workers wrote
        return refusal
    return None


def read_snapshot(store: StudyStore, plan_problem: UserError | None) -> Snapshot:
    """The rows as they are now."""
    version = store.data_version()  # first, so that a change made meanwhile is seen as newer
    study = store.study()
    parts = job_parts(study, store.candidate_jobs())
    return Snapshot(study, store.base(), tuple(store.jobs()), plan_problem, version, parts)
