"""The jobs' folder of a study that is prepared and whose candidate has answered, for jobs that go on from there."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from core.data.examples import write_examples
from core.data.predictions import write_predictions
from core.domain import Example, Prediction, Split


def tower(row: int, target: str, passage: str) -> Example:
    """A row on tower number `row`, with a passage as its context; even rows are test rows."""
    fields = (("text", f"tower {row}"), ("passage", passage))
    split = Split.TEST if row % 2 == 0 else Split.CALIBRATION
    return Example(f"r{row}", split, f"g{row}", f"tower {row}", target, fields=fields)


def answered_study(folder: Path, rows: Iterable[tuple[Example, Prediction]]) -> Path:
    """The folder with the jobs `data` and `bench`."""
    jobs = folder / "s.tercet.d" / "jobs"
    (jobs / "data").mkdir(parents=True)
    (jobs / "bench").mkdir()
    answered = list(rows)
    write_examples(jobs / "data", [example for example, _ in answered])
    write_predictions(jobs / "bench", [prediction for _, prediction in answered])
    return jobs
