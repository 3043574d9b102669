"""A model on this machine under load: in a process of its own, under the runtime that its benchmark found best."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from evidence_by_hand import benchmark
from job_context import job_context

from core.engines.baseline.model import RUNTIME as FLOOR_RUNTIME
from core.engines.load import job, local
from core.engines.load.kept_levels import FILE_NAME
from core.events import Finished, to_line
from core.jobs.folder import EVENTS_FILE
from core.jobs.results import RuntimeFigures
from core.jobs.specs import LoadParameters
from core.spec import LoadPlan, Task

NAMING = Task(kind="classification", metric="accuracy")


@pytest.fixture
def benchmarked(tmp_path: Path) -> Path:
    """The folder of a finished benchmark, whose best runtime is torch."""
    return finished_benchmark(tmp_path, "torch")


def finished_benchmark(tmp_path: Path, runtime: str) -> Path:
    measured = benchmark([1.0, 2.0], 10.0)
    figures = RuntimeFigures(runtime=runtime, latency=measured.runtimes[0].latency, requests_per_second=10.0)
    result = measured.model_copy(update={"runtimes": (figures,)})
    event = Finished(job_id="b", sequence=1, at=datetime.now(UTC), result=result.model_dump(mode="json"))
    folder = tmp_path / "benchmark"
    folder.mkdir()
    (folder / EVENTS_FILE).write_text(f"{to_line(event)}\n", encoding="utf-8")
    return folder


def test_threads_share_a_model_that_is_loaded_in_a_process_of_its_own(
    tmp_path: Path, teacher: Path, dataset: Path, benchmarked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERCET_DEVICE", "cpu")
    plan = LoadPlan(concurrency=[1, 2], requests=20, arrivals="constant", rates=[50.0])
    parameters = LoadParameters(task=NAMING, plan=plan)
    inputs = {"data": dataset, "model": teacher, "benchmark": benchmarked}
    context = job_context(tmp_path / "load", parameters, inputs)
    result = job.run(parameters, context)
    assert result.runtime == "torch"
    assert result.device.startswith("CPU")
    assert [(step.loop, step.warm_up_requests, len(step.latency_ms)) for step in result.steps] == [
        ("closed", 1, 20),
        ("closed", 2, 20),
        ("constant", 2, 20),
    ]
    assert all(step.requests_per_second > 0.0 and min(step.latency_ms) > 0.0 for step in result.steps)
    assert result.requests == plan.most_requests
    assert [path.name for path in context.folder.iterdir()] == [FILE_NAME], "nothing else is left of the test's files"
    kept = (context.folder / FILE_NAME).read_bytes()
    again = job.run(parameters, job_context(tmp_path / "load", parameters, inputs))
    assert again.steps == result.steps, "levels that are kept are not run again"
    assert (context.folder / FILE_NAME).read_bytes() == kept


def test_a_floor_is_opened_by_the_runtime_that_knows_it(tmp_path: Path) -> None:
    runtime, _ = local._best_runtime(finished_benchmark(tmp_path, FLOOR_RUNTIME))
    assert runtime == "sklearn"
