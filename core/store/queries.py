"""Questions to the store: each opens no transaction of its own and returns frozen rows."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select

from core.domain import Example, JobKind, JobRow, JobState, LogLine, MetricPoint, Prediction, Split
from core.store import schema


def job_rows(connection: Connection, *, superseded: bool) -> list[JobRow]:
    """Jobs in the order of the plan; superseded ones too where asked for."""
    query = select(schema.jobs).order_by(schema.jobs.c.superseded, schema.jobs.c.position, schema.jobs.c.created_at)
    if not superseded:
        query = query.where(schema.jobs.c.superseded.is_(False))
    return [_job_row(row) for row in connection.execute(query)]


def job_row(connection: Connection, job_id: str) -> JobRow | None:
    """One job, or null."""
    row = connection.execute(select(schema.jobs).where(schema.jobs.c.job_id == job_id)).one_or_none()
    return None if row is None else _job_row(row)


def _job_row(row: Row[Any]) -> JobRow:
    return JobRow(
        job_id=row.job_id,
        kind=JobKind(row.kind),
        candidates=tuple(row.candidates),
        state=JobState(row.state),
        position=row.position,
        attempt=row.attempt,
        progress=row.progress,
        step=row.step,
        total_steps=row.total_steps,
        phase=row.phase,
        remaining_s=row.remaining_s,
        message_code=row.message_code,
        message_values=dict(row.message_values),
        message_text=row.message_text,
        created_at=datetime.fromisoformat(row.created_at),
        started_at=_moment(row.started_at),
        finished_at=_moment(row.finished_at),
        superseded=row.superseded,
        depends_on=tuple(row.depends_on),
    )


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def last_sequence(connection: Connection, job_id: str) -> int:
    """The number of the last event of a job that was taken in; 0 where none was."""
    query = select(schema.jobs.c.last_sequence).where(schema.jobs.c.job_id == job_id)
    return connection.execute(query).scalar_one_or_none() or 0


def job_result(connection: Connection, job_id: str) -> dict[str, Any] | None:
    """The document of a finished job, or null."""
    query = select(schema.job_results.c.document).where(schema.job_results.c.job_id == job_id)
    document = connection.execute(query).scalar_one_or_none()
    return None if document is None else dict(document)


def job_spec(connection: Connection, job_id: str) -> dict[str, Any] | None:
    """The document that tells a job its work (`core.jobs.specs.JobSpec`), or null."""
    document = connection.execute(select(schema.jobs.c.spec).where(schema.jobs.c.job_id == job_id)).scalar_one_or_none()
    return None if document is None else dict(document)


def metric_points(connection: Connection, job_id: str, name: str) -> list[MetricPoint]:
    """A live curve of a job by step; a step that was done twice stands once, with its last value."""
    table = schema.job_metrics
    query = select(table.c.step, table.c.value).where(table.c.job_id == job_id, table.c.name == name)
    by_step = {row.step: row.value for row in connection.execute(query.order_by(table.c.sequence))}
    return [MetricPoint(name, step, value) for step, value in sorted(by_step.items())]


def log_lines(connection: Connection, job_id: str, after_sequence: int, limit: int) -> list[LogLine]:
    """Up to `limit` lines of a job's log after a sequence number."""
    table = schema.job_log
    query = select(table).where(table.c.job_id == job_id, table.c.sequence > after_sequence)
    rows = connection.execute(query.order_by(table.c.sequence).limit(limit))
    return [
        LogLine(
            row["sequence"],
            datetime.fromisoformat(row["at"]),
            row["level"],
            row["text"],
            row["code"],
            row["values"] or {},
        )
        for row in rows.mappings()
    ]


def candidate_jobs(connection: Connection) -> dict[str, dict[str, str]]:
    """Each candidate's job ids by part (`train`, `compress`, `benchmark`, `route`); `data` stands under ''."""
    parts: dict[str, dict[str, str]] = {}
    for row in connection.execute(select(schema.candidate_jobs)):
        parts.setdefault(row.candidate, {})[row.part] = row.job_id
    return parts


def train_groups(connection: Connection, job_id: str) -> int:
    """How many different rows the train part has that a `prepare` job made."""
    table = schema.examples
    train = (table.c.job_id == job_id) & (table.c.split == Split.TRAIN.value)
    return int(connection.execute(select(func.count(table.c.group_key.distinct())).where(train)).scalar_one())


def example_rows(connection: Connection, job_id: str) -> list[Example]:
    """The examples that a `prepare` job made, in their order."""
    table = schema.examples
    rows = connection.execute(select(table).where(table.c.job_id == job_id).order_by(table.c.ordinal))
    return [
        Example(
            example_id=row.example_id,
            split=Split(row.split),
            group=row.group_key,
            input=row.input,
            target=row.target,
            slices=tuple((name, value) for name, value in row.slices),
        )
        for row in rows
    ]


def prediction_rows(connection: Connection, job_id: str) -> dict[str, Prediction]:
    """A benchmark job's predictions by example id."""
    table = schema.predictions
    rows = connection.execute(select(table).where(table.c.job_id == job_id))
    return {
        row.example_id: Prediction(
            row.example_id,
            row.output,
            row.score,
            row.confidence,
            row.input_tokens,
            row.output_tokens,
            row.latency_ms,
        )
        for row in rows
    }


def prediction_count(connection: Connection, job_id: str) -> int:
    """How many predictions of a job are stored."""
    query = select(func.count()).select_from(schema.predictions).where(schema.predictions.c.job_id == job_id)
    return connection.execute(query).scalar_one()
