"""One fresh process that loads one model under one runtime, times it, weighs it, and ends.

`python -m core.engines.benchmark.probe MODEL RUNTIME REQUESTS REPORT`: MODEL is a folder or GGUF file, REQUESTS a JSON
document (`subjects.Asked`), REPORT is written at the end. The process ends by itself when its stdin closes, that is
when its parent dies.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, cast

from pydantic import BaseModel, ConfigDict

from core.engines.benchmark import memory
from core.engines.benchmark.energy import EnergyMeter, counters
from core.engines.benchmark.environment import ForeignLoad
from core.engines.benchmark.subjects import Asked, Rates, Subject, open_subject
from core.engines.child_process import USER_ERROR_EXIT, end_with_parent
from core.engines.models.protocol import Runtime
from core.engines.models.providers import ON_NVIDIA
from core.errors import UserError
from core.jobs.results import TokenTimes

# Loading, warm-up, single requests, the repeated one, batches.
PHASES = 5
_PHASE_NAME = "phase"


class ProbeReport(BaseModel):
    """What one runtime showed. `answers` are the labels or texts of the first `len(answers)` requests; memory in MiB,
    peaks by phase.

    Tokens are null where the model writes none, the GPU's memory where it does not run there.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    runtime: str
    device: str
    answers: tuple[str, ...]
    milliseconds: tuple[float, ...]
    warm_up_requests: int
    requests_per_second: float
    output_tokens_per_second: float | None
    tokens: TokenTimes | None
    coefficient_of_variation: float
    foreign_share: float
    load_peak_mib: float
    answer_peak_mib: float
    gpu_reserved_mib: float | None = None
    gpu_process_mib: float | None = None
    joules_per_request: float | None
    energy_source: Literal["counter", "not measured"]


def phases_done(report: Path) -> int:
    """How many phases the process that will write `report` has behind it."""
    path = report.with_name(_PHASE_NAME)
    return path.stat().st_size if path.exists() else 0


def measure(
    source: Path, runtime: Runtime, asked: Asked, on_phase_end: Callable[[], None] = lambda: None
) -> ProbeReport:
    """Load the model of `source` under `runtime` in this process and measure it. Raises UserError."""
    memory.start_phase()
    subject = open_subject(source, runtime, asked)
    # Looking passages up may have put an encoder on a GPU, whose memory is not that of a model on the CPU.
    resident = subject.device.startswith("CPU")
    load_peak = memory.peak_mib(resident=resident)
    on_phase_end()
    unmarked = on_unmarked_gpu(runtime, subject.device)
    # Here, for idle is what a loaded model draws that nobody asks; behind the single requests it would not be at rest.
    meter = EnergyMeter(counters(unmarked or memory.cuda_in_use()))
    memory.start_phase()
    warm_up_requests = subject.warm_up(asked.requests)
    on_phase_end()
    foreign = ForeignLoad()
    singles = subject.singles(asked.requests)
    on_phase_end()
    variation = subject.variation(_of_median_length(asked.requests))
    on_phase_end()
    rates, joules = _throughput(subject, asked.requests, meter)
    gpu = memory.gpu_memory(another_library=unmarked)
    return ProbeReport(
        runtime=subject.runtime,
        device=subject.device,
        answers=singles.answers,
        milliseconds=singles.milliseconds,
        warm_up_requests=warm_up_requests,
        requests_per_second=rates.requests_per_second,
        output_tokens_per_second=rates.output_tokens_per_second,
        tokens=singles.tokens,
        coefficient_of_variation=variation,
        foreign_share=foreign.share(),
        load_peak_mib=load_peak,
        answer_peak_mib=memory.peak_mib(resident=resident),
        gpu_reserved_mib=None if gpu is None else gpu.reserved_mib,
        gpu_process_mib=None if gpu is None else gpu.process_mib,
        joules_per_request=joules,
        energy_source="not measured" if joules is None else "counter",
    )


def on_unmarked_gpu(runtime: str, device: str) -> bool:
    """Whether a runtime holds a GPU's memory by an allocator that keeps no mark: only the driver knows how much."""
    return runtime in ON_NVIDIA or (runtime == "llama.cpp" and not device.startswith("CPU"))


def _throughput(subject: Subject, requests: Sequence[str], meter: EnergyMeter) -> tuple[Rates, float | None]:
    """The rates of batches, and joules per request above idle."""
    meter.start()
    rates = subject.rates(requests)
    joules = meter.joules()
    return rates, None if joules is None else joules / rates.answered


def _of_median_length(requests: Sequence[str]) -> str:
    return sorted(requests, key=len)[len(requests) // 2]


def main(arguments: Sequence[str]) -> int:
    """Measure as the arguments say; the exit code: 0, or 2 with one sentence on stderr for the user."""
    source, runtime, requests, report = arguments
    phases = Path(report).with_name(_PHASE_NAME)
    phases.unlink(missing_ok=True)

    def on_phase_end() -> None:
        with phases.open("a", encoding="ascii") as stream:  # its length is the count: never half written
            stream.write(".")

    end_with_parent()
    try:
        asked = Asked.model_validate_json(Path(requests).read_bytes())
        measured = measure(Path(source), cast(Runtime, runtime), asked, on_phase_end)
    except UserError as error:
        sys.stderr.write(f"\n{error.text}\n")
        return USER_ERROR_EXIT
    Path(report).write_text(measured.model_dump_json(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
