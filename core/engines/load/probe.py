"""One fresh process that loads one model under one runtime and tests it under load.

`python -m core.engines.load.probe MODEL RUNTIME REQUESTS PLAN REPORT FOLDER FINGERPRINT`: MODEL is a folder or GGUF
file, REQUESTS and PLAN are JSON documents (`subjects.Asked`, `LoadPlan`), REPORT is written at the end. Each level that
is done is kept in FOLDER under FINGERPRINT meanwhile, and those that stand there are not run again. The process ends by
itself when its stdin closes, that is when its parent dies.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import cast

from core.engines.benchmark.environment import ForeignLoad
from core.engines.benchmark.subjects import Asked, open_subject
from core.engines.child_process import USER_ERROR_EXIT, end_with_parent
from core.engines.language.generator import Generation
from core.engines.load.kept_levels import LoadSoFar, keep_levels, read_levels
from core.engines.load.levels import Level, most_requests_left, run_levels
from core.engines.load.noise import with_noise
from core.engines.load.threads import run_threads
from core.engines.models.protocol import Runtime
from core.errors import UserError
from core.jobs.results import LoadResult, LoadStep
from core.spec import LoadPlan
from core.spec.load import FIRST_REQUESTS


def tested_under_load(
    source: Path, runtime: Runtime, asked: Asked, plan: LoadPlan, earlier: LoadSoFar, keep: Callable[[LoadSoFar], None]
) -> LoadResult:
    """Load the model of `source` under `runtime` in this process and test it; `keep` gets what is done after each
    level. Raises UserError."""
    begun = time.monotonic()
    subject = open_subject(source, runtime, asked)
    done = earlier
    sent = 0
    if most_requests_left(plan, done.steps):
        for message in asked.requests[:FIRST_REQUESTS]:
            subject.answer([message])
            sent += 1

    def run(level: Level) -> LoadStep:
        foreign = ForeignLoad()
        return with_noise(run_threads(level, subject.answer, asked.requests, _tokens_of), foreign.share())

    def on_step(step: LoadStep) -> None:
        nonlocal done, sent
        sent += len(step.latency_ms) + step.failed + step.warm_up_requests
        done = LoadSoFar(
            fingerprint=earlier.fingerprint,
            steps=(*done.steps, step),
            requests=earlier.requests + sent,
            seconds=earlier.seconds + time.monotonic() - begun,
        )
        keep(done)

    steps = run_levels(plan, run, on_step, None, earlier.steps)
    return LoadResult(
        runtime=subject.runtime, device=subject.device, steps=steps, requests=done.requests, seconds=done.seconds
    )


def _tokens_of(said: object) -> int | None:
    """The tokens of the texts that a language model wrote; null where it only weighed labels."""
    if not isinstance(said, list) or not all(isinstance(one, Generation) for one in said):
        return None
    counts = [one.output_tokens for one in said]
    return None if None in counts else sum(counts)


def main(arguments: Sequence[str]) -> int:
    """Test as the arguments say; the exit code: 0, or 2 with one sentence on stderr for the user."""
    source, runtime, requests, plan, report, folder, fingerprint = arguments
    end_with_parent()
    try:
        asked = Asked.model_validate_json(Path(requests).read_bytes())
        wanted = LoadPlan.model_validate_json(Path(plan).read_bytes())
        earlier = read_levels(Path(folder), fingerprint)
        tested = tested_under_load(
            Path(source), cast(Runtime, runtime), asked, wanted, earlier, partial(keep_levels, Path(folder))
        )
    except UserError as error:
        sys.stderr.write(f"\n{error.text}\n")
        return USER_ERROR_EXIT
    Path(report).write_text(tested.model_dump_json(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
