"""A small search over a language model's layers: its inputs and parameters, and a clock that nothing sways."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from tiny_language_models import write_language_model, write_language_model_job, write_text_dataset

from core.domain import Example
from core.engines.language.answers import AnsweredRow, write_answers
from core.engines.language.generator import LocalGenerator
from core.engines.sweep import writers
from core.engines.sweep.figures import Speed
from core.jobs.results import LabelResult
from core.jobs.specs import SweepLimits, SweepParameters
from core.spec import SweepModel, Task, Train

ROWS = 40
TASK = Task(kind="generation", metric="chrf", prompt="Last: {text}", max_output_tokens=6)


def write_inputs(folder: Path, layers: int = 3) -> dict[str, Path]:
    """The inputs `data` and `teacher` of a job: texts with their last words, and a language model drawn at random."""
    source = write_language_model(folder / "source", layers=layers)
    return {
        "data": write_text_dataset(folder / "data", rows=ROWS),
        "teacher": write_language_model_job(folder / "teacher", source),
    }


def searching(epochs: int = 2, task: Task = TASK, train: dict[str, Any] | None = None, **space: Any) -> SweepParameters:
    """A search over one and two layers as they are, which every student passes."""
    wanted = {"trials": 3, "layers": [1, 2], "feed_forward": [None, 16], "quantize": ["none"], "retain": 0.0, **space}
    settings = {"epochs": epochs, "batch_size": 8, "max_length": 64, **(train or {})}
    return SweepParameters(
        task=task,
        space=SweepModel.model_validate({"source": "sweep", **wanted}),
        limits=SweepLimits(),
        train=Train.model_validate({"method": "distill", **settings}),
    )


def answered_by_teacher(folder: Path, text: str, rows: int = ROWS) -> Path:
    """The folder of a label job in which the teacher wrote the same text for each row."""
    folder.mkdir(parents=True)
    answers = [AnsweredRow(f"r{row}", text, None, None, None, 9, 3, "stop") for row in range(rows)]
    figures = LabelResult(
        rows=rows, bought=0, kept=0, unusable=0, soft_rows=0, input_tokens=9, output_tokens=3,
        agreement_with_targets=None, seconds=1.0,
    )  # fmt: skip
    write_answers(folder, "label-job", answers, (), "strip", figures)
    return folder


def timed_by_size(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Let speed follow from the number of weights, so that a search is the same each time; the turns of each timing."""
    timed: list[int] = []

    def speed_of(generator: LocalGenerator, task: Task, asked: Sequence[Example], turns: int, tell: object) -> Speed:
        rate = 1e7 / generator.parameters
        timed.append(turns)
        return Speed((rate,) * turns, (1000.0 / rate,) * 60)

    monkeypatch.setattr(writers, "speed_of", speed_of)
    return timed
