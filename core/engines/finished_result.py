"""What a finished job handed back, from its folder: for a job that takes more from it than its files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from core.events import Finished, from_line
from core.jobs.folder import EVENTS_FILE


def finished_result(folder: Path) -> dict[str, Any]:
    """The result document of a finished job's folder. Raises ValueError where the job is not finished."""
    for line in reversed((folder / EVENTS_FILE).read_bytes().splitlines()):
        event = from_line(line)
        if isinstance(event, Finished):
            return event.result
    raise ValueError(f"the job in {folder} is not finished")
