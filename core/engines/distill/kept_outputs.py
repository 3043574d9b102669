"""A teacher's outputs that another job of the study has already computed: taken over, not computed again.

Several seeds, stages and candidates ask the same teacher about the same rows. Each job keeps a copy of its own, so that
any of them can be removed.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from core.engines.durable import sync_file, write_json
from core.i18n import english
from core.worker.context import JobContext


def rows_done(path: Path, state_path: Path, fingerprint: str) -> int:
    """How many rows of the outputs in `path` are done, as `state_path` says; 0 where they are others' or unreadable."""
    if not path.is_file() or not state_path.is_file():
        return 0
    try:
        state = json.loads(state_path.read_text(encoding="utf-8"))
        return int(state["rows_done"]) if state["fingerprint"] == fingerprint else 0
    except (ValueError, KeyError, TypeError, OSError):
        return 0


def remember_rows(path: Path, state_path: Path, fingerprint: str, done: int) -> None:
    """Say that `done` rows of `path` are done, once they are on the disk and not before."""
    sync_file(path)
    partial = state_path.with_suffix(".partial")
    write_json(partial, {"fingerprint": fingerprint, "rows_done": done})
    partial.replace(state_path)


def taken_over(path: Path, state_path: Path, fingerprint: str, rows: int, context: JobContext) -> bool:
    """Whether another job beside this one had all `rows` rows, whose outputs now stand in `path`. Raises OSError where
    the disk is full."""
    if path.parent.parent != context.folder:
        return False
    for found in sorted(context.folder.parent.glob(f"*/{path.parent.name}/{path.name}")):
        if found == path or rows_done(found, found.parent / state_path.name, fingerprint) != rows:
            continue
        if not _copied(found, path):
            continue
        remember_rows(path, state_path, fingerprint, rows)
        context.log(english("train.log.teacher_outputs_taken", rows=rows, job=found.parent.parent.name))
        return True
    return False


def _copied(source: Path, target: Path) -> bool:
    """Copy a file; false where it went away meanwhile."""
    partial = target.with_suffix(".copy")
    try:
        shutil.copyfile(source, partial)
    except FileNotFoundError:
        return False
    partial.replace(target)
    return True
