"""`tercet status` and `recommend`: questions to a study file, which they never change."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from core.commands import console
from core.commands.progress import JobTitles, remaining_text, share_text
from core.decide import decide
from core.decide.documents import recommendation_document
from core.decide.outcome import Decision
from core.decide.overrides import apply_overrides
from core.domain import JobRow, JobState
from core.errors import UserError
from core.evidence import StudyEvidence
from core.i18n import english
from core.store import StudyStore, is_being_written

_PIPE_WIDTH = 240


def read_evidence(path: Path) -> StudyEvidence:
    """All that a study file holds. Raises UserError for a file that is no study of ours."""
    with StudyStore.open(path, write=False) as store:
        return store.evidence()


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


def print_table(table: Table) -> None:
    """The table, as wide as the terminal; in a pipe as wide as it needs, so that no name is cut."""
    width = None if sys.stdout.isatty() else _PIPE_WIDTH
    Console(width=width, markup=False).print(table)  # brackets in users' texts are no markup


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


def show_recommendation(path: Path, settings: list[str], *, as_json: bool) -> None:
    """Decide again on the stored rows, with criteria or prices changed by `settings`, and print the answer."""
    evidence = read_evidence(path)
    decision = decide_with(evidence, settings)
    if as_json:
        console.print_json(recommendation_document(decision))
        return
    print_decision(decision)


def decide_with(evidence: StudyEvidence, settings: list[str]) -> Decision:
    """The decision on `evidence`, with criteria or prices changed by `path=value` settings. Raises UserError."""
    if all(candidate.benchmark is None for candidate in evidence.candidates):
        raise UserError("cli.no_recommendation")
    return decide(evidence, apply_overrides(evidence.study, settings) if settings else None)


def print_decision(decision: Decision) -> None:
    """The answer in words: choice, reasons, what is excluded and by which rule, what is not measured, and the notes."""
    document = recommendation_document(decision)
    name = document["candidate"]
    console.say(english("cli.choice", choice=document["choice"]) + (f" ({name})" if name else ""))
    for reason in document["reasons"]:
        console.say(f"  - {reason['text']}")
    for excluded in document["excluded"]:
        console.say(english("cli.excluded", name=excluded["candidate"], gate=excluded["gate"]) + excluded["text"])
    if document["not_measured"]:
        console.say("  ! " + english("report.answer.not_measured", names=", ".join(document["not_measured"])))
    for note in document["notes"]:
        console.say(f"  ! {note['text']}")
