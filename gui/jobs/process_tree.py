"""Ending a worker together with its own children, for killing a process alone leaves its grandchildren alive."""

from __future__ import annotations

import contextlib
import os
import signal
import sys

from PySide6.QtCore import QProcess

from core.jobs.launcher import kill_tree


def own_group(process: QProcess) -> None:
    """Make `process` start in a session of its own, so that its whole group can be ended. POSIX only."""
    if sys.platform != "win32":
        parameters = QProcess.UnixProcessParameters()
        parameters.flags = QProcess.UnixProcessFlag.CreateNewSession
        process.setUnixProcessParameters(parameters)


def kill(pid: int) -> None:
    """Kill the process `pid`, started after `own_group`, and everything it started. Gone already is fine."""
    if sys.platform != "win32":
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
    else:
        kill_tree(pid)
