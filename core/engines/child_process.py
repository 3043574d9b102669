"""A module of ours in a process of its own: started, waited for, and never left behind."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

USER_ERROR_EXIT = 2
"""What such a process ends with where the user's world is wrong; the last line that it wrote says how."""
_POLL_SECONDS = 0.2
_TAIL_LINES = 12


class ChildKilledError(Exception):
    """The process was killed from outside by `signal`."""

    def __init__(self, signal: int) -> None:
        self.signal = signal
        super().__init__(f"killed by signal {signal}")


class ChildFailedError(Exception):
    """The process failed by itself: `refused` where it said why in one line, which the text then is, else the text is
    the end of what it wrote."""

    def __init__(self, text: str, *, refused: bool) -> None:
        self.refused = refused
        super().__init__(text)


def run_child(arguments: Sequence[str], log: Path, on_wait: Callable[[], None]) -> None:
    """Run a module of ours (its name, then its arguments) to its end; what it writes goes to `log`.

    `on_wait` is called several times a second and may raise, which kills the process. Raises ChildKilledError and
    ChildFailedError.
    """
    command = [sys.executable, "-m", *arguments]
    with log.open("wb") as output, _process(command, output.fileno()) as process:
        code = _wait(process, on_wait)
    if code == 0:
        return
    if code < 0:
        raise ChildKilledError(-code)
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    refused = bool(lines) and code == USER_ERROR_EXIT
    raise ChildFailedError(lines[-1] if refused else "\n".join(lines[-_TAIL_LINES:]), refused=refused)


def end_with_parent() -> None:
    """Let this process end by itself when its stdin closes, that is when its parent dies. Call it in the child."""
    threading.Thread(target=_wait_for_end_of_stdin, name="parent-watch", daemon=True).start()


def _wait_for_end_of_stdin() -> None:
    # os.read, not sys.stdin: a buffered reader that is still waiting would deadlock the interpreter's exit.
    while os.read(0, 1024):
        pass
    os._exit(1)


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
