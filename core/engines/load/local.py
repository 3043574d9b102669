"""A model on this machine under load: in a process of its own, under the runtime that its benchmark found best."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

from core.domain import Example, Split
from core.engines.benchmark import environment
from core.engines.benchmark import plan as timing_plan
from core.engines.benchmark.answering import as_messages
from core.engines.benchmark.language_job import is_language_model
from core.engines.benchmark.probe_process import ProbeError, run_module
from core.engines.benchmark.subjects import Asked
from core.engines.compress.onnx_process import export_onnx_apart
from core.engines.finished_result import finished_result
from core.engines.language.label_lists import label_names
from core.engines.load.kept_levels import fingerprint_of, read_levels
from core.engines.models.card import format_of
from core.engines.models.protocol import Runtime
from core.engines.models.weights import resolve
from core.i18n import english
from core.jobs.results import BenchmarkResult, LoadResult
from core.jobs.specs import LoadParameters
from core.spec import EndpointModel
from core.worker.context import JobContext, Stopped

PHASE = "phase.load"
_OPENED_BY = {"scikit-learn": "sklearn"}


def load_local(parameters: LoadParameters, examples: Sequence[Example], context: JobContext) -> LoadResult:
    """What a model bears that lies on this machine. Raises Stopped and UserError."""
    source = _source(parameters, context)
    asked = _asked(source, parameters, examples)
    runtime, device = _best_runtime(context.input_folder("benchmark"))
    context.started(device)
    with TemporaryDirectory(dir=context.folder, prefix="load-") as place:
        workplace = Path(place)
        tested = _exported(source, workplace, context) if _needs_export(source, runtime) else source
        return _probe(tested, runtime, asked, parameters, workplace, context)


def _source(parameters: LoadParameters, context: JobContext) -> Path:
    if parameters.loadable is None:
        return context.input_folder("model") / "model"
    if isinstance(parameters.loadable, EndpointModel):
        raise TypeError("an endpoint has no folder")
    return resolve(parameters.loadable, parameters.model_sha256)


def _asked(source: Path, parameters: LoadParameters, examples: Sequence[Example]) -> Asked:
    """The test rows that the benchmark times, as it asks them."""
    task = parameters.task
    rows: Sequence[Example] = examples
    labels: list[str] = []
    limit = None
    if is_language_model(source, parameters.loadable, task):
        names = label_names(task, examples)
        rows = as_messages(examples, task, names)
        labels = names if task.kind == "classification" else []
        limit = None if labels else task.max_output_tokens
    test = [example for example in rows if example.split is Split.TEST]
    requests = tuple(test[row].input for row in timing_plan.timing_sample(len(test)))
    return Asked(requests=requests, labels=tuple(labels), max_output_tokens=limit)


def _best_runtime(benchmark: Path) -> tuple[Runtime, str]:
    """The first runtime of a finished benchmark's folder, and its device."""
    result = BenchmarkResult.model_validate(finished_result(benchmark))
    device = "CPU" if result.environment is None else result.environment.device
    best = result.runtimes[0].runtime
    # The floor says its library's name, which is opened by another one.
    return cast(Runtime, _OPENED_BY.get(best, best)), device


def _needs_export(source: Path, runtime: Runtime) -> bool:
    return runtime.startswith("onnxruntime") and format_of(source) == "transformers"


def _exported(source: Path, workplace: Path, context: JobContext) -> Path:
    context.progress("phase.export", 0, 1)
    exported = workplace / "onnx"
    export_onnx_apart(source, exported, lambda: _go_on(context))
    return exported


def _go_on(context: JobContext) -> None:
    if context.should_stop():
        raise Stopped


def _probe(
    source: Path, runtime: Runtime, asked: Asked, parameters: LoadParameters, workplace: Path, context: JobContext
) -> LoadResult:
    requests, plan, report = (workplace / name for name in ("asked.json", "plan.json", "report.json"))
    requests.write_text(asked.model_dump_json(), encoding="utf-8")
    plan.write_text(parameters.plan.model_dump_json(), encoding="utf-8")
    fingerprint = _fingerprint(runtime, asked, parameters)
    if kept := read_levels(context.folder, fingerprint).steps:
        context.log(english("load.log.kept", count=len(kept)))
    files = [str(path) for path in (source, runtime, requests, plan, report, context.folder, fingerprint)]
    try:
        run_module(
            ["core.engines.load.probe", *files],
            runtime,
            workplace / "probe.log",
            _waiting(fingerprint, parameters.plan.levels, context),
        )
    except ProbeError as error:
        # The model answered the benchmark under this very runtime: this is our fault, not the user's.
        raise RuntimeError(f"the load test's process failed: {error}") from error
    return LoadResult.model_validate_json(report.read_bytes())


def _fingerprint(runtime: Runtime, asked: Asked, parameters: LoadParameters) -> str:
    """What the levels depend on beside the weights, which the job's name tells: the levels of another machine are not
    gone on with."""
    plan = parameters.plan.model_dump(mode="json", exclude={"candidates"})
    place = [environment.machine(), environment.cores(), runtime]
    return fingerprint_of({"plan": plan, "asked": asked.model_dump(mode="json"), "place": place})


def _waiting(fingerprint: str, total: int, context: JobContext) -> Callable[[], None]:
    def wait() -> None:
        context.progress(PHASE, len(read_levels(context.folder, fingerprint).steps), total)
        _go_on(context)

    return wait
