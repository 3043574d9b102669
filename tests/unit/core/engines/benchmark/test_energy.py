"""Joules from counters: those of the processor and the GPU, the idle draw subtracted, nothing claimed without them."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from core.engines.benchmark import energy
from core.engines.benchmark.energy import Counter, EnergyMeter, counters

GPUS = [SimpleNamespace(uuid="aa"), SimpleNamespace(uuid="bb")]


class Clock:
    """Time that passes by sleeping alone; on a busy machine a sleep lasts longer than asked."""

    def __init__(self) -> None:
        self.now = 100.0
        self.oversleeps = 1.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds * self.oversleeps


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(energy, "time", made)
    return made


def draws(clock: Clock, idle_watts: float, busy_watts: float = 0.0, busy_from: float = 1e9) -> Counter:
    return Counter(lambda: idle_watts * clock.now + busy_watts * max(0.0, clock.now - busy_from))


@pytest.mark.parametrize("oversleeps", [1.0, 4.0])
def test_joules_are_those_above_the_idle_draw_however_long_the_sleeps_last(clock: Clock, oversleeps: float) -> None:
    clock.oversleeps = oversleeps
    meter = EnergyMeter([draws(clock, 5.0, 20.0, busy_from=110.0), draws(clock, 2.0)])
    clock.now = 110.0
    meter.start()
    clock.now += 3.0
    assert meter.joules() == pytest.approx(60.0)


def test_what_the_work_before_still_draws_is_not_taken_for_idle(clock: Clock) -> None:
    spins_until = clock.now + 0.2
    counter = Counter(lambda: 5.0 * clock.now + 80.0 * min(clock.now, spins_until))
    meter = EnergyMeter([counter, draws(clock, 0.0, 20.0, busy_from=110.0)])
    clock.now = 110.0
    meter.start()
    clock.now += 3.0
    assert meter.joules() == pytest.approx(60.0)


def test_what_runs_between_the_idle_sample_and_the_start_is_not_counted(clock: Clock) -> None:
    meter = EnergyMeter([draws(clock, 5.0, 20.0, busy_from=101.0)])
    clock.now = 150.0
    meter.start()
    clock.now += 2.0
    assert meter.joules() == pytest.approx(40.0)


def test_a_load_that_does_not_rise_above_idle_and_a_machine_without_counters_have_no_joules(clock: Clock) -> None:
    meter = EnergyMeter([draws(clock, 5.0)])
    clock.now += 2.0
    assert meter.joules() is None
    assert EnergyMeter([]).joules() is None


def test_a_counter_that_begins_again_is_followed_across_its_end() -> None:
    counter = Counter(lambda: 0.0, wraps_at=1000.0)
    assert counter.between(990.0, 15.0) == 25.0
    assert counter.between(10.0, 15.0) == 5.0


def rapl(folder: Path, domain: str, name: str, microjoules: int, most: int | None = None) -> Path:
    place = folder / domain
    place.mkdir(parents=True)
    (place / "name").write_text(f"{name}\n")
    (place / "energy_uj").write_text(f"{microjoules}\n")
    if most is not None:
        (place / "max_energy_range_uj").write_text(f"{most}\n")
    return place / "energy_uj"


def test_each_processor_package_and_its_memory_count_once(tmp_path: Path) -> None:
    rapl(tmp_path, "intel-rapl:0", "package-0", 2_500_000, most=262_143_000_000)
    rapl(tmp_path, "intel-rapl:0:0", "core", 1_000_000)
    rapl(tmp_path, "intel-rapl:0:1", "uncore", 1_000_000)
    rapl(tmp_path, "intel-rapl:0:2", "dram", 500_000)
    rapl(tmp_path, "intel-rapl:1", "package-1-die-0", 4_000_000)
    rapl(tmp_path, "intel-rapl:2", "psys", 9_000_000)
    rapl(tmp_path, "intel-rapl-mmio:0", "package-0", 2_500_000)
    (tmp_path / "intel-rapl").mkdir()
    found = counters(on_gpu=False, powercap=tmp_path)
    assert [counter.read() for counter in found] == [2.5, 0.5, 4.0]
    assert [counter.wraps_at for counter in found] == [262_143.0, None, None]


def test_what_only_root_may_read_is_no_counter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    forbidden = rapl(tmp_path, "intel-rapl:0", "package-0", 1)
    read = Path.read_text

    def refused(path: Path, *arguments: Any, **options: Any) -> str:
        if path == forbidden:
            raise PermissionError
        return read(path, *arguments, **options)

    monkeypatch.setattr(Path, "read_text", refused)
    assert counters(on_gpu=False, powercap=tmp_path) == []


def test_a_counter_of_the_system_that_begins_again_during_a_pass_is_followed(tmp_path: Path, clock: Clock) -> None:
    package = rapl(tmp_path, "intel-rapl:0", "package-0", 0, most=65_532_610_987)
    memory = rapl(tmp_path, "intel-rapl:0:0", "dram", 0, most=65_712_999_613)
    sleep = clock.sleep

    def draw(seconds: float, package_watts: int, memory_watts: int) -> None:
        for path, watts, most in ((package, package_watts, 65_532_610_987), (memory, memory_watts, 65_712_999_613)):
            path.write_text(str((int(path.read_text()) + int(watts * seconds * 1e6)) % most))
        sleep(seconds)

    clock.sleep = lambda seconds: draw(seconds, 10, 2)  # type: ignore[method-assign]  # an idle machine
    package.write_text(str(65_532_610_987 - 100_000_000))
    meter = EnergyMeter(counters(on_gpu=False, powercap=tmp_path))
    meter.start()
    draw(20.0, 60, 7)
    assert int(package.read_text()) < 2_000_000_000
    assert meter.joules() == pytest.approx(20.0 * (50 + 5))


class NvmlError(Exception):
    """What the library raises."""


def nvml(monkeypatch: pytest.MonkeyPatch, gpus: int = 1, has_counter: bool = True, mig: int | None = None) -> None:
    """The driver's library; `mig` is null on GPUs that know none."""

    def millijoules(handle: int | str) -> int:
        if not has_counter:
            raise NvmlError
        return 7_000 if isinstance(handle, int) else 9_000

    def mig_mode(handle: int | str) -> list[int]:
        if mig is None:
            raise NvmlError
        return [mig, mig]

    library: Any = SimpleNamespace(
        NVMLError=NvmlError,
        NVML_DEVICE_MIG_ENABLE=1,
        nvmlInit=lambda: None,
        nvmlDeviceGetCount=lambda: gpus,
        nvmlDeviceGetHandleByIndex=lambda place: place,
        nvmlDeviceGetHandleByUUID=lambda uuid: uuid,
        nvmlDeviceGetMigMode=mig_mode,
        nvmlDeviceGetTotalEnergyConsumption=millijoules,
    )
    monkeypatch.setitem(sys.modules, "pynvml", library)
    monkeypatch.setattr(energy, "is_installed", lambda name: name == "pynvml")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


def joules_on_gpu(powercap: Path) -> list[float]:
    return [counter.read() for counter in counters(on_gpu=True, powercap=powercap)]


def test_a_model_on_a_gpu_needs_the_gpu_s_counter(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    rapl(tmp_path, "intel-rapl:0", "package-0", 2_500_000)
    nvml(monkeypatch)
    monkeypatch.setattr(energy, "cuda_in_use", lambda: False)
    assert joules_on_gpu(tmp_path) == [2.5, 7.0]
    nvml(monkeypatch, has_counter=False)
    assert joules_on_gpu(tmp_path) == []


def test_a_gpu_that_is_shared_out_by_mig_counts_the_work_of_others_and_is_no_counter(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    nvml(monkeypatch, mig=0)
    assert joules_on_gpu(tmp_path) == [7.0]
    nvml(monkeypatch, mig=1)
    assert joules_on_gpu(tmp_path) == []


def spread(monkeypatch: pytest.MonkeyPatch, held: list[int]) -> list[str]:
    """A process that holds so many bytes on each of the GPUs; the returned list gathers the UUIDs NVML is asked for."""
    cuda = SimpleNamespace(
        is_initialized=lambda: True,
        device_count=lambda: len(held),
        memory_allocated=lambda place: held[place],
        current_device=lambda: 1,
        get_device_properties=lambda place: GPUS[place],
    )
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))
    asked: list[str] = []

    def handle(uuid: str) -> str:
        asked.append(uuid)
        return uuid

    monkeypatch.setattr(sys.modules["pynvml"], "nvmlDeviceGetHandleByUUID", handle)
    return asked


@pytest.mark.parametrize(
    ("held", "uuids"),
    [([0, 7], ["GPU-bb"]), ([7, 0], ["GPU-aa"]), ([7, 7], ["GPU-aa", "GPU-bb"]), ([0, 0], ["GPU-bb"])],
    ids=["the second", "the first", "spread over both", "nothing yet: the present one"],
)
def test_the_gpus_that_the_model_stands_on_are_found_by_their_uuids(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, held: list[int], uuids: list[str]
) -> None:
    nvml(monkeypatch, gpus=2)
    asked = spread(monkeypatch, held)
    assert joules_on_gpu(tmp_path) == [9.0] * len(uuids)
    assert asked == uuids


def test_of_several_gpus_all_count_unless_some_are_hidden(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    nvml(monkeypatch, gpus=2)
    monkeypatch.setattr(energy, "cuda_in_use", lambda: False)
    assert joules_on_gpu(tmp_path) == [7.0, 7.0]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    assert joules_on_gpu(tmp_path) == []
