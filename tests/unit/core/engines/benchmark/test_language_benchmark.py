"""Measuring a language model: its texts scored, its labels weighed, its tokens timed in a process of its own."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from job_context import RecordingContext, job_context
from tiny_gguf import write_gguf
from tiny_language_models import write_language_model, write_language_model_job, write_text_dataset

from core.data.examples import read_examples
from core.data.predictions import read_predictions
from core.domain import Split
from core.engines.benchmark import job, plan, probe, runtimes
from core.engines.benchmark.probe import ProbeReport
from core.engines.benchmark.subjects import Asked
from core.engines.language.prompts import message_of
from core.engines.language.torch_generator import TorchGenerator
from core.engines.models.protocol import Runtime
from core.jobs.results import BenchmarkResult
from core.jobs.specs import BenchmarkParameters
from core.metrics.text import chrf
from core.model_files import fingerprint_weights, weight_bytes
from core.spec import GgufModel, LocalModel, Task
from core.worker.context import Stopped

WRITING = Task(kind="generation", metric="chrf", prompt="Say: {text}", max_output_tokens=6)
WEIGHING = Task(kind="classification", metric="accuracy", prompt="Last of {text}?")


@dataclass(frozen=True)
class Measured:
    folder: Path
    result: BenchmarkResult
    context: RecordingContext


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_language_model(tmp_path_factory.mktemp("language"))


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_text_dataset(tmp_path_factory.mktemp("rows"))


@pytest.fixture(scope="module", autouse=True)
def _briefly() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TERCET_DEVICE", "cpu")
        patch.setenv("OMP_NUM_THREADS", "1")
        yield


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory, model: Path, rows: Path) -> Measured:
    """A trained model of a job."""
    folder = tmp_path_factory.mktemp("written")
    made = write_language_model_job(tmp_path_factory.mktemp("job"), model)
    parameters = BenchmarkParameters(task=WRITING)
    context = job_context(folder, parameters, {"data": rows, "model": made})
    return Measured(folder, job.run(parameters, context), context)


@pytest.fixture(scope="module")
def weighed(tmp_path_factory: pytest.TempPathFactory, model: Path, rows: Path) -> Measured:
    """A ready folder, timed briefly and in this process."""
    folder = tmp_path_factory.mktemp("weighed")
    ready = LocalModel(source="local", path=str(model))
    parameters = BenchmarkParameters(task=WEIGHING, loadable=ready, model_sha256=fingerprint_weights(model))
    context = job_context(folder, parameters, {"data": rows})

    def measured_here(
        source: Path, runtime: Runtime, asked: Asked, workplace: Path, wait: Callable[[int], None]
    ) -> ProbeReport:
        wait(0)
        return probe.measure(source, runtime, asked)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plan, "SINGLE_SECONDS_AT_MOST", 0.2)
        patch.setattr(plan, "THROUGHPUT_SECONDS_AT_MOST", 0.2)
        patch.setattr(runtimes, "run_probe", measured_here)
        return Measured(folder, job.run(parameters, context), context)


def timing_has_begun(context: RecordingContext) -> bool:
    return any(phase == "phase.time" for phase, _, _ in context.phases)


def test_every_held_out_row_is_answered_in_text_and_scored_by_the_metric(
    written: Measured, model: Path, rows: Path
) -> None:
    held_out = [example for example in read_examples(rows) if example.split is not Split.TRAIN]
    predictions = read_predictions(written.folder)
    assert [one.example_id for one in predictions] == [example.example_id for example in held_out]
    generator = TorchGenerator(model)
    for example, prediction in zip(held_out, predictions, strict=True):
        answer = generator.generate([message_of(WRITING, example)], WRITING.max_output_tokens)[0]
        assert prediction.output == answer.text
        assert prediction.score == chrf(answer.text, example.target)
        assert (prediction.input_tokens, prediction.output_tokens) == (answer.input_tokens, answer.output_tokens)
        assert prediction.confidence is not None
        assert prediction.confidence == pytest.approx(math.exp(answer.mean_log_probability or 0.0), abs=1e-4)


def test_tokens_are_timed_and_counted(written: Measured) -> None:
    (figures,) = written.result.runtimes
    assert figures.runtime == "torch"
    assert figures.tokens is not None
    assert figures.output_tokens_per_second == written.result.output_tokens_per_second
    assert figures.output_tokens_per_second is not None
    assert figures.requests_per_second is not None
    tokens_a_request = figures.output_tokens_per_second / figures.requests_per_second
    assert 0.99 <= tokens_a_request <= 1.01 * WRITING.max_output_tokens
    assert plan.SINGLE_REQUESTS_AT_LEAST <= len(figures.latency.milliseconds) <= plan.SINGLE_REQUESTS
    assert len(figures.tokens.time_to_first_token_ms) <= len(figures.latency.milliseconds)
    assert np.median(figures.tokens.time_to_first_token_ms) < np.median(figures.latency.milliseconds)
    assert min(figures.tokens.time_per_output_token_ms) > 0.0


def test_how_far_the_timing_has_come_is_told(written: Measured) -> None:
    told = [done for phase, done, total in written.context.phases if phase == "phase.time" and total == probe.PHASES]
    assert told == sorted(told)
    assert len(set(told)) > 1


def test_memory_is_told_apart_by_phase(written: Measured) -> None:
    (figures,) = written.result.runtimes
    assert figures.memory is not None
    assert min(figures.memory.loading_mib, figures.memory.answering_mib) > 20.0
    assert figures.peak_memory_mib == max(figures.memory.loading_mib, figures.memory.answering_mib)
    assert (figures.memory.gpu_reserved_mib, figures.memory.gpu_process_mib) == (None, None)


def test_answers_that_reach_the_limit_are_told(written: Measured) -> None:
    cut = sum(one.output_tokens == WRITING.max_output_tokens for one in read_predictions(written.folder))
    assert cut > 0
    assert any(
        f"{cut} of 10 answers are as long as task.max_output_tokens (6)" in line for line in written.context.logs
    )


def test_size_memory_and_parameters_are_the_model_s(written: Measured, weighed: Measured, model: Path) -> None:
    for measured in (written, weighed):
        assert measured.result.model_size_mib == pytest.approx(weight_bytes(model) / 2**20, rel=0.01)
        assert measured.result.peak_memory_mib is not None
        assert measured.result.peak_memory_mib > 20.0
        assert measured.result.parameters == TorchGenerator(model).parameters


def test_a_classification_is_answered_by_the_most_probable_label_with_its_probability(
    weighed: Measured, model: Path, rows: Path
) -> None:
    examples = read_examples(rows)
    labels = sorted({example.target for example in examples})
    predictions = {one.example_id: one for one in read_predictions(weighed.folder)}
    generator = TorchGenerator(model)
    held_out = [example for example in examples if example.split is not Split.TRAIN]
    assert len(predictions) == len(held_out)
    for example in held_out:
        probabilities = generator.classify([message_of(WEIGHING, example)], labels)[0]
        found = predictions[example.example_id]
        assert found.output == labels[int(probabilities.argmax())]
        assert found.score == float(found.output == example.target)
        assert found.confidence == pytest.approx(float(probabilities.max()), abs=1e-4)
    assert weighed.result.output_tokens_per_second is None
    assert weighed.result.runtimes[0].tokens is None
    assert (weighed.result.rows_test, weighed.result.rows_calibration, weighed.result.unanswered) == (6, 4, 0)


def test_a_stopped_measurement_keeps_its_batches_and_ends_as_an_uninterrupted_one(
    tmp_path: Path, model: Path, rows: Path, written: Measured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "WRITTEN_ROWS_AT_MOST", 4)
    made = write_language_model_job(tmp_path / "made", model)
    parameters = BenchmarkParameters(task=WRITING)
    folders = {"data": rows, "model": made}
    asked = []

    def in_the_second_batch(context: RecordingContext) -> bool:
        asked.append(1)
        return bool(context.sent) and len(asked) > 12

    first = job_context(tmp_path / "job", parameters, folders, in_the_second_batch)
    with pytest.raises(Stopped):
        job.run(parameters, first)
    assert len(first.sent) == 4
    again = job_context(
        tmp_path / "job",
        parameters,
        folders,
        timing_has_begun,
    )
    with pytest.raises(Stopped):
        job.run(parameters, again)
    assert again.starts[0][1] == 4
    assert not {one.example_id for one in first.sent} & {one.example_id for one in again.sent}
    whole = {one.example_id: one.output for one in read_predictions(written.folder)}
    assert {one.example_id: one.output for one in read_predictions(tmp_path / "job")} == whole


def test_a_request_that_does_not_fit_counts_as_wrong(tmp_path: Path, model: Path, rows: Path) -> None:
    long = Task(kind="generation", metric="exact_match", prompt="x" * 505 + "{text}")
    parameters = BenchmarkParameters(task=long, loadable=LocalModel(source="local", path=str(model)))
    context = job_context(
        tmp_path,
        parameters,
        {"data": rows},
        timing_has_begun,
    )
    with pytest.raises(Stopped):
        job.run(parameters, context)
    predictions = read_predictions(tmp_path)
    assert {(one.output, one.score) for one in predictions if (one.input_tokens or 0) >= 512} == {(None, 0.0)}
    assert any("do not fit into the model's context" in line for line in context.logs)


@pytest.mark.parametrize("task", [WRITING, WEIGHING], ids=["writing", "weighing"])
def test_a_gguf_file_is_measured_as_its_folder_is(task: Task, tmp_path: Path, rows: Path) -> None:
    file = write_gguf(tmp_path / "tiny.gguf", tmp_path / "folder")
    sources = (GgufModel(source="gguf", file=str(file)), LocalModel(source="local", path=str(tmp_path / "folder")))
    answers = []
    for source in sources:
        parameters = BenchmarkParameters(task=task, loadable=source)
        context = job_context(tmp_path / source.source, parameters, {"data": rows}, timing_has_begun)
        with pytest.raises(Stopped):
            job.run(parameters, context)
        answers.append([(one.example_id, one.output, one.input_tokens) for one in read_predictions(context.folder)])
    assert answers[0] == answers[1]
    assert len(answers[0]) == 10
