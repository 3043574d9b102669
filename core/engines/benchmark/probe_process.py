"""Starts the process that times one runtime and waits for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from core.engines.benchmark.probe import ProbeReport, phases_done
from core.engines.benchmark.subjects import Asked
from core.engines.child_process import ChildFailedError, ChildKilledError, run_child
from core.engines.models.protocol import Runtime
from core.errors import UserError


class ProbeError(Exception):
    """The probe ended without its report; the text is the end of what it said."""


def run_probe(
    source: Path, runtime: Runtime, asked: Asked, workplace: Path, on_wait: Callable[[int], None]
) -> ProbeReport:
    """The report of a fresh process that times the model of `source` under `runtime`.

    `on_wait` is told several times a second how many of `probe.PHASES` are done, and may raise, which ends the process.
    Files go to `workplace`. Raises UserError where the process was killed from outside, and ProbeError where it failed
    by itself.
    """
    requests, told = workplace / "requests.json", workplace / "report.json"
    requests.write_text(asked.model_dump_json(), encoding="utf-8")
    told.unlink(missing_ok=True)
    arguments = ["core.engines.benchmark.probe", str(source), runtime, str(requests), str(told)]
    run_module(arguments, runtime, workplace / "probe.log", lambda: on_wait(phases_done(told)))
    return ProbeReport.model_validate_json(told.read_bytes())


def run_module(arguments: Sequence[str], runtime: Runtime, log: Path, on_wait: Callable[[], None]) -> None:
    """Run a module of ours that asks a model under `runtime` to its end, in a process whose words go to `log`.

    Raises as `run_probe` does.
    """
    try:
        run_child(arguments, log, on_wait)
    except ChildKilledError as killed:
        raise UserError("benchmark.probe_killed", runtime=runtime, signal=killed.signal) from killed
    except ChildFailedError as failed:
        raise ProbeError(str(failed)) from failed
