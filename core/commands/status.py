"""`tercet status`: the jobs of a study, their states and their progress."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.table import Table

from core.commands import console
from core.commands.progress import JobTitles, remaining_text, share_text
from core.commands.tables import print_table
from core.domain import JobRow, JobState
from core.i18n import english
from core.store import StudyStore, is_being_written


def show_status(path: Path, *, as_json: bool) -> None:
    """Print the jobs, their states and their progress."""
    with StudyStore.open(path, write=False) as store:
        rows, study = store.jobs(), store.study()
        titles = JobTitles(study, store.candidate_jobs())
    if any(row.state is JobState.RUNNING for row in rows) and not is_being_written(path):
        # Its process was killed; the next run takes that in.
        rows = [replace(row, state=JobState.INTERRUPTED) if row.state is JobState.RUNNING else row for row in rows]
    if as_json:
        console.print_json({"study": study.name, "jobs": [_job_document(row, titles.parts) for row in rows]})
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("id", "job", "state", "done", "note"):
        table.add_column(english(f"cli.column.{heading}"), overflow="fold")
    for row in rows:
        detail = row.message_text or remaining_text(row.remaining_s)
        table.add_row(row.job_id[:8], titles.of(row), row.state.value, share_text(row), detail)
    print_table(table)


def _job_document(row: JobRow, parts: Mapping[str, Sequence[tuple[str, str]]]) -> dict[str, Any]:
    return {
        "id": row.job_id,
        "kind": row.kind.value,
        "candidates": list(row.candidates),
        "state": row.state.value,
        "progress": row.progress,
        "step": row.step,
        "total_steps": row.total_steps,
        "phase": row.phase,
        "remaining_s": row.remaining_s,
        "attempt": row.attempt,
        "message": row.message_text,
        "started_at": None if row.started_at is None else row.started_at.isoformat(),
        "finished_at": None if row.finished_at is None else row.finished_at.isoformat(),
        "depends_on": list(row.depends_on),
        "parts": [{"candidate": candidate, "part": part} for candidate, part in parts.get(row.job_id, ()) if candidate],
    }
