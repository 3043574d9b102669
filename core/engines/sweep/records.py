"""The finished trials of a search on disk: one line each, flushed before the next one begins."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from core.engines.durable import disk_full_told
from core.engines.sweep.space import Settings
from core.jobs.results import TrialRecord

FILE_NAME = "trials.jsonl"
_LINE_BYTES = 8000


class TrialLine(BaseModel):
    """A finished trial: the number of the training behind it, how that was told to learn, its quality after each epoch,
    and the record. `quantize` is null where the training did not come to its end, `output_tokens` of a mean answer are
    where none is written. `rates` and `milliseconds` are its own timings (`figures.Speed`), and the record's speed is
    that of all timings of its shape and form until then."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    training: int
    settings: Settings
    quantize: str | None
    qualities: tuple[float, ...]
    record: TrialRecord
    output_tokens: float | None = None
    rates: tuple[float, ...] = ()
    milliseconds: tuple[float, ...] = ()


def read_trials(folder: Path) -> list[TrialLine]:
    """The trials that earlier attempts finished; a line that was cut off is removed from the file."""
    path = folder / FILE_NAME
    if not path.is_file():
        return []
    data = path.read_bytes()
    whole = data[: data.rfind(b"\n") + 1]
    if len(whole) < len(data):
        with path.open("r+b") as stream:
            stream.truncate(len(whole))
    return [TrialLine.model_validate_json(line) for line in whole.splitlines()]


def append_trial(folder: Path, line: TrialLine) -> None:
    """Add a trial; it is on the disk when this returns. Raises UserError (disk.full)."""
    path = folder / FILE_NAME
    with disk_full_told(path, _LINE_BYTES), path.open("ab") as stream:
        stream.write(line.model_dump_json().encode("utf-8") + b"\n")
        stream.flush()
        os.fsync(stream.fileno())


def trainings_of(lines: Sequence[TrialLine]) -> list[list[TrialLine]]:
    """The trials by training, in the order of the trainings."""
    found: dict[int, list[TrialLine]] = {}
    for line in lines:
        found.setdefault(line.training, []).append(line)
    return [found[number] for number in sorted(found)]
