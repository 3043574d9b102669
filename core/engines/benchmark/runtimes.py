"""Every runtime that can run a model, each timed in a fresh process; the fastest in batches stands first."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.domain import Example
from core.engines.benchmark import environment, plan
from core.engines.benchmark.probe import PHASES, ProbeReport, on_unmarked_gpu
from core.engines.benchmark.probe_process import ProbeError, run_probe
from core.engines.benchmark.subjects import Asked
from core.engines.compress.onnx_process import export_onnx_apart
from core.engines.compress.parity import as_percent
from core.engines.language.local import LanguageRuntime
from core.engines.models import providers
from core.engines.models.card import format_of
from core.engines.models.protocol import Runtime
from core.engines.retrieval.retriever import RetrievalSetup
from core.errors import UserError, told
from core.i18n import english
from core.jobs.results import Environment, LatencySamples, PeakMemory, RuntimeFigures
from core.lazy import extra_of, is_installed
from core.worker.context import JobContext, Stopped

_HOME: dict[str, Runtime] = {
    "transformers": "torch",
    "onnx": "onnxruntime",
    "tfidf_linear": "sklearn",
    "embedding_linear": "sklearn",
}
_EXPORT_LIBRARIES = ("onnx", "onnxscript", "onnxruntime")


@dataclass(frozen=True)
class Timings:
    """The runtimes, best first; energy and environment are those of the best one."""

    runtimes: tuple[RuntimeFigures, ...]
    joules_per_request: float | None
    environment: Environment


def time_runtimes(
    folder: Path,
    requests: Sequence[Example],
    outputs: Mapping[str, str | None],
    context: JobContext,
    *,
    several: bool = False,
) -> Timings:
    """Time the model of `folder` under its own runtime and, for a transformers model, under ONNX Runtime: on the CPU
    where torch runs there too, and on every other execution provider that is present.

    `outputs` are the labels of the quality pass by example id, `several` says that each is a set of them; another
    runtime that gives the same on less than 99 % of the timed requests is left out with a line in the log. The best is
    the one with the most requests a second in batches, for that decides how many machines a load needs. Raises Stopped,
    UserError and RuntimeError.
    """
    load_average = environment.load_average()
    sample = [requests[row] for row in plan.timing_sample(len(requests))]
    asked = Asked(requests=tuple(example.input for example in sample), several=several)
    form = format_of(folder)
    with _workplace(context) as workplace:
        home = _time_home(folder, _HOME[form], asked, workplace, context)
        reports = [home]
        if form in ("transformers", "onnx"):
            reports += _time_onnx(folder, form == "onnx", home.device, sample, outputs, asked, workplace, context)
    return _timings(reports, load_average, context)


def time_language_model(
    source: Path,
    messages: Sequence[str],
    labels: Sequence[str],
    max_output_tokens: int | None,
    context: JobContext,
    retrieval: RetrievalSetup | None = None,
    runtime: LanguageRuntime = "torch",
    *,
    beside: bool = False,
) -> Timings:
    """Time the language model of a folder or GGUF file: weighing `labels`, or writing up to `max_output_tokens`.

    `runtime` is that of the quality pass; with `beside` llama.cpp is timed too where it is installed, and left out with
    a line in the log where it answers otherwise on more than 1 % of the timed requests: the speed of one runtime never
    stands beside the quality of another. With `retrieval` the messages are packed, and the time of looking passages up
    is part of every figure. Raises Stopped, UserError and RuntimeError.
    """
    load_average = environment.load_average()
    sample = tuple(messages[row] for row in plan.timing_sample(len(messages)))
    asked = Asked(requests=sample, labels=tuple(labels), max_output_tokens=max_output_tokens, retrieval=retrieval)
    with _workplace(context) as workplace:
        home: Runtime = "llama.cpp" if runtime == "llama.cpp" else _HOME[format_of(source)]
        reports = [_time_home(source, home, asked, workplace, context)]
        if beside:
            reports += _time_llama_cpp(source, reports[0], asked, workplace, context)
    return _timings(reports, load_average, context)


def _timings(reports: Sequence[ProbeReport], load_average: float | None, context: JobContext) -> Timings:
    context.progress("phase.time", 1, 1)
    for report in reports:
        context.log(_line(report))
    best = max(reports, key=lambda report: report.requests_per_second)
    ordered = sorted(reports, key=lambda report: -report.requests_per_second)
    return Timings(
        tuple(_figures(report) for report in ordered),
        best.joules_per_request,
        _environment(best, load_average, context),
    )


@contextlib.contextmanager
def _workplace(context: JobContext) -> Iterator[Path]:
    path = context.folder / "timing"
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir()
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _time_home(source: Path, runtime: Runtime, asked: Asked, workplace: Path, context: JobContext) -> ProbeReport:
    try:
        return _probe(source, runtime, asked, workplace, context)
    except ProbeError as error:
        # The model answered the quality pass under this very runtime: this is our fault, not the user's.
        raise RuntimeError(f"the timing process failed: {error}") from error


def _time_onnx(
    folder: Path,
    exported: bool,
    device: str,
    sample: Sequence[Example],
    outputs: Mapping[str, str | None],
    asked: Asked,
    workplace: Path,
    context: JobContext,
) -> list[ProbeReport]:
    """The reports under ONNX Runtime, of a model that is `exported` beside its own on the CPU; where there is none, a
    line in the log says why."""
    runtimes = _onnx_runtimes(exported, device, context)
    source = folder if exported else workplace / "onnx"
    reports = []
    for runtime in runtimes:
        try:
            if not source.exists():
                _tell(context, "phase.export")
                export_onnx_apart(folder, source, lambda: _tell(context, "phase.export"))
            report = _probe(source, runtime, asked, workplace, context)
        except (UserError, ProbeError) as error:
            if isinstance(error, UserError) and error.code == "disk.full":
                raise
            context.log(english("benchmark.log.runtime_failed", runtime=runtime, problem=told(error)), "warning")
            continue
        if _agrees(report, sample, outputs, context):
            reports.append(report)
    return reports


def _time_llama_cpp(
    source: Path, home: ProbeReport, asked: Asked, workplace: Path, context: JobContext
) -> list[ProbeReport]:
    """The report under llama.cpp where it gives the answers of `home`; where there is none, a line in the log says
    why."""
    if not is_installed("llama_cpp"):
        context.log(english("benchmark.log.no_llama_cpp", extra=extra_of("llama_cpp")))
        return []
    try:
        report = _probe(source, "llama.cpp", asked, workplace, context)
    except (UserError, ProbeError) as error:
        if isinstance(error, UserError) and error.code == "disk.full":
            raise
        context.log(english("benchmark.log.runtime_failed", runtime="llama.cpp", problem=told(error)), "warning")
        return []
    # A slow runtime answers fewer of the same requests.
    same = [own == other for own, other in zip(report.answers, home.answers, strict=False)]
    return [report] if _same_enough(report.runtime, same, "benchmark.log.llama_cpp_dropped", context) else []


def _onnx_runtimes(exported: bool, device: str, context: JobContext) -> list[Runtime]:
    absent = [] if exported else [name for name in _EXPORT_LIBRARIES if not is_installed(name)]
    if absent:
        context.log(english("benchmark.log.no_onnx", reason=english("benchmark.log.reason.library", library=absent[0])))
        return []
    accelerated = list(providers.accelerated_runtimes())
    if exported:
        return accelerated
    if device.startswith("CPU"):
        return [providers.CPU, *accelerated]
    if not accelerated:
        context.log(english("benchmark.log.no_onnx", reason=english("benchmark.log.reason.device", device=device)))
    return accelerated


def _agrees(
    report: ProbeReport, sample: Sequence[Example], outputs: Mapping[str, str | None], context: JobContext
) -> bool:
    same = [
        label == outputs[example.example_id]
        for label, example in zip(report.answers, sample[: len(report.answers)], strict=True)
    ]
    return _same_enough(report.runtime, same, "benchmark.log.runtime_dropped", context)


def _same_enough(runtime: str, same: Sequence[bool], dropped: str, context: JobContext) -> bool:
    """Whether a runtime gives the answers of the quality pass; where not, the line `dropped` says so."""
    agreement = float(np.mean(same))
    if agreement >= plan.MINIMUM_RUNTIME_AGREEMENT:
        return True
    context.log(english(dropped, runtime=runtime, agreement=as_percent(agreement), rows=len(same)), "warning")
    return False


def _probe(source: Path, runtime: Runtime, asked: Asked, workplace: Path, context: JobContext) -> ProbeReport:
    def on_wait(phases: int) -> None:
        _tell(context, "phase.time", phases, PHASES)

    on_wait(0)
    return run_probe(source, runtime, asked, workplace, on_wait)


def _tell(context: JobContext, phase: str, done: int = 0, total: int = 1) -> None:
    context.progress(phase, done, total)
    if context.should_stop():
        raise Stopped


def _figures(report: ProbeReport) -> RuntimeFigures:
    memory = PeakMemory(
        loading_mib=report.load_peak_mib,
        answering_mib=report.answer_peak_mib,
        gpu_reserved_mib=report.gpu_reserved_mib,
        gpu_process_mib=report.gpu_process_mib,
    )
    # Of a GPU whose memory another allocator than torch's holds only the driver knows, or nobody.
    told = not on_unmarked_gpu(report.runtime, report.device)
    peak = max(report.load_peak_mib, report.answer_peak_mib) if told else report.gpu_process_mib
    return RuntimeFigures(
        runtime=report.runtime,
        latency=LatencySamples(milliseconds=report.milliseconds, warm_up_requests=report.warm_up_requests),
        requests_per_second=report.requests_per_second,
        peak_memory_mib=peak,
        memory=memory,
        output_tokens_per_second=report.output_tokens_per_second,
        tokens=report.tokens,
    )


def _line(report: ProbeReport) -> str:
    line = _request_line(report)
    if report.output_tokens_per_second is None or report.tokens is None or not report.tokens.time_to_first_token_ms:
        return line
    first = float(np.median(report.tokens.time_to_first_token_ms))
    rate = f"{report.output_tokens_per_second:.1f}"
    tokens = english("benchmark.log.tokens", first=f"{first:.0f}", tokens_per_second=rate)
    return english("words.then", before=line, part=tokens)


def _request_line(report: ProbeReport) -> str:
    return english(
        "benchmark.log.runtime",
        runtime=report.runtime,
        p50=f"{np.median(report.milliseconds):.2f}",
        requests_per_second=f"{report.requests_per_second:.3g}"
        if report.requests_per_second < 10
        else f"{report.requests_per_second:.0f}",
        batch=plan.BATCH_ROWS,
        memory=f"{report.answer_peak_mib:.0f}",
        load_memory=f"{report.load_peak_mib:.0f}",
    )


def _environment(best: ProbeReport, load_average: float | None, context: JobContext) -> Environment:
    noisy = best.coefficient_of_variation > plan.NOISY_VARIATION or best.foreign_share > plan.NOISY_FOREIGN_SHARE
    if noisy:
        variation, foreign = f"{best.coefficient_of_variation:.0%}", f"{best.foreign_share:.0%}"
        context.log(english("benchmark.log.noisy", variation=variation, foreign=foreign), "warning")
    return Environment(
        machine=environment.machine(),
        device=best.device,
        cores=environment.cores(),
        load_average=load_average,
        timing_coefficient_of_variation=best.coefficient_of_variation,
        noisy=noisy,
    )
