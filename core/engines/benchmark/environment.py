"""The machine that a figure is from, and how much of it other programs used meanwhile."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import psutil

_CPU_INFO = Path("/proc/cpuinfo")
_GIB = 2**30


def machine() -> str:
    """Processor, memory and system in one line."""
    memory = psutil.virtual_memory().total / _GIB
    return f"{_processor()}, {memory:.0f} GiB memory, {platform.system()} {platform.machine()}"


def cores() -> int:
    """The logical cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def load_average() -> float | None:
    """The load of the last minute; null where the system has none (Windows)."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else None


def _processor() -> str:
    if _CPU_INFO.exists():
        for line in _CPU_INFO.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


class ForeignLoad:
    """How much of the processor programs other than this process use, from its construction on."""

    def __init__(self) -> None:
        self._all, self._idle, self._own = _processor_seconds()

    def share(self) -> float:
        """0 to 1 of all cores; 0 where too little time has passed for the clock of the system."""
        total, idle, own = _processor_seconds()
        elapsed = total - self._all
        if elapsed <= 0:
            return 0.0
        foreign = elapsed - (idle - self._idle) - (own - self._own)
        return min(1.0, max(0.0, foreign / elapsed))


def _processor_seconds() -> tuple[float, float, float]:
    """Seconds of all cores together: passed, idle, and used by this process."""
    times = psutil.cpu_times()
    # guest time is part of user time already.
    passed = sum(getattr(times, name) for name in times._fields if not name.startswith("guest"))
    own = psutil.Process().cpu_times()
    return passed, times.idle + getattr(times, "iowait", 0.0), own.user + own.system
