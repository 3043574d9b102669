"""The handler of a benchmark job: answers, timings and weights of one candidate."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from core.data.examples import read_examples
from core.data.predictions import write_predictions
from core.domain import Example, Prediction, Split
from core.engines.benchmark.answering import LabelAnswers, LabelSetAnswers, RowAnswerer
from core.engines.benchmark.endpoint_job import measure_endpoint
from core.engines.benchmark.language_job import evaluated_rows, is_language_model, measure_language_model
from core.engines.benchmark.quality import answer_all
from core.engines.benchmark.runtimes import time_runtimes
from core.engines.benchmark.summary import Cut, measured_result
from core.engines.models import Classifier, open_classifier
from core.engines.models.protocol import CutsInputs
from core.engines.models.weights import resolve
from core.errors import UserError
from core.i18n import english
from core.jobs.results import BenchmarkResult, UnknownRows
from core.jobs.specs import BenchmarkParameters
from core.lazy import load
from core.spec import EndpointModel
from core.worker.context import JobContext, Stopped

_IMPORT_BATCH_ROWS = 1000
_UNNAMED = re.compile(r"LABEL_\d+")


def run(parameters: BenchmarkParameters, context: JobContext) -> BenchmarkResult:
    """Measure a model, or import what was measured elsewhere; `predictions.jsonl` of the job's folder has the answers.

    Raises Stopped, and UserError where data, labels or model do not fit.
    """
    begun = time.monotonic()
    examples = read_examples(context.input_folder("data"))
    if parameters.predictions is not None:
        return _import(parameters, examples, context, begun)
    if not any(example.split is Split.TEST for example in examples):
        raise UserError("benchmark.no_rows")
    if isinstance(parameters.loadable, EndpointModel):
        return measure_endpoint(
            parameters.loadable, parameters.task, examples, context, parameters.price, parameters.retrieval
        )
    source = _model_source(parameters, context)
    if is_language_model(source, parameters.loadable, parameters.task):
        return measure_language_model(
            source,
            parameters.task,
            examples,
            context,
            parameters.retrieval,
            parameters.loadable,
            quality_only=parameters.quality_only,
        )
    if parameters.retrieval is not None:
        raise ValueError("a classifier is given no passages")
    return _measure_classifier(source, parameters, examples, context, begun)


def _measure_classifier(
    folder: Path, parameters: BenchmarkParameters, examples: Sequence[Example], context: JobContext, begun: float
) -> BenchmarkResult:
    evaluated = evaluated_rows(examples, quality_only=parameters.quality_only)
    requests = [example for example in evaluated if example.split is Split.TEST]
    classifier = open_classifier(folder)
    if parameters.loadable is not None:
        check_labels(folder, classifier.labels, {example.target for example in examples})
    several = parameters.task.kind == "multi_label"
    answerer: RowAnswerer = (
        LabelSetAnswers(classifier, parameters.task) if several else LabelAnswers(classifier, parameters.task)
    )
    predictions = answer_all(answerer, evaluated, context)
    cut = _cut(classifier, requests)
    parameters_count, weight_bytes = classifier.parameters, classifier.weight_bytes
    # Its memory would be in the way of the processes that are timed.
    del classifier, answerer
    outputs = {prediction.example_id: prediction.output for prediction in predictions}
    timings = None
    if not parameters.quality_only:
        timings = time_runtimes(folder, requests, outputs, context, several=several)
    seconds = time.monotonic() - begun
    return measured_result(predictions, evaluated, timings, parameters_count, weight_bytes, seconds, cut)


def _cut(classifier: Classifier, requests: Sequence[Example]) -> Cut | None:
    """The test rows that the classifier saw only the beginning of; null where it sees all of every input."""
    if not isinstance(classifier, CutsInputs) or classifier.max_length == 0:
        return None
    is_cut = classifier.cut([example.input for example in requests])
    return Cut(tuple(place for place, cut in enumerate(is_cut) if cut), classifier.max_length)


def _model_source(parameters: BenchmarkParameters, context: JobContext) -> Path:
    if parameters.loadable is None:
        return context.input_folder("model") / "model"
    if isinstance(parameters.loadable, EndpointModel):
        raise ValueError("an endpoint has no folder")
    return resolve(parameters.loadable, parameters.model_sha256)


def check_labels(folder: Path, known: Sequence[str], needed: set[str]) -> None:
    """Return where a ready classifier can give every label of the data. Raises UserError otherwise."""
    missing = sorted(needed - set(known))
    if not missing:
        return
    unnamed = [label for label in known if _UNNAMED.fullmatch(label)]
    if len(unnamed) == len(known):
        raise UserError("benchmark.labels_unnamed", path=str(folder), label=unnamed[0])
    raise UserError("benchmark.label_missing", path=str(folder), label=missing[0])


def _import(
    parameters: BenchmarkParameters, examples: Sequence[Example], context: JobContext, begun: float
) -> BenchmarkResult:
    """What was measured elsewhere: scored, matched to the examples, not timed. Needs no torch."""
    context.started("CPU")
    context.progress("phase.import", 0, len(examples))
    if parameters.predictions is None:
        raise ValueError("the benchmark names no predictions")
    source = parameters.predictions
    read = load("core.data.imported").import_predictions
    predictions: list[Prediction] = read(
        source.file, source.columns, examples, parameters.task, judged=parameters.judged
    )
    write_predictions(context.folder, predictions)
    for start in range(0, len(predictions), _IMPORT_BATCH_ROWS):
        if context.should_stop():
            raise Stopped
        batch = predictions[start : start + _IMPORT_BATCH_ROWS]
        context.predictions(batch)
        context.progress("phase.import", start + len(batch), len(predictions))
    rows = Counter(example.split for example in examples)
    left_out: UnknownRows | None = load("core.data.imported").unknown_rows(
        source.file, source.columns, examples, parameters.task
    )
    if left_out is not None:
        file, row = Path(source.file.path).name, left_out.first_row
        words = english("benchmark.log.rows_unknown", file=file, count=left_out.count, row=row, first=left_out.first)
        context.log(words, "warning")
    return BenchmarkResult(
        origin="imported",
        rows_test=rows[Split.TEST],
        rows_calibration=rows[Split.CALIBRATION],
        runtimes=(),
        peak_memory_mib=None,
        model_size_mib=None,
        parameters=None,
        joules_per_request=None,
        energy_source="not measured",
        unanswered=sum(prediction.output == "" for prediction in predictions),
        row_choices=load("core.data.result_files").has_row_choices(Path(source.file.path), source.columns.format),
        environment=None,
        seconds=time.monotonic() - begun,
        unknown_rows=left_out,
    )
