"""Joules from the hardware's counters: RAPL of the processor, NVML of the GPU. Without one, nothing is claimed."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.lazy import is_installed, load

_POWERCAP = Path("/sys/class/powercap")
_IDLE_SECONDS = 0.5


@dataclass(frozen=True)
class Counter:
    """A counter of energy in joules; `wraps_at` is where it begins again, null where it does not."""

    read: Callable[[], float]
    wraps_at: float | None = None

    def between(self, before: float, after: float) -> float:
        """The joules between two readings."""
        return after - before if after >= before or self.wraps_at is None else after + self.wraps_at - before


class EnergyMeter:
    """Joules of what ran since it was started, with the idle draw of the machine subtracted."""

    def __init__(self, counters: list[Counter]) -> None:
        self._counters = counters
        self._idle_watts = self._idle()
        self._begun = time.monotonic()
        self._before = [counter.read() for counter in counters]

    def joules(self) -> float | None:
        """Joules above idle since the start; null without counters, or where the load does not rise above idle."""
        if not self._counters:
            return None
        spent = self._spent(self._before) - self._idle_watts * (time.monotonic() - self._begun)
        return spent if spent > 0 else None

    def _idle(self) -> float:
        if not self._counters:
            return 0.0
        before = [counter.read() for counter in self._counters]
        time.sleep(_IDLE_SECONDS)
        return self._spent(before) / _IDLE_SECONDS

    def _spent(self, before: list[float]) -> float:
        return sum(counter.between(then, counter.read()) for counter, then in zip(self._counters, before, strict=True))


def counters(on_gpu: bool, powercap: Path = _POWERCAP) -> list[Counter]:
    """The counters that can be read here. A model on a GPU needs the GPU's; the processor's alone would flatter it."""
    processor = _rapl(powercap)
    if not on_gpu:
        return processor
    gpu = _nvml() if is_installed("pynvml") else None
    return [*processor, gpu] if gpu is not None else []


def _rapl(powercap: Path) -> list[Counter]:
    """One counter for each processor package; the sub-domains below it are part of it."""
    found = []
    for folder in sorted(powercap.glob("intel-rapl:*")):
        path = folder / "energy_uj"
        if folder.name.count(":") != 1 or not _readable(path):
            continue
        limit = folder / "max_energy_range_uj"
        found.append(Counter(_microjoules(path), int(limit.read_text()) / 1e6 if _readable(limit) else None))
    return found


def _microjoules(path: Path) -> Callable[[], float]:
    return lambda: int(path.read_text()) / 1e6


def _readable(path: Path) -> bool:
    """Reading is for root only on most systems; then there is no counter."""
    try:
        path.read_text()
    except OSError:
        return False
    return True


def _nvml() -> Counter | None:
    """The energy counter of the first GPU (Volta and later); null where the driver has none."""
    nvml: Any = load("pynvml")
    try:
        nvml.nvmlInit()
        handle = nvml.nvmlDeviceGetHandleByIndex(0)
        nvml.nvmlDeviceGetTotalEnergyConsumption(handle)
    except nvml.NVMLError:
        return None
    return Counter(lambda: float(nvml.nvmlDeviceGetTotalEnergyConsumption(handle)) / 1000)
