"""Changes to the store, each inside the caller's transaction; recorder and session are their only callers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, update
from sqlalchemy.dialects.sqlite import insert as upsert

from core.domain import Example, JobState
from core.events import PredictionItem
from core.store import schema


def now() -> str:
    """The present moment as stored: ISO 8601 in UTC."""
    return datetime.now(UTC).isoformat()


def touch(connection: Connection) -> None:
    """Count a change, so that readers know to ask again."""
    connection.execute(update(schema.study).values(revision=schema.study.c.revision + 1))


def put_study(connection: Connection, spec: Mapping[str, Any], text: str, base: str) -> None:
    """Store the study's declaration; a study file holds exactly one."""
    values = {"spec": dict(spec), "text": text, "base": base, "updated_at": now()}
    statement = upsert(schema.study).values(id=1, created_at=now(), revision=1, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=values))
    touch(connection)


def forget_candidate_jobs(connection: Connection) -> None:
    """Forget which jobs belong to which candidate; the next plan says anew."""
    connection.execute(delete(schema.candidate_jobs))


def put_plan(connection: Connection, rows: Sequence[Mapping[str, Any]], parts: Iterable[tuple[str, str, str]]) -> None:
    """Store the plan: new jobs are queued, known ones keep their state, those no longer planned become superseded.

    `rows` carry job_id, kind, candidates, position, depends_on, spec; `parts` are (candidate, part, job id).
    """
    connection.execute(update(schema.jobs).values(superseded=True))
    fresh = {
        "state": JobState.QUEUED.value,
        "attempt": 0,
        "progress": 0.0,
        "step": 0,
        "total_steps": 0,
        "message_values": {},
        "created_at": now(),
        "last_sequence": 0,
    }
    for row in rows:
        known = {"candidates": row["candidates"], "position": row["position"], "superseded": False}
        statement = upsert(schema.jobs).values(**fresh, **{**row, **known})
        connection.execute(statement.on_conflict_do_update(index_elements=["job_id"], set_=known))
    connection.execute(delete(schema.candidate_jobs))
    values = [{"candidate": candidate, "part": part, "job_id": job_id} for candidate, part, job_id in parts]
    if values:
        connection.execute(insert(schema.candidate_jobs), values)
    touch(connection)


def update_job(connection: Connection, job_id: str, **values: Any) -> None:
    """Change columns of one job."""
    connection.execute(update(schema.jobs).where(schema.jobs.c.job_id == job_id).values(**values))


def add_metrics(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add points of live curves; a known (job, sequence) is left as it is."""
    if rows:
        connection.execute(upsert(schema.job_metrics).on_conflict_do_nothing(), list(rows))


def add_log(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add lines of logs; a known (job, sequence) is left as it is."""
    if rows:
        connection.execute(upsert(schema.job_log).on_conflict_do_nothing(), list(rows))


def add_predictions(connection: Connection, job_id: str, items: Sequence[PredictionItem]) -> None:
    """Add predictions; one that is known is replaced, so that a batch done twice counts once."""
    if items:
        statement = insert(schema.predictions).prefix_with("OR REPLACE")
        connection.execute(statement, [{"job_id": job_id, **item.model_dump()} for item in items])


def put_examples(connection: Connection, job_id: str, rows: Sequence[Example]) -> None:
    """Store the examples of a `prepare` job in their order."""
    connection.execute(delete(schema.examples).where(schema.examples.c.job_id == job_id))
    values = [
        {
            "job_id": job_id,
            "example_id": row.example_id,
            "ordinal": ordinal,
            "split": row.split.value,
            "group_key": row.group,
            "input": row.input,
            "target": row.target,
            "slices": [list(pair) for pair in row.slices],
        }
        for ordinal, row in enumerate(rows)
    ]
    if values:
        connection.execute(insert(schema.examples), values)


def put_result(connection: Connection, job_id: str, document: Mapping[str, Any]) -> None:
    """Store the document of a finished job."""
    statement = insert(schema.job_results).prefix_with("OR REPLACE")
    connection.execute(statement, {"job_id": job_id, "document": dict(document)})
