"""Joules from the hardware's counters: RAPL of the processor, NVML of the GPU. Without one, nothing is claimed."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.engines.benchmark.memory import cuda_in_use, places_in_use
from core.lazy import is_installed, load

_POWERCAP = Path("/sys/class/powercap")
# What has just ended still draws power: threads of OpenMP spin on for 0.2 s.
_SETTLE_SECONDS = 0.5
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
    """Joules of what ran since `start`, with the idle draw subtracted: what the machine draws where the meter is made.

    Make it where the model is loaded and has been asked nothing: right after work, processors and GPUs still draw more
    than they do at rest. A counter may begin again once meanwhile: at 200 W the smallest ones last for minutes, and a
    pass for seconds.
    """

    def __init__(self, counters: list[Counter]) -> None:
        self._counters = counters
        if counters:
            time.sleep(_SETTLE_SECONDS)
        self.start()
        if counters:
            time.sleep(_IDLE_SECONDS)
        joules, seconds = self._since_start()
        self._idle_watts = joules / seconds if counters else 0.0
        self.start()

    def start(self) -> None:
        """Let the work that is measured begin here."""
        self._begun = time.monotonic()
        self._before = [counter.read() for counter in self._counters]

    def joules(self) -> float | None:
        """Joules above idle since the start; null without counters, or where the load does not rise above idle."""
        if not self._counters:
            return None
        joules, seconds = self._since_start()
        spent = joules - self._idle_watts * seconds
        return spent if spent > 0 else None

    def _since_start(self) -> tuple[float, float]:
        """The joules of all counters, and the seconds that passed: on a busy machine a sleep oversleeps."""
        read = zip(self._counters, self._before, strict=True)
        joules = sum(counter.between(before, counter.read()) for counter, before in read)
        return joules, time.monotonic() - self._begun


def counters(on_gpu: bool, powercap: Path = _POWERCAP) -> list[Counter]:
    """The counters that can be read here. A model on a GPU needs the GPU's; the processor's alone would flatter it."""
    processor = _rapl(powercap)
    if not on_gpu:
        return processor
    gpus = _nvml() if is_installed("pynvml") else []
    return [*processor, *gpus] if gpus else []


def _rapl(powercap: Path) -> list[Counter]:
    """One counter for each processor package and each package's memory, which is no part of it.

    A package's cores and graphics are part of it, and `psys`, the whole board, holds the packages (Linux,
    Documentation/power/powercap/powercap.rst; Intel's Software Developer's Manual, volume 3, 16.10).
    """
    found = []
    for folder in sorted(powercap.glob("intel-rapl:*")):
        name, level = _domain(folder), folder.name.count(":")
        counts = name.startswith("package") if level == 1 else name == "dram"
        path = folder / "energy_uj"
        if not counts or not _readable(path):
            continue
        limit = folder / "max_energy_range_uj"
        found.append(Counter(_microjoules(path), int(limit.read_text()) / 1e6 if _readable(limit) else None))
    return found


def _domain(folder: Path) -> str:
    """What a counter counts, such as `package-0`, `core`, `dram` or `psys`."""
    path = folder / "name"
    return path.read_text(encoding="ascii", errors="replace").strip() if _readable(path) else ""


def _microjoules(path: Path) -> Callable[[], float]:
    return lambda: int(path.read_text()) / 1e6


def _readable(path: Path) -> bool:
    """Since CVE-2020-8694 reading is for root only on most systems; then there is no counter."""
    try:
        path.read_text()
    except OSError:
        return False
    return True


def _nvml() -> list[Counter]:
    """The energy counters of the GPUs that may work here (Volta and later); none where one of them has none."""
    nvml: Any = load("pynvml")
    try:
        nvml.nvmlInit()
        handles = _handles(nvml)
        if any(_is_divided(nvml, handle) for handle in handles):
            return []
        for handle in handles:
            nvml.nvmlDeviceGetTotalEnergyConsumption(handle)
    except nvml.NVMLError:
        return []
    return [Counter(_millijoules(nvml, handle)) for handle in handles]


def _handles(nvml: Any) -> list[Any]:
    """The GPUs that torch's model stands on, by their UUIDs, for NVML knows neither CUDA's order nor
    `CUDA_VISIBLE_DEVICES`; where another library computes, all of them, unless some are hidden from it."""
    if cuda_in_use():
        cuda = load("torch").cuda
        uuids = [cuda.get_device_properties(place).uuid for place in places_in_use()]
        return [nvml.nvmlDeviceGetHandleByUUID(f"GPU-{uuid}") for uuid in uuids]
    count = nvml.nvmlDeviceGetCount()
    hidden = count > 1 and os.environ.get("CUDA_VISIBLE_DEVICES") is not None
    return [] if hidden else [nvml.nvmlDeviceGetHandleByIndex(place) for place in range(count)]


def _is_divided(nvml: Any, handle: Any) -> bool:
    """Whether a GPU is shared out by MIG: its counter then counts the work of all its instances."""
    try:
        current, _ = nvml.nvmlDeviceGetMigMode(handle)
    except nvml.NVMLError:  # most GPUs know no MIG
        return False
    return bool(current == nvml.NVML_DEVICE_MIG_ENABLE)


def _millijoules(nvml: Any, handle: Any) -> Callable[[], float]:
    return lambda: float(nvml.nvmlDeviceGetTotalEnergyConsumption(handle)) / 1000
