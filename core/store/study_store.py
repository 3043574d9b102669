"""The one door to a study file: open, create, ask, and change in whole transactions."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout
from pysqlite3 import dbapi2
from sqlalchemy import Connection, Engine, select
from sqlalchemy.exc import DatabaseError

from core.domain import JobRow, LogLine, MetricPoint
from core.errors import UserError
from core.i18n import english
from core.lazy import load
from core.paths import artefacts_of
from core.spec import Study
from core.store import drill_down, queries, schema, writes
from core.store.engine import open_engine
from core.store.header import check_header
from core.store.migrate import check_integrity, migrate
from core.store.question import ExamplePage, Facets, Place, Question

if TYPE_CHECKING:
    from core.evidence import StudyEvidence

if sys.platform != "win32":
    import fcntl

# What a change in the study file leaves as it is: these decide, they do not measure.
_LOCK_NAME = "writer.lock"
_LOCK_WAIT_S = 0.5  # a question about the lock holds it for a moment
_DECIDING_PARTS = ("criteria", "profiles", "name")


class StudyStore:
    """An open study. One process writes at a time, which a lock in the artefact folder ensures."""

    def __init__(self, path: Path, engine: Engine, lock: FileLock | None) -> None:
        self.path = path
        self._engine = engine
        self._lock = lock

    @property
    def artefacts(self) -> Path:
        """The folder `NAME.tercet.d` with weights, caches and event logs."""
        return artefacts_of(self.path)

    @property
    def writable(self) -> bool:
        """Whether this process may change the study."""
        return self._lock is not None

    @classmethod
    def create(cls, path: Path, study: Study, base: Path, text: str) -> StudyStore:
        """A new study file, open for writing. Raises UserError where one exists or its folder does not."""
        if not path.parent.is_dir():
            raise UserError("store.folder_missing", path=str(path))
        if path.exists():
            raise UserError("store.exists", path=str(path))
        lock = _acquire(path)
        migrate(path, 0)
        store = cls(path, open_engine(path, write=True), lock)
        store.save_study(study, base, text)
        store._checkpoint()
        return store

    @classmethod
    def open(cls, path: Path, *, write: bool) -> StudyStore:
        """An existing study, brought to the present schema where it is to be written.

        Raises UserError for a missing, foreign, newer, damaged or (for writing) locked file.
        """
        version = check_header(path)
        if not write:
            if version == 0:
                problem = english("store.corrupt.format", version=version)
                raise UserError("store.corrupt", path=str(path), problem=problem)
            return cls(path, open_engine(path, write=False, version=version), None)
        lock = _acquire(path)
        try:
            check_integrity(path)
            migrate(path, version)
        except BaseException:
            lock.release()
            raise
        return cls(path, open_engine(path, write=True), lock)

    def close(self) -> None:
        """Let go of the file and the lock."""
        if self._lock is not None:
            self._checkpoint()
        self._engine.dispose()
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def __enter__(self) -> StudyStore:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection for questions. Raises UserError where the file turns out to be damaged."""
        try:
            with self._engine.connect() as connection:
                yield connection
        except DatabaseError as error:
            raise self._translated(error) from error

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A connection whose changes are kept all together or not at all. Raises UserError for a full disk."""
        if not self.writable:
            raise UserError("store.read_only", path=str(self.path))
        try:
            with self._engine.begin() as connection:
                yield connection
        except DatabaseError as error:
            raise self._translated(error) from error

    def _translated(self, error: DatabaseError) -> Exception:
        problem = str(error.orig)
        if "disk is full" in problem or "disk I/O error" in problem:
            return UserError("disk.full", path=str(self.path), needed_mib=16)
        if isinstance(error.orig, dbapi2.DatabaseError) and ("malformed" in problem or "not a database" in problem):
            return UserError("store.corrupt", path=str(self.path), problem=problem)
        return error

    def _checkpoint(self) -> None:
        with self._engine.connect() as connection:
            raw = connection.connection.dbapi_connection
            if raw is not None:
                connection.rollback()
                raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def study(self) -> Study:
        """The declared study."""
        with self.reading() as connection:
            document = connection.execute(select(schema.study.c.spec)).scalar_one()
            return Study.model_validate(document, context={"stored": True})

    def base(self) -> Path:
        """The folder that the study's relative paths refer to.

        Where that folder is gone, as after the study was moved or sent with its data, it is the study's own.
        """
        with self.reading() as connection:
            stored = Path(connection.execute(select(schema.study.c.base)).scalar_one())
        return stored if stored.is_dir() else self.path.resolve().parent

    def text(self) -> str:
        """The study as the user wrote it."""
        with self.reading() as connection:
            return str(connection.execute(select(schema.study.c.text)).scalar_one())

    def save_study(self, study: Study, base: Path, text: str) -> None:
        """Store a new declaration. Where more than criteria or prices changed, who owns which job is forgotten."""
        # Without the defaults, for the decision tells what the user set from what nobody did.
        spec = study.model_dump(mode="json", exclude_unset=True)
        with self.writing() as connection:
            old = connection.execute(select(schema.study.c.spec)).scalar_one_or_none()
            writes.put_study(connection, spec, text, str(base))
            if old is not None and _measured_parts(old) != _measured_parts(spec):
                writes.forget_candidate_jobs(connection)

    def jobs(self, *, superseded: bool = False) -> list[JobRow]:
        """The jobs in the order of the plan."""
        with self.reading() as connection:
            return queries.job_rows(connection, superseded=superseded)

    def job(self, job_id: str) -> JobRow | None:
        """One job, or null."""
        with self.reading() as connection:
            return queries.job_row(connection, job_id)

    def result(self, job_id: str) -> dict[str, Any] | None:
        """The document of a finished job (`core.jobs.results`), or null."""
        with self.reading() as connection:
            return queries.job_result(connection, job_id)

    def job_spec(self, job_id: str) -> dict[str, Any] | None:
        """The document that tells a job its work, or null."""
        with self.reading() as connection:
            return queries.job_spec(connection, job_id)

    def metrics(self, job_id: str, name: str) -> list[MetricPoint]:
        """A live curve of a job."""
        with self.reading() as connection:
            return queries.metric_points(connection, job_id, name)

    def log(self, job_id: str, after_sequence: int = 0, limit: int = 500) -> list[LogLine]:
        """Lines of a job's log after a sequence number."""
        with self.reading() as connection:
            return queries.log_lines(connection, job_id, after_sequence, limit)

    def candidate_jobs(self) -> dict[str, dict[str, str]]:
        """The ids of each candidate's jobs by part."""
        with self.reading() as connection:
            return queries.candidate_jobs(connection)

    def examples(self, question: Question, after: Place | None, limit: int) -> ExamplePage:
        """Up to `limit` test rows with the answers of some candidates, after a place or from the first."""
        with self.reading() as connection:
            return drill_down.example_page(connection, question, after, limit)

    def example_count(self, question: Question) -> int:
        """How many test rows a question means."""
        with self.reading() as connection:
            return drill_down.example_count(connection, question)

    def example_facets(self, data_job: str) -> Facets:
        """What the test rows of a dataset can be narrowed to."""
        with self.reading() as connection:
            return drill_down.facets(connection, data_job)

    def train_groups(self, data_job: str) -> int:
        """How many different train rows a dataset has."""
        with self.reading() as connection:
            return queries.train_groups(connection, data_job)

    def evidence(self) -> StudyEvidence:
        """Everything measured so far."""
        study = self.study()
        with self.reading() as connection:
            found: StudyEvidence = load("core.store.evidence").study_evidence(connection, study)
            return found

    def data_version(self) -> int:
        """A number that grows with each change, also by another process."""
        with self.reading() as connection:
            return int(connection.execute(select(schema.study.c.revision)).scalar_one())


def _measured_parts(spec: dict[str, object]) -> dict[str, object]:
    kept = {key: value for key, value in spec.items() if key not in _DECIDING_PARTS}
    candidates = spec.get("candidates")
    if isinstance(candidates, list):
        kept["candidates"] = [{key: value for key, value in item.items() if key != "profile"} for item in candidates]
    return kept


def is_being_written(path: Path) -> bool:
    """Whether some process holds the study's writer lock; taken as true where that cannot be told, as on Windows.

    Asked of the lock file opened for reading, where `filelock` would open it for writing: a question changes no file.
    """
    if sys.platform == "win32":
        return True
    try:
        with (artefacts_of(path) / _LOCK_NAME).open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def _acquire(path: Path) -> FileLock:
    folder = artefacts_of(path)
    lock = FileLock(folder / _LOCK_NAME, timeout=_LOCK_WAIT_S)
    try:
        folder.mkdir(exist_ok=True)
        lock.acquire()
    except Timeout as error:
        raise UserError("store.locked", path=str(path)) from error
    except OSError as error:
        raise UserError("store.unwritable", path=str(path), reason=error.strerror or "") from error
    return lock
