"""Measuring: every held-out row answered once, timed fairly, weighed in a process of its own."""

from __future__ import annotations

from pathlib import Path

import pytest
from job_context import RecordingContext, job_context
from tiny_models import LABELS

from core.data.examples import read_examples
from core.data.predictions import read_predictions
from core.domain import Split
from core.engines.benchmark import job, plan, timing
from core.engines.models import open_classifier
from core.engines.models.protocol import CutsInputs
from core.errors import UserError
from core.jobs.results import BenchmarkResult
from core.jobs.specs import BenchmarkParameters
from core.model_files import weight_bytes
from core.spec import Task
from core.worker.context import Stopped

PARAMETERS = BenchmarkParameters(task=Task(kind="classification", metric="accuracy"))
Measured = tuple[Path, BenchmarkResult, RecordingContext]


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory, teacher: Path, dataset: Path) -> Measured:
    folder = tmp_path_factory.mktemp("benchmark")
    patch = pytest.MonkeyPatch()
    patch.setenv("TERCET_DEVICE", "cpu")
    context = job_context(folder, PARAMETERS, {"data": dataset, "model": teacher})
    result = job.run(PARAMETERS, context)
    patch.undo()
    return folder, result, context


def test_every_held_out_row_is_answered_once_by_the_most_probable_class(
    measured: Measured, teacher: Path, dataset: Path
) -> None:
    held_out = [example for example in read_examples(dataset) if example.split is not Split.TRAIN]
    predictions = {one.example_id: one for one in read_predictions(measured[0])}
    assert sorted(predictions) == sorted(example.example_id for example in held_out)
    model = open_classifier(teacher / "model", "torch")
    for example in held_out:
        probabilities = model.probabilities([example.input])[0]
        found = predictions[example.example_id]
        assert found.output == LABELS[int(probabilities.argmax())]
        assert found.score == float(found.output == example.target)
        assert found.confidence == pytest.approx(float(probabilities.max()), abs=1e-3)


def test_inputs_that_the_model_sees_only_the_beginning_of_are_counted(measured: Measured, teacher: Path) -> None:
    result = measured[1]
    classifier = open_classifier(teacher / "model")
    assert isinstance(classifier, CutsInputs)
    assert result.max_length == classifier.max_length > 0
    assert result.cut_rows == 0
    assert result.unfit_rows == 0
    long = "my card " * classifier.max_length
    assert classifier.cut(["my card", long, long]) == [False, True, True]
    assert result.cut_places == ()


def test_each_runtime_that_can_run_it_is_measured_and_the_best_stands_first(measured: Measured) -> None:
    result = measured[1]
    assert {figures.runtime for figures in result.runtimes} == {"onnxruntime", "torch"}
    rates = [figures.requests_per_second or 0.0 for figures in result.runtimes]
    assert rates == sorted(rates, reverse=True)
    assert result.origin == "measured"


def test_latency_is_of_single_requests_after_a_warm_up(measured: Measured) -> None:
    for figures in measured[1].runtimes:
        assert figures.latency is not None
        # A slow machine warms up for a limited time.
        assert 1 <= figures.latency.warm_up_requests <= plan.WARM_UP_REQUESTS
        assert plan.SINGLE_REQUESTS_AT_LEAST <= len(figures.latency.milliseconds) <= plan.SINGLE_REQUESTS
        assert min(figures.latency.milliseconds) > 0.0


def test_size_counts_weights_only_and_memory_is_that_of_a_whole_process(measured: Measured, teacher: Path) -> None:
    result = measured[1]
    assert result.model_size_mib == pytest.approx(weight_bytes(teacher / "model") / 2**20)
    assert result.peak_memory_mib is not None
    assert result.model_size_mib is not None
    assert result.peak_memory_mib > result.model_size_mib
    assert 20.0 < result.peak_memory_mib < 2000.0


def test_energy_that_nothing_measures_is_said_not_to_be_measured(measured: Measured) -> None:
    result = measured[1]
    assert (result.joules_per_request is None) == (result.energy_source == "not measured")


def test_throughput_answers_in_batches_of_32() -> None:
    class Counting:
        sizes: list[int] = []  # noqa: RUF012 (one test's own list)

        def probabilities(self, inputs: list[str]) -> None:
            self.sizes.append(len(inputs))

    model = Counting()
    rate, rows = timing.requests_per_second(model, ["a", "b", "c"])  # type: ignore[arg-type]  # answers nobody reads
    assert set(model.sizes) == {plan.BATCH_ROWS} == {32}
    assert rows == sum(model.sizes)
    assert rate > 0.0


def timing_has_begun(context: RecordingContext) -> bool:
    return any(phase == "phase.time" for phase, _, _ in context.phases)


def test_a_stopped_measurement_keeps_its_answers_and_goes_on(tmp_path: Path, teacher: Path, dataset: Path) -> None:
    folders = {"data": dataset, "model": teacher}
    first = job_context(tmp_path, PARAMETERS, folders, lambda context: bool(context.sent))
    with pytest.raises(Stopped):
        job.run(PARAMETERS, first)
    again = job_context(tmp_path, PARAMETERS, folders, timing_has_begun)
    with pytest.raises(Stopped):
        job.run(PARAMETERS, again)
    assert again.starts[0][1] == len(first.sent) > 0
    held_out = [example for example in read_examples(dataset) if example.split is not Split.TRAIN]
    assert len(read_predictions(tmp_path)) == len(held_out)


def test_a_generation_task_is_not_measured_here(tmp_path: Path, teacher: Path, dataset: Path) -> None:
    parameters = BenchmarkParameters(task=Task(kind="generation", metric="exact_match"))
    with pytest.raises(UserError) as refused:
        job.run(parameters, job_context(tmp_path, parameters, {"data": dataset, "model": teacher}))
    assert refused.value.code == "benchmark.generation"


@pytest.mark.parametrize(
    ("known", "code"),
    [(("LABEL_0", "LABEL_1"), "benchmark.labels_unnamed"), (("card", "loan"), "benchmark.label_missing")],
)
def test_a_ready_classifier_must_know_every_label_of_the_data(known: tuple[str, ...], code: str) -> None:
    with pytest.raises(UserError) as refused:
        job.check_labels(Path("model"), known, set(LABELS))
    assert refused.value.code == code
