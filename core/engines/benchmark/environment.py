"""The machine that a figure is from, and how much of it other programs used meanwhile."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

import psutil

_CPU_INFO = Path("/proc/cpuinfo")
_GIB = 2**30
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_PORTS = {"http": 80, "https": 443}


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
    """How much of the processor programs other than this process use, from its construction on.

    The server at `server_address` is no foreign program where it runs on this machine: its work is what is timed.
    """

    def __init__(self, server_address: str | None = None) -> None:
        self._servers = None if server_address is None else _servers_here(server_address)
        self._all, self._idle, self._own = _processor_seconds(self._servers or ())

    def share(self) -> float:
        """0 to 1 of all cores; 0 where too little time has passed for the clock of the system."""
        total, idle, own = _processor_seconds(self._servers or ())
        elapsed = total - self._all
        if elapsed <= 0:
            return 0.0
        foreign = elapsed - (idle - self._idle) - (own - self._own)
        return min(1.0, max(0.0, foreign / elapsed))

    def known_share(self) -> float | None:
        """The share; null where a server on this machine works too, and the system does not say which process it is."""
        return None if self._servers == () else self.share()


def _servers_here(address: str) -> tuple[psutil.Process, ...] | None:
    """The processes that listen at an address of this machine, with their children; null where it is another's."""
    parts = urlsplit(address)
    if parts.hostname not in _LOOPBACK:
        return None
    port = parts.port or _PORTS.get(parts.scheme)
    try:
        listening = [one for one in psutil.net_connections("tcp") if one.status == psutil.CONN_LISTEN]
        found = {one.pid for one in listening if one.laddr and one.laddr.port == port and one.pid}
        servers = [psutil.Process(pid) for pid in found - {os.getpid()}]
        children = [child for server in servers for child in server.children(recursive=True)]
    except psutil.Error:
        return ()
    # A server within this very process has its work counted already.
    return None if os.getpid() in found else (*servers, *children)


def _processor_seconds(servers: Sequence[psutil.Process] = ()) -> tuple[float, float, float]:
    """Seconds of all cores together: passed, idle, and used by this process and the `servers` that it asks."""
    times = psutil.cpu_times()
    # guest time is part of user time already.
    passed = sum(getattr(times, name) for name in times._fields if not name.startswith("guest"))
    own = sum(_seconds_of(one) for one in (psutil.Process(), *servers))
    return passed, times.idle + getattr(times, "iowait", 0.0), own


def _seconds_of(process: psutil.Process) -> float:
    try:
        used = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(used.user + used.system)
