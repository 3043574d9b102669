"""What the work may use of this machine, told without torch: a process that runs another library never loads it."""

from __future__ import annotations

import os

import psutil

from core.i18n import english


def cpu_threads() -> int:
    """How many threads numeric work on the CPU gets: the physical cores this process may use, or OMP_NUM_THREADS.

    A second thread on a physical core shares its vector units and only adds waiting.
    """
    asked = os.environ.get("OMP_NUM_THREADS", "")
    if asked.isdigit() and int(asked) > 0:
        return int(asked)
    physical = psutil.cpu_count(logical=False) or os.cpu_count() or 1
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else physical
    return max(1, min(physical, allowed))


def cpu_words(threads: int) -> str:
    """The processor as a device, as a word for the user."""
    return english("report.device.cpu", count=threads)
