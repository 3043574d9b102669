"""One fresh process that loads one model under one runtime and tests it under load.

`python -m core.engines.load.probe MODEL RUNTIME REQUESTS PLAN REPORT LEVELS`: MODEL is a folder or GGUF file, REQUESTS
and PLAN are JSON documents (`subjects.Asked`, `LoadPlan`), REPORT is written at the end, and LEVELS, one line for each
level that is done, meanwhile. The process ends by itself when its stdin closes, that is when its parent dies.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

from core.engines.benchmark.subjects import Asked, open_subject
from core.engines.child_process import USER_ERROR_EXIT, end_with_parent
from core.engines.load.levels import Level, run_levels
from core.engines.load.threads import run_threads
from core.engines.models.protocol import Runtime
from core.errors import UserError
from core.jobs.results import LoadResult, LoadStep
from core.spec import LoadPlan
from core.spec.load import FIRST_REQUESTS


def tested_under_load(
    source: Path, runtime: Runtime, asked: Asked, plan: LoadPlan, on_step: Callable[[LoadStep], None]
) -> LoadResult:
    """Load the model of `source` under `runtime` in this process and test it. Raises UserError."""
    begun = time.monotonic()
    subject = open_subject(source, runtime, asked)
    for message in asked.requests[:FIRST_REQUESTS]:
        subject.answer([message])
    sent = min(FIRST_REQUESTS, len(asked.requests))

    def run(level: Level) -> LoadStep:
        return run_threads(level, subject.answer, asked.requests)

    steps = run_levels(plan, run, on_step, None)
    sent += sum(len(step.latency_ms) + step.failed + step.warm_up_requests for step in steps)
    return LoadResult(
        runtime=subject.runtime, device=subject.device, steps=steps, requests=sent, seconds=time.monotonic() - begun
    )


def main(arguments: Sequence[str]) -> int:
    """Test as the arguments say; the exit code: 0, or 2 with one sentence on stderr for the user."""
    source, runtime, requests, plan, report, levels = arguments
    end_with_parent()

    def on_step(step: LoadStep) -> None:
        with Path(levels).open("a", encoding="utf-8") as stream:
            stream.write(f"{step.loop} {step.concurrency}\n")

    try:
        asked = Asked.model_validate_json(Path(requests).read_bytes())
        wanted = LoadPlan.model_validate_json(Path(plan).read_bytes())
        tested = tested_under_load(Path(source), cast(Runtime, runtime), asked, wanted, on_step)
    except UserError as error:
        sys.stderr.write(f"\n{error.text}\n")
        return USER_ERROR_EXIT
    Path(report).write_text(tested.model_dump_json(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
