"""Measuring a language model on this machine: by the text it writes, or by how it weighs the labels."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from core.domain import Example, Prediction, Split
from core.engines.benchmark.answering import LabelAnswers, RowAnswerer, TextAnswers, as_messages
from core.engines.benchmark.quality import answer_all
from core.engines.benchmark.retrieved import Retrieved, retrieve_rows, with_figures
from core.engines.benchmark.runtimes import Timings, time_language_model
from core.engines.benchmark.summary import measured_result
from core.engines.language.generator import LocalGenerator
from core.engines.language.kept_generator import kept_generator
from core.engines.language.label_lists import label_names
from core.engines.language.local import answering_runtime, open_generator
from core.engines.language.prompt_classifier import PromptClassifier
from core.errors import UserError
from core.i18n import english
from core.jobs.results import BenchmarkResult
from core.jobs.specs import RetrievalUse
from core.lazy import load
from core.metrics.scoring import row_scorer
from core.model_files import is_gguf_file, is_language_model_folder
from core.spec import HubModel, LocalModel, Task, times_llama_cpp
from core.worker.context import JobContext, Stopped


def is_language_model(source: Path, loadable: object, task: Task) -> bool:
    """Whether a model is measured as a language model; in a study of generation every model is.

    Raises UserError there for one that says of itself that it classifies.
    """
    known = is_gguf_file(source) or is_language_model_folder(source)
    called = isinstance(loadable, HubModel | LocalModel) and loadable.language_model
    if task.writes and not known and load("core.engines.models.card").has_card(source):
        raise UserError("benchmark.generation", path=str(source))
    return known or called or task.writes


def evaluated_rows(examples: Sequence[Example], *, quality_only: bool) -> list[Example]:
    """The rows that a model answers: all outside the train split, or the test rows where only quality is wanted."""
    left_out = (Split.TRAIN, Split.CALIBRATION) if quality_only else (Split.TRAIN,)
    return [example for example in examples if example.split not in left_out]


def measure_language_model(
    source: Path,
    task: Task,
    examples: Sequence[Example],
    context: JobContext,
    retrieval: RetrievalUse | None = None,
    loadable: object = None,
    *,
    quality_only: bool = False,
) -> BenchmarkResult:
    """Answer all rows outside the train split, with passages where there is `retrieval`, then time the model in a
    process of its own; `quality_only` means the test rows alone, and no timing. `loadable` names the runtime.

    `examples` are those of the dataset: the labels of a classification are all of its targets. Raises Stopped, within
    an answer too, and UserError.
    """
    begun = time.monotonic()
    names = label_names(task, examples)
    labels = names if task.kind == "classification" else []
    if not labels:
        row_scorer(task)  # a metric that is not installed is told before the model is loaded
    evaluated = evaluated_rows(examples, quality_only=quality_only)
    wanted = {example.example_id for example in evaluated}
    requests = [message for message in as_messages(examples, task, names) if message.example_id in wanted]
    # Before the language model is loaded: the encoder's memory is free again by then.
    retrieved = None if retrieval is None else retrieve_rows(retrieval, evaluated, context)
    asked = requests if retrieved is None else retrieved.messages(requests)

    def stop_when_asked() -> None:
        if context.should_stop():
            raise Stopped

    runtime = answering_runtime(loadable)
    longest = max((len(label.encode("utf-8")) for label in labels), default=task.max_output_tokens)
    generator = open_generator(source, stop_when_asked, runtime, [example.input for example in asked], longest)
    if retrieved is not None:
        retrieved.check_fit(generator, asked, requests)
    predictions = _answered(generator, source, task, names, asked, context)
    _tell_cut_off(predictions, task, context)
    parameters, weight_bytes = generator.parameters, generator.weight_bytes
    # Its memory would be in the way of the process that is timed.
    del generator
    timings = None if quality_only else _timed(source, task, requests, labels, retrieved, context, loadable)
    result = measured_result(predictions, evaluated, timings, parameters, weight_bytes, time.monotonic() - begun)
    return result if retrieved is None else with_figures(result, retrieved, task, context)


def _timed(
    source: Path,
    task: Task,
    requests: Sequence[Example],
    labels: Sequence[str],
    retrieved: Retrieved | None,
    context: JobContext,
    loadable: object,
) -> Timings:
    timed = requests if retrieved is None else retrieved.packed(requests)
    messages = [example.input for example in timed if example.split is Split.TEST]
    limit = None if labels else task.max_output_tokens
    setup = None if retrieved is None else retrieved.setup
    runtime, beside = answering_runtime(loadable), times_llama_cpp(loadable) and is_gguf_file(source)
    return time_language_model(source, messages, labels, limit, context, setup, runtime, beside=beside)


def _answered(
    generator: LocalGenerator,
    source: Path,
    task: Task,
    names: Sequence[str],
    asked: Sequence[Example],
    context: JobContext,
) -> list[Prediction]:
    """The quality pass; what the same weights answered before is not asked again."""
    with kept_generator(generator, source, context) as kept:
        # All of them, also after a stop: the same rows then round the same way.
        kept.share_opening([example.input for example in asked])
        answerer: RowAnswerer = (
            LabelAnswers(PromptClassifier(kept, names), task)
            if task.kind == "classification"
            else TextAnswers(kept, task, names)
        )
        predictions = answer_all(answerer, asked, context)
        if kept.kept:
            context.log(english("benchmark.log.answers_known", count=kept.kept, rows=len(asked)))
    return predictions


def _tell_cut_off(predictions: Sequence[Prediction], task: Task, context: JobContext) -> None:
    cut = sum((prediction.output_tokens or 0) >= task.max_output_tokens for prediction in predictions)
    if cut:
        limit, rows = task.max_output_tokens, len(predictions)
        context.log(english("benchmark.log.cut_off", count=cut, rows=rows, limit=limit), "warning")
    absent = sum(prediction.output is None for prediction in predictions)
    if absent:
        context.log(english("benchmark.log.too_long", count=absent, rows=len(predictions)), "warning")
