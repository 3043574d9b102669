"""Worker processes on this machine: started in a group of their own, told to stop, and never left behind."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path

import psutil

STOP_GRACE_S = 20.0
_POLL_S = 0.05


def worker_command(folder: Path) -> list[str]:
    """The command that does the job of a folder."""
    return [sys.executable, "-m", "core.worker", str(folder)]


class WorkerProcess:
    """One running worker. Its stdin is the leash: when this process dies, the worker sees its end and stops."""

    def __init__(self, folder: Path) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            worker_command(folder),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=os.name == "posix",
        )
        self.killed = False
        """Whether `stop` had to kill it."""

    def exit_code(self) -> int | None:
        """The exit code, negative for a signal; null while it runs."""
        return self._process.poll()

    def stop(self, grace_s: float = STOP_GRACE_S, *, cancel: bool = False) -> int:
        """Ask the worker to stop, give it time for a checkpoint, then kill it with all its children; its exit code.

        `cancel` says that a person asked for it; else the worker ends as interrupted.
        """
        stdin = self._process.stdin
        if stdin is not None:
            with contextlib.suppress(OSError):
                if cancel:
                    stdin.write(b"cancel\n")
                    stdin.flush()
                else:
                    stdin.close()
        deadline = time.monotonic() + grace_s
        while self._process.poll() is None and time.monotonic() < deadline:
            time.sleep(_POLL_S)
        if self._process.poll() is None:
            self.killed = True
            kill_tree(self._process.pid)
        return self.close()

    def close(self) -> int:
        """Wait for the end and let go of the pipe; the exit code."""
        code = self._process.wait()
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        return code


def kill_tree(pid: int) -> None:
    """Kill a process and all its descendants, on every platform."""
    try:
        root = psutil.Process(pid)
    except psutil.NoSuchProcess:
        return
    family = [*root.children(recursive=True), root]
    for process in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(family, timeout=5)
