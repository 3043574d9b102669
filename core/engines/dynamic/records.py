"""Finished rounds on disk: one folder each, counted as done once its record stands in it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from core.engines.distill.training_job import MODEL_FOLDER
from core.engines.durable import sync_folder, write_json
from core.jobs.results import RoundRecord

ROUNDS_FOLDER, TEACHER_FOLDER = "rounds", "teacher"
_RECORD = "round.json"


class DoneRound(BaseModel):
    """A finished round: its record, whether its teacher was refreshed for good, and what its training took.

    The targets are those that the round went by, of the rows in the order of the stream: the file's, or the teacher's
    label of the time. A round at which the teacher's drift ended the job has neither record nor training.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    record: RoundRecord | None
    drifted: bool = False
    teacher_refreshed: bool = False
    learnt_targets: tuple[str, ...] = ()
    held_out_targets: tuple[str, ...] = ()
    steps: int = 0
    rows: int = 0
    seconds: float = 0.0
    final_loss: float | None = None
    resumed_steps: tuple[int, ...] = ()


def round_folder(job_folder: Path, number: int) -> Path:
    """The folder of round `number`, counted from 1."""
    return job_folder / ROUNDS_FOLDER / f"round-{number:04d}"


def read_rounds(job_folder: Path) -> list[DoneRound]:
    """The rounds that earlier attempts finished, in order."""
    found: list[DoneRound] = []
    while (path := round_folder(job_folder, len(found) + 1) / _RECORD).is_file():
        found.append(DoneRound.model_validate_json(path.read_bytes()))
    return found


def write_round(folder: Path, done: DoneRound) -> None:
    """Count the round in `folder` as done; it is on the disk when this returns."""
    partial = folder / f"{_RECORD}.partial"
    write_json(partial, json.loads(done.model_dump_json()))
    partial.replace(folder / _RECORD)
    sync_folder(folder)


def promoted_model(job_folder: Path, rounds: list[DoneRound], first: Path) -> Path:
    """The model folder of the student in service: of the last promoted round, else `first`."""
    numbers = [number for number, done in enumerate(rounds, 1) if done.record is not None and done.record.promoted]
    return round_folder(job_folder, numbers[-1]) / MODEL_FOLDER if numbers else first


def refreshed_teacher(job_folder: Path, rounds: list[DoneRound], first: Path) -> Path:
    """The model folder of the teacher: of the last round that refreshed it for good, else `first`."""
    numbers = [number for number, done in enumerate(rounds, 1) if done.teacher_refreshed]
    return round_folder(job_folder, numbers[-1]) / TEACHER_FOLDER / MODEL_FOLDER if numbers else first


def drop_superseded(job_folder: Path, rounds: list[DoneRound], in_use: set[Path]) -> None:
    """Remove the weights and outputs of finished rounds that nothing needs any more; the records stay."""
    for number in range(1, len(rounds) + 1):
        folder = round_folder(job_folder, number)
        for path in (folder / MODEL_FOLDER, folder / TEACHER_FOLDER / MODEL_FOLDER):
            if path not in in_use:
                shutil.rmtree(path, ignore_errors=True)
        for outputs in folder.glob("*outputs"):
            shutil.rmtree(outputs, ignore_errors=True)
