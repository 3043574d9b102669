"""GGUF files under two runtimes: the speed of one never stands beside the answers of the other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import fake_llama_cpp
import pytest
from job_context import RecordingContext, job_context
from tiny_gguf import write_gguf
from tiny_language_models import write_text_dataset

from core.data.examples import read_examples
from core.data.predictions import read_predictions
from core.engines.benchmark import job, plan, probe, runtimes
from core.engines.benchmark.probe import ProbeReport, on_unmarked_gpu
from core.engines.benchmark.subjects import Asked
from core.engines.language import llama_cpp_generator
from core.engines.language.llama_cpp_generator import LlamaCppGenerator
from core.engines.language.prompts import message_of
from core.engines.language.torch_generator import TorchGenerator
from core.engines.models.protocol import Runtime
from core.jobs.results import BenchmarkResult
from core.jobs.specs import BenchmarkParameters
from core.spec import GgufModel, Task

WRITING = Task(kind="generation", metric="chrf", prompt="Say: {text}", max_output_tokens=4)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("gguf")
    return write_gguf(folder / "tiny.gguf", folder / "folder")


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_text_dataset(tmp_path_factory.mktemp("rows"), rows=12)


@pytest.fixture
def measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: Path, rows: Path
) -> Callable[[str], tuple[BenchmarkResult, RecordingContext]]:
    """What a benchmark of the file shows under a runtime, timed briefly and in this process."""
    for name in ("SINGLE_SECONDS_AT_MOST", "THROUGHPUT_SECONDS_AT_MOST", "WARM_UP_SECONDS_AT_MOST"):
        monkeypatch.setattr(plan, name, 0.05)
    monkeypatch.setattr(plan, "REPEATED_REQUESTS", 2)
    monkeypatch.setenv("TERCET_DEVICE", "cpu")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")

    def here(source: Path, runtime: Runtime, asked: Asked, workplace: Path, wait: Callable[[int], None]) -> ProbeReport:
        return probe.measure(source, runtime, asked)

    monkeypatch.setattr(runtimes, "run_probe", here)

    def run(runtime: str) -> tuple[BenchmarkResult, RecordingContext]:
        model: dict[str, Any] = {"source": "gguf", "file": str(file), "runtime": runtime}
        parameters = BenchmarkParameters(task=WRITING, loadable=GgufModel.model_validate(model))
        context = job_context(tmp_path / "jobs" / runtime, parameters, {"data": rows})
        return job.run(parameters, context), context

    return run


def test_a_candidate_of_llama_cpp_has_its_answers_and_its_times(
    measured: Callable[[str], tuple[BenchmarkResult, RecordingContext]],
    monkeypatch: pytest.MonkeyPatch,
    file: Path,
    rows: Path,
) -> None:
    fake_llama_cpp.install(monkeypatch)
    result, context = measured("llama.cpp")
    assert [one.runtime for one in result.runtimes] == ["llama.cpp"]
    assert result.parameters == 1000
    assert result.runtimes[0].tokens is not None
    generator = LlamaCppGenerator(file)
    for example, said in zip(read_examples(rows)[-2:], read_predictions(context.folder)[-2:], strict=True):
        (own,) = generator.generate([message_of(WRITING, example)], WRITING.max_output_tokens)
        assert (said.example_id, said.output) == (example.example_id, own.text)


def test_llama_cpp_is_left_out_where_it_answers_otherwise_than_torch(
    measured: Callable[[str], tuple[BenchmarkResult, RecordingContext]], monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_llama_cpp.install(monkeypatch)
    result, context = measured("auto")
    assert [one.runtime for one in result.runtimes] == ["torch"]
    assert any(
        "llama.cpp is left out: it gives the same answer as torch on only 0.0\u00a0%" in line for line in context.logs
    )


def test_llama_cpp_stands_beside_torch_where_it_gives_the_same_answers(
    measured: Callable[[str], tuple[BenchmarkResult, RecordingContext]], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Alike(TorchGenerator):
        def __init__(self, source: Path, on_step: Callable[[], None], requests: Any, answer_tokens: int) -> None:
            super().__init__(source, on_step=on_step)
            self.runtime = "llama.cpp"

    fake_llama_cpp.install(monkeypatch)
    monkeypatch.setattr(llama_cpp_generator, "LlamaCppGenerator", Alike)
    result, _ = measured("auto")
    assert {one.runtime for one in result.runtimes} == {"torch", "llama.cpp"}
    rates = [one.requests_per_second or 0.0 for one in result.runtimes]
    assert rates == sorted(rates, reverse=True)


@pytest.mark.parametrize(("runtime", "told"), [("auto", True), ("torch", False)])
def test_torch_alone_is_timed_where_llama_cpp_is_not_installed_or_not_wanted(
    measured: Callable[[str], tuple[BenchmarkResult, RecordingContext]],
    monkeypatch: pytest.MonkeyPatch,
    runtime: str,
    told: bool,
) -> None:
    monkeypatch.setattr(runtimes, "is_installed", lambda name: False)
    result, context = measured(runtime)
    assert [one.runtime for one in result.runtimes] == ["torch"]
    assert any("tercet[llama-cpp]" in line for line in context.logs) is told


def test_memory_of_a_gpu_under_llama_cpp_is_the_driver_s_to_tell() -> None:
    assert on_unmarked_gpu("llama.cpp", "GPU (llama.cpp)")
    assert not on_unmarked_gpu("llama.cpp", "CPU, 2 threads")
    assert not on_unmarked_gpu("torch", "NVIDIA H100 (cuda)")
