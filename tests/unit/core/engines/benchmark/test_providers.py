"""An exported model is measured on every execution provider that is present, each figure under its own name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from job_context import RecordingContext, job_context
from onnx_models import write_sum_model

from core.domain import Example, Split
from core.engines.benchmark import memory, plan, probe, runtimes
from core.engines.benchmark.energy import Counter
from core.engines.benchmark.memory import GpuMemory
from core.engines.benchmark.probe import ProbeReport
from core.engines.benchmark.runtimes import Timings, time_runtimes
from core.engines.benchmark.subjects import Asked
from core.engines.models import open_classifier, providers
from core.engines.models.protocol import Runtime
from core.jobs.specs import BenchmarkParameters
from core.spec import Task

TEXTS = ("rate", "money back", "my card lost")
EXAMPLES = [Example(f"r{n}", Split.TEST, f"g{n}", text, "card") for n, text in enumerate(TEXTS)]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_sum_model(tmp_path / "model")


@pytest.fixture(autouse=True)
def _briefly(monkeypatch: pytest.MonkeyPatch) -> None:
    def here(source: Path, runtime: Runtime, asked: Asked, workplace: Path, wait: Callable[[int], None]) -> ProbeReport:
        wait(0)
        return probe.measure(source, runtime, asked)

    monkeypatch.setattr(runtimes, "run_probe", here)
    for name in ("SINGLE_SECONDS", "SINGLE_SECONDS_AT_MOST", "THROUGHPUT_SECONDS", "THROUGHPUT_SECONDS_AT_LEAST"):
        monkeypatch.setattr(plan, name, 0.05)


def present(monkeypatch: pytest.MonkeyPatch, *names: Runtime) -> None:
    """Let the CPU's provider stand in for others: the code is the same."""
    for name in names:
        monkeypatch.setitem(providers.PROVIDERS, name, "CPUExecutionProvider")
    monkeypatch.setattr(providers, "accelerated_runtimes", lambda: names)


def timed(model: Path, folder: Path) -> tuple[Timings, RecordingContext]:
    classifier = open_classifier(model)
    answers = classifier.probabilities(TEXTS).argmax(axis=1)
    outputs: dict[str, str | None] = {f"r{n}": classifier.labels[place] for n, place in enumerate(answers)}
    context = job_context(folder, BenchmarkParameters(task=Task(kind="classification", metric="accuracy")), {})
    context.started("CPU")
    return time_runtimes(model, EXAMPLES, outputs, context), context


def test_a_model_is_timed_on_the_cpu_and_on_every_other_provider(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    present(monkeypatch, "onnxruntime-openvino", "onnxruntime-coreml")
    found, _ = timed(model, tmp_path / "job")
    names = {figures.runtime for figures in found.runtimes}
    assert names == {"onnxruntime", "onnxruntime-openvino", "onnxruntime-coreml"}
    assert found.environment.device.endswith("(ONNX Runtime)") == (found.runtimes[0].runtime != "onnxruntime")


def test_a_provider_that_does_not_run_the_model_is_left_out_with_its_reason(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(providers, "accelerated_runtimes", lambda: ("onnxruntime-qnn",))
    found, context = timed(model, tmp_path / "job")
    assert [figures.runtime for figures in found.runtimes] == ["onnxruntime"]
    assert any("onnxruntime-qnn" in line and "QNNExecutionProvider" in line for line in context.logs)


@pytest.mark.parametrize("counted", [700.0, None], ids=["counted", "not told"])
def test_on_an_nvidia_provider_memory_is_what_the_driver_counts_or_not_measured(
    counted: float | None, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    present(monkeypatch, "onnxruntime-cuda")
    asked_for: list[bool] = []

    def counters(on_gpu: bool) -> list[Counter]:
        asked_for.append(on_gpu)
        return []

    monkeypatch.setattr(probe, "counters", counters)
    monkeypatch.setattr(
        memory, "gpu_memory", lambda another_library: GpuMemory(None, counted) if another_library else None
    )
    found, _ = timed(model, tmp_path / "job")
    peaks = {figures.runtime: figures.peak_memory_mib for figures in found.runtimes}
    assert peaks["onnxruntime-cuda"] == counted
    assert (peaks["onnxruntime"] or 0.0) > 20.0
    assert asked_for == [False, True]


def test_the_peak_of_a_model_on_the_cpu_is_resident_memory_though_the_process_holds_a_gpu(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "cuda_in_use", lambda: True)
    monkeypatch.setattr(memory, "_over_gpus", lambda bytes_of: 0.0)
    monkeypatch.setattr(probe, "counters", lambda on_gpu: [])
    found, _ = timed(model, tmp_path / "job")
    assert [figures.runtime for figures in found.runtimes] == ["onnxruntime"]
    assert (found.runtimes[0].peak_memory_mib or 0.0) > 20.0
