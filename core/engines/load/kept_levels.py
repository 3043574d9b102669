"""The finished levels of a load test that broke off, kept in the job's folder: the next attempt goes on behind them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from core.engines.durable import disk_full_told, sync_folder, write_json
from core.jobs.results import LoadStep

FILE_NAME = "levels.json"
_MIB = 2**20


class LoadSoFar(BaseModel):
    """What earlier attempts did: the finished levels in their order, and all requests that were sent, the seconds and
    the money that they took, those of a level that broke off included."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    fingerprint: str
    steps: tuple[LoadStep, ...] = ()
    requests: int = 0
    seconds: float = 0.0
    spent: float = 0.0


def fingerprint_of(document: Any) -> str:
    """The hash of what the levels of a test depend on; levels that were kept for anything else count for nothing."""
    text = json.dumps(document, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def read_levels(folder: Path, fingerprint: str) -> LoadSoFar:
    """What was kept in a job's folder for this very test; nothing where that is another's or cannot be read."""
    try:
        found = LoadSoFar.model_validate_json((folder / FILE_NAME).read_bytes())
    except (FileNotFoundError, ValidationError):
        return LoadSoFar(fingerprint=fingerprint)
    return found if found.fingerprint == fingerprint else LoadSoFar(fingerprint=fingerprint)


def keep_levels(folder: Path, done: LoadSoFar) -> None:
    """Keep what was done: it is on the disk when this returns. Raises UserError (disk.full) and leaves what was kept
    before as it was."""
    path = folder / FILE_NAME
    partial = path.with_suffix(".partial")
    with disk_full_told(path, _MIB):
        write_json(partial, done.model_dump(mode="json"))
        partial.replace(path)
        sync_folder(folder)


def drop_levels(folder: Path) -> None:
    """Keep nothing: the next attempt begins anew."""
    (folder / FILE_NAME).unlink(missing_ok=True)
