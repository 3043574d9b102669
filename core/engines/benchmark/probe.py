"""One fresh process that loads one model under one runtime, times it, weighs it, and ends.

`python -m core.engines.benchmark.probe FOLDER RUNTIME REQUESTS REPORT`: REQUESTS is a JSON list of texts, REPORT is
written at the end. The process ends by itself when its stdin closes, that is when its parent dies.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, cast

from pydantic import BaseModel, ConfigDict

from core.engines.benchmark import memory, plan, timing
from core.engines.benchmark.energy import EnergyMeter, counters
from core.engines.benchmark.environment import ForeignLoad
from core.engines.models import Classifier, open_classifier
from core.engines.models.protocol import Runtime
from core.errors import UserError

USER_ERROR_EXIT = 2


class ProbeReport(BaseModel):
    """What one runtime showed. `labels` answer the first `len(labels)` requests; memory in MiB, peaks by phase."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    runtime: str
    device: str
    labels: tuple[str, ...]
    milliseconds: tuple[float, ...]
    warm_up_requests: int
    requests_per_second: float
    coefficient_of_variation: float
    foreign_share: float
    load_peak_mib: float
    answer_peak_mib: float
    joules_per_request: float | None
    energy_source: Literal["counter", "not measured"]


def measure(folder: Path, runtime: Runtime, requests: Sequence[str]) -> ProbeReport:
    """Load the model of `folder` under `runtime` in this process and measure it. Raises UserError."""
    memory.start_phase()
    classifier = open_classifier(folder, runtime)
    load_peak = memory.peak_mib()
    memory.start_phase()
    timing.warm_up(classifier, requests)
    foreign = ForeignLoad()
    latency = timing.single_requests(classifier, requests)
    variation = timing.coefficient_of_variation(classifier, _of_median_length(requests))
    rate, joules = _throughput(classifier, requests)
    return ProbeReport(
        runtime=classifier.runtime,
        device=classifier.device,
        labels=tuple(classifier.labels[place] for place in latency.classes),
        milliseconds=latency.milliseconds,
        warm_up_requests=plan.WARM_UP_REQUESTS,
        requests_per_second=rate,
        coefficient_of_variation=variation,
        foreign_share=foreign.share(),
        load_peak_mib=load_peak,
        answer_peak_mib=memory.peak_mib(),
        joules_per_request=joules,
        energy_source="not measured" if joules is None else "counter",
    )


def _throughput(classifier: Classifier, requests: Sequence[str]) -> tuple[float, float | None]:
    """Requests per second in batches, and joules per request above idle."""
    meter = EnergyMeter(counters(on_gpu=memory.cuda_in_use()))
    rate, answered = timing.requests_per_second(classifier, requests)
    joules = meter.joules()
    return rate, None if joules is None else joules / answered


def _of_median_length(requests: Sequence[str]) -> str:
    return sorted(requests, key=len)[len(requests) // 2]


def _end_with_parent() -> None:
    # os.read, not sys.stdin: a buffered reader that is still waiting would deadlock the interpreter's exit.
    while os.read(0, 1024):
        pass
    os._exit(1)


def main(arguments: Sequence[str]) -> int:
    """Measure as the arguments say; the exit code: 0, or 2 with one sentence on stderr for the user."""
    folder, runtime, requests, report = arguments
    threading.Thread(target=_end_with_parent, name="parent-watch", daemon=True).start()
    try:
        measured = measure(Path(folder), cast(Runtime, runtime), json.loads(Path(requests).read_text(encoding="utf-8")))
    except UserError as error:
        sys.stderr.write(f"\n{error.text}\n")
        return USER_ERROR_EXIT
    Path(report).write_text(measured.model_dump_json(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
