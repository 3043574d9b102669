"""The files of one job: `NAME.tercet.d/jobs/ID/` with spec.json, events.jsonl, worker.log and what the job makes."""

from __future__ import annotations

import os
from pathlib import Path

from core.jobs.specs import JobSpec

EVENTS_FILE = "events.jsonl"
SPEC_FILE = "spec.json"
LOG_FILE = "worker.log"


def write_spec(folder: Path, spec: JobSpec) -> None:
    """Make the job's folder with its spec. Writing the same spec again changes nothing."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / SPEC_FILE
    part = path.with_suffix(".part")
    part.write_text(spec.model_dump_json(indent=2), encoding="utf-8")
    os.replace(part, path)  # noqa: PTH105 - atomic on every platform


def read_spec(folder: Path) -> JobSpec:
    """The spec of a job's folder. Raises OSError or pydantic.ValidationError."""
    return JobSpec.model_validate_json((folder / SPEC_FILE).read_bytes())
