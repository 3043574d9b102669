"""Starts the process that times one runtime, waits for it, and never leaves it behind."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from core.engines.benchmark.probe import USER_ERROR_EXIT, ProbeReport, phases_done
from core.engines.benchmark.subjects import Asked
from core.engines.models.protocol import Runtime
from core.errors import UserError

_POLL_SECONDS = 0.2
_TAIL_LINES = 12


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
    """Run a module of ours (its name, then its arguments) to its end, in a process whose words go to `log`.

    Raises as `run_probe` does.
    """
    command = [sys.executable, "-m", *arguments]
    with log.open("wb") as output, _process(command, output.fileno()) as process:
        code = _wait(process, on_wait)
    if code == 0:
        return
    if code < 0:
        raise UserError("benchmark.probe_killed", runtime=runtime, signal=-code)
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    raise ProbeError(lines[-1] if lines and code == USER_ERROR_EXIT else "\n".join(lines[-_TAIL_LINES:]))


@contextlib.contextmanager
def _process(command: Sequence[str], output: int) -> Iterator[subprocess.Popen[bytes]]:
    """The running process. Its stdin is a leash of its own: it ends when this process does, however that ends."""
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=output, stderr=output)  # noqa: S603 - ours
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        if process.stdin is not None:
            process.stdin.close()


def _wait(process: subprocess.Popen[bytes], on_wait: Callable[[], None]) -> int:
    while True:
        try:
            return process.wait(_POLL_SECONDS)
        except subprocess.TimeoutExpired:
            on_wait()
