"""The only writer of results: takes a job's events from its log into the store, each once.

Idempotent on (job, sequence number): replaying a log twice changes nothing. A torn last line is left for later, when
the worker has finished it or its successor has cut it off.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pydantic import ValidationError
from sqlalchemy import Connection

from core.data.examples import read_examples
from core.domain import JobKind, JobRow, JobState
from core.events import (
    Checkpoint,
    Event,
    Failed,
    Finished,
    Log,
    Metric,
    PredictionBatch,
    Progress,
    Started,
    from_line,
)
from core.i18n import Sentence, Stored, english, stored_values
from core.jobs import folder as job_files
from core.jobs.lifecycle import Step, after, allowed
from core.machine_words import device_words
from core.store import StudyStore, queries, writes

_LOG = logging.getLogger(__name__)


class Recorder:
    """Takes in events for one open, writable study."""

    def __init__(self, store: StudyStore) -> None:
        self._store = store
        self._offsets: dict[Path, int] = {}

    def ingest(self, job_id: str, folder: Path) -> int:
        """Take in what is new in the job's event log, in one transaction; returns how many events were applied."""
        path = folder / job_files.EVENTS_FILE
        events, offset = self._read(path)
        if not events:
            return 0
        with self._store.writing() as connection:
            known = queries.last_sequence(connection, job_id)
            fresh = [event for event in events if event.sequence > known and event.job_id == job_id]
            for event in fresh:
                self._apply(connection, event, folder)
            if fresh:
                writes.update_job(connection, job_id, last_sequence=fresh[-1].sequence)
                writes.touch(connection)
        self._offsets[path] = offset
        return len(fresh)

    def _read(self, path: Path) -> tuple[list[Event], int]:
        start = self._offsets.get(path, 0)
        try:
            size = path.stat().st_size
            if size < start:  # a successor cut a torn line off
                start = 0
            if size == start:
                return [], start
            with path.open("rb") as file:
                file.seek(start)
                data = file.read()
        except FileNotFoundError:
            return [], start
        whole = data[: data.rfind(b"\n") + 1]
        return list(_events(whole.splitlines(), path)), start + len(whole)

    def _apply(self, connection: Connection, event: Event, folder: Path) -> None:
        row = queries.job_row(connection, event.job_id)
        if row is None:
            raise KeyError(event.job_id)
        match event:
            case Started():
                self._start(connection, event, row)
            case Progress():
                _progress(connection, event)
            case Metric():
                point = event.model_dump(include={"job_id", "sequence", "name", "step", "value"})
                writes.add_metrics(connection, [point])
            case PredictionBatch():
                writes.add_predictions(connection, event.job_id, event.predictions)
            case Checkpoint():
                _log(connection, event, "debug", english("job.log.checkpoint", step=event.step))
            case Log():
                _log_as_told(connection, event, event.level, event.text, event.code, event.values)
            case Finished():
                self._finish(connection, event, row, folder)
            case Failed():
                _fail(connection, event, row)

    def _start(self, connection: Connection, event: Started, row: JobRow) -> None:
        if allowed(row.state, Step.BEGIN):
            writes.update_job(connection, event.job_id, state=after(row.state, Step.BEGIN).value)
        code = "job.log.resumed" if event.resumed_step else "job.log.attempt"
        told = english(code, attempt=event.attempt, device=device_words(event.device), step=event.resumed_step)
        _log(connection, event, "info", told)

    def _finish(self, connection: Connection, event: Finished, row: JobRow, folder: Path) -> None:
        if row.kind is JobKind.PREPARE:
            writes.put_examples(connection, event.job_id, read_examples(folder))
        writes.put_result(connection, event.job_id, event.result)
        writes.update_job(
            connection,
            event.job_id,
            state=JobState.SUCCEEDED.value,
            progress=1.0,
            remaining_s=None,
            message_code=None,
            message_text=None,
            message_values={},
            finished_at=event.at.isoformat(),
        )


def _events(lines: Sequence[bytes], path: Path) -> Iterator[Event]:
    for line in lines:
        if not line.strip():
            continue
        try:
            yield from_line(line)
        except ValidationError:
            # A worker that died in the middle of a line; its successor starts a new one.
            _LOG.info("an unreadable line in %s was left out", path)


def _progress(connection: Connection, event: Progress) -> None:
    share = event.step / event.total_steps if event.total_steps else 0.0
    writes.update_job(
        connection,
        event.job_id,
        phase=event.phase,
        step=event.step,
        total_steps=event.total_steps,
        progress=min(share, 1.0),
        remaining_s=event.remaining_s,
    )


def _log(connection: Connection, event: Event, level: str, told: Sentence) -> None:
    _log_as_told(connection, event, level, str(told), told.code, stored_values(told.values))


def _log_as_told(
    connection: Connection, event: Event, level: str, text: str, code: str | None, values: Mapping[str, Stored]
) -> None:
    line = {"job_id": event.job_id, "sequence": event.sequence, "at": event.at.isoformat(), "level": level}
    writes.add_log(connection, [{**line, "text": text, "code": code, "values": dict(values) if code else None}])


def _fail(connection: Connection, event: Failed, row: JobRow) -> None:
    step = {"failed": Step.FAIL, "cancelled": Step.CANCEL, "interrupted": Step.INTERRUPT}[event.state]
    state = after(row.state, step) if allowed(row.state, step) else JobState(event.state)
    writes.update_job(
        connection,
        event.job_id,
        state=state.value,
        remaining_s=None,
        message_code=event.code,
        message_values=event.values,
        message_text=event.text,
        finished_at=event.at.isoformat(),
    )
    level = "error" if event.state == "failed" else "info"
    if event.traceback is None:
        _log_as_told(connection, event, level, event.text, event.code, event.values)
        return
    told = {"code": event.code, "values": event.values, "text": event.text}
    values: dict[str, Stored] = {"told": told, "traceback": event.traceback}
    _log_as_told(connection, event, level, f"{event.text}\n{event.traceback}", "job.log.traceback", values)
