"""Joules from counters: those of the processor and the GPU, the idle draw subtracted, nothing claimed without them."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from core.engines.benchmark import energy
from core.engines.benchmark.energy import Counter, EnergyMeter, counters


class Clock:
    """Time that passes by sleeping alone."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(energy, "time", made)
    return made


def draws(clock: Clock, idle_watts: float, busy_watts: float = 0.0, busy_from: float = 1e9) -> Counter:
    return Counter(lambda: idle_watts * clock.now + busy_watts * max(0.0, clock.now - busy_from))


def test_joules_are_those_above_the_idle_draw(clock: Clock) -> None:
    meter = EnergyMeter([draws(clock, 5.0, 20.0, busy_from=101.0), draws(clock, 2.0)])
    clock.now = 101.0
    begun = clock.now
    clock.now += 3.0
    assert clock.now - begun == 3.0
    assert meter.joules() == pytest.approx(60.0)


def test_a_load_that_does_not_rise_above_idle_and_a_machine_without_counters_have_no_joules(clock: Clock) -> None:
    meter = EnergyMeter([draws(clock, 5.0)])
    clock.now += 2.0
    assert meter.joules() is None
    assert EnergyMeter([]).joules() is None


def test_a_counter_that_begins_again_is_followed_across_its_end() -> None:
    counter = Counter(lambda: 0.0, wraps_at=1000.0)
    assert counter.between(990.0, 15.0) == 25.0
    assert counter.between(10.0, 15.0) == 5.0


def rapl(folder: Path, name: str, microjoules: int, most: int | None = None) -> None:
    domain = folder / name
    domain.mkdir(parents=True)
    (domain / "energy_uj").write_text(f"{microjoules}\n")
    if most is not None:
        (domain / "max_energy_range_uj").write_text(f"{most}\n")


def test_each_processor_package_counts_once_without_its_sub_domains(tmp_path: Path) -> None:
    rapl(tmp_path, "intel-rapl:0", 2_500_000, most=262_143_000_000)
    rapl(tmp_path, "intel-rapl:0:0", 1_000_000)
    rapl(tmp_path, "intel-rapl:1", 4_000_000)
    found = counters(on_gpu=False, powercap=tmp_path)
    assert [counter.read() for counter in found] == [2.5, 4.0]
    assert [counter.wraps_at for counter in found] == [262_143.0, None]


class NvmlError(Exception):
    """What the library raises."""


def nvml(monkeypatch: pytest.MonkeyPatch, has_counter: bool) -> None:
    def millijoules(handle: int) -> int:
        if not has_counter:
            raise NvmlError
        return 7_000

    library: Any = SimpleNamespace(
        NVMLError=NvmlError,
        nvmlInit=lambda: None,
        nvmlDeviceGetHandleByIndex=lambda place: place,
        nvmlDeviceGetTotalEnergyConsumption=millijoules,
    )
    monkeypatch.setitem(sys.modules, "pynvml", library)
    monkeypatch.setattr(energy, "is_installed", lambda name: name == "pynvml")


def test_a_model_on_a_gpu_needs_the_gpu_s_counter(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    rapl(tmp_path, "intel-rapl:0", 2_500_000)
    nvml(monkeypatch, has_counter=True)
    assert [counter.read() for counter in counters(on_gpu=True, powercap=tmp_path)] == [2.5, 7.0]
    nvml(monkeypatch, has_counter=False)
    assert counters(on_gpu=True, powercap=tmp_path) == []
