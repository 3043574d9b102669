"""A student in service, its teacher, and files of new examples for it."""

from __future__ import annotations

import csv
import hashlib
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from job_context import job_context
from sweep_tasks import write_trained_teacher
from tiny_models import LABELS

from core.engines.distill import job as distill_job
from core.jobs.specs import DataFile, DistillParameters
from core.spec import Columns, Dynamic, TeacherLayers, Train

TELLING = {"card": ("lost", "stolen"), "loan": ("rate", "interest"), "refund": ("money", "back")}
FILLING = ("my", "the", "please", "now", "today", "help")


def write_service(folder: Path) -> dict[str, Path]:
    """The inputs of a job: `data`, `teacher`, and `model`, a one-layer student that has learnt the old rows."""
    inputs = write_trained_teacher(folder)
    return {**inputs, "model": write_student(folder / "student", inputs)}


def write_student(folder: Path, inputs: Mapping[str, Path], epochs: int = 4, learning_rate: float = 3e-3) -> Path:
    """The folder of a job whose model is a one-layer student of the teacher."""
    train = Train(method="distill", epochs=epochs, batch_size=8, max_length=32, learning_rate=learning_rate)
    parameters = DistillParameters(layers=TeacherLayers(source="teacher", layers=1), train=train)
    distill_job.run(parameters, job_context(folder, parameters, {name: inputs[name] for name in ("data", "teacher")}))
    return folder


def new_rows(count: int, seed: int = 11, said: Mapping[str, str] | None = None) -> list[tuple[str, str]]:
    """Long texts that no old row equals, with their targets; `said` maps what is right to what the file says."""
    generator = random.Random(seed)
    rows = []
    for index in range(count):
        target = LABELS[index % len(LABELS)]
        words = [generator.choice(TELLING[target]), *generator.choices(FILLING, k=generator.randrange(8, 11))]
        generator.shuffle(words)
        rows.append((" ".join(words), target if said is None else said[target]))
    return rows


def write_stream(path: Path, rows: Sequence[Sequence[str]], header: Sequence[str] = ("text", "target")) -> DataFile:
    """A CSV file of new examples."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
    return DataFile(path=str(path), sha256=hashlib.sha256(path.read_bytes()).hexdigest())


def learning_on(stream: DataFile, train: Mapping[str, Any] | None = None, **dynamic: Any) -> DistillParameters:
    """A dynamic distillation over the stream, twelve rows a round."""
    wanted = {
        "stream": "",
        "round_rows": 12,
        "held_out": 0.25,
        "ema_decay": 0.5,
        "margin": 0.05,
        "drift_margin": 1.0,
        **dynamic,
    }
    settings = {"epochs": 2, "batch_size": 8, "max_length": 32, "learning_rate": 1e-3, **(train or {})}
    return DistillParameters(
        stream=stream,
        columns=Columns(),
        train=Train.model_validate({"method": "distill", "dynamic": Dynamic.model_validate(wanted), **settings}),
    )
