"""A small search: a trained tiny teacher, its data, and the parameters of a sweep over it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from job_context import RecordingContext, job_context
from tiny_models import tiny_config, write_body, write_dataset

from core.engines import fine_tune
from core.engines.sweep.records import TrialLine
from core.engines.sweep.space import Settings
from core.jobs.results import SweepResult, TrialRecord
from core.jobs.specs import FineTuneParameters, SweepLimits, SweepParameters
from core.spec import LocalModel, SweepModel, Task, Train
from core.worker.context import Stopped

Stop = Callable[[RecordingContext], bool]

ROWS = 90


def write_trained_teacher(folder: Path) -> dict[str, Path]:
    """The inputs `data` and `teacher` of a job: a dataset, and a three-layer classifier that has learnt it."""
    data, body = (
        write_dataset(folder / "data", rows=ROWS),
        write_body(folder / "body", tiny_config(layers=3, dropout=0.0)),
    )
    train = Train(method="fine_tune", epochs=12, batch_size=8, max_length=32, learning_rate=3e-3)
    parameters = FineTuneParameters(model=LocalModel(source="local", path=str(body)), train=train)
    fine_tune.run(parameters, job_context(folder / "teacher", parameters, {"data": data}))
    return {"data": data, "teacher": folder / "teacher"}


def sweeping(
    limits: SweepLimits | None = None, metric: Any = "accuracy", epochs: int = 2, **space: Any
) -> SweepParameters:
    """A search over one and two layers, whole or with half of the neurons."""
    wanted = {
        "trials": 3,
        "layers": [1, 2],
        "feed_forward": [None, 16],
        "trim_vocabulary": [False],
        "quantize": ["none"],
        "retain": 0.9,
        **space,
    }
    return SweepParameters(
        task=Task(kind="classification", metric=metric),
        space=SweepModel.model_validate({"source": "sweep", **wanted}),
        limits=limits or SweepLimits(),
        train=Train(method="distill", epochs=epochs, batch_size=8, max_length=32, learning_rate=3e-3),
    )


def line(training: int = 0, quantize: str | None = "none", qualities: Any = (0.5, 0.8), **parts: Any) -> TrialLine:
    """A finished trial of one layer, made by hand."""
    settings = {"layers": 1, "feed_forward": None, "trim_vocabulary": False, "temperature": 2.0, "alpha": 0.9}
    settings |= parts.pop("settings", {})
    fields = {
        "number": training, "state": "complete", "settings": {}, "quality": 0.8, "requests_per_second": 100.0,
        "p95_latency_ms": 5.0, "model_size_mib": 1.0, "feasible": True, "seconds": 1.0,
    }  # fmt: skip
    return TrialLine(
        training=training,
        settings=Settings.model_validate(settings),
        quantize=quantize,
        qualities=tuple(qualities),
        record=TrialRecord.model_validate(fields | parts),
    )


def until_stopped(search: Callable[[Stop], tuple[SweepResult, RecordingContext]], asks: int) -> SweepResult | None:
    """The result, or null where the search was told to stop when it had asked so often."""
    asked = iter(range(asks))
    try:
        return search(lambda _: next(asked, None) is None)[0]
    except Stopped:
        return None
