"""Memory by the kernel's mark, phase by phase; a GPU's by its allocator and its driver."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from core.engines.benchmark import memory
from core.engines.benchmark.memory import GpuMemory

_MIB = 2**20
needs_marks = pytest.mark.skipif(
    not os.access("/proc/self/clear_refs", os.W_OK), reason="this system cannot reset the mark"
)


def touched(mebibytes: int) -> Any:
    return np.ones(mebibytes * _MIB, dtype=np.uint8)


@needs_marks
def test_a_spike_between_two_looks_is_part_of_its_phase_and_of_no_other() -> None:
    memory.start_phase()
    before = memory.peak_mib()
    block = touched(200)
    del block
    spike = memory.peak_mib()
    assert 195 <= spike - before <= 230
    memory.start_phase()
    assert memory.peak_mib() < spike - 150


PHASES = """
import json, mmap
from core.engines.benchmark import memory

def told(mebibytes):
    memory.start_phase()
    with mmap.mmap(-1, mebibytes * 2**20) as block:
        for page in range(0, len(block), mmap.PAGESIZE):
            block[page] = 1
    return memory.peak_mib()

print(json.dumps([told(size) for size in (1, 200, 1, 60, 1)]))
"""


@needs_marks
def test_each_phase_s_peak_holds_what_was_touched_in_it_and_nothing_of_the_phases_around() -> None:
    done = subprocess.run([sys.executable, "-c", PHASES], capture_output=True, text=True, check=True)
    told = json.loads(done.stdout)
    held = [peak - told[0] for peak in told]
    assert held == pytest.approx([0, 199, 0, 59, 0], abs=4)


class NvmlError(Exception):
    """What the library raises."""


def nvml(processes: dict[int, list[tuple[int, int | None]]], broken: bool = False) -> Any:
    """The part of NVML's Python binding (nvidia-ml-py) that is called, over (process, bytes) of each GPU."""

    def start() -> None:
        if broken:
            raise NvmlError

    def running(handle: int) -> list[Any]:
        return [SimpleNamespace(pid=pid, usedGpuMemory=held) for pid, held in processes[handle]]

    return SimpleNamespace(
        NVMLError=NvmlError,
        nvmlInit=start,
        nvmlDeviceGetCount=lambda: len(processes),
        nvmlDeviceGetHandleByIndex=lambda place: place,
        nvmlDeviceGetComputeRunningProcesses=running,
    )


class Cuda:
    """The part of torch.cuda that is called, over MiB of each GPU."""

    def __init__(self, allocated: list[int], reserved: list[int]) -> None:
        self.allocated, self.reserved = allocated, reserved
        self.begun_anew: list[int] = []

    def is_initialized(self) -> bool:
        return True

    def device_count(self) -> int:
        return len(self.allocated)

    def max_memory_allocated(self, place: int) -> int:
        return self.allocated[place] * _MIB

    def max_memory_reserved(self, place: int) -> int:
        return self.reserved[place] * _MIB

    def reset_peak_memory_stats(self, place: int) -> None:
        self.begun_anew.append(place)


def on_gpu(monkeypatch: pytest.MonkeyPatch, library: Any, cuda: Cuda | None = None) -> None:
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda or Cuda([300], [512])))
    monkeypatch.setitem(sys.modules, "pynvml", library)
    monkeypatch.setattr(memory, "is_installed", lambda name: name == "pynvml")


def test_a_gpu_s_memory_is_the_allocator_s_and_the_driver_s_for_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    mine = os.getpid()
    on_gpu(monkeypatch, nvml({0: [(mine + 1, 9 * _MIB), (mine, 700 * _MIB)], 1: [(mine, 100 * _MIB)]}))
    assert memory.peak_mib() == 300.0
    assert memory.gpu_memory() == GpuMemory(reserved_mib=512.0, process_mib=800.0)


def test_the_memory_of_a_model_that_is_spread_over_gpus_is_their_sum(monkeypatch: pytest.MonkeyPatch) -> None:
    cuda = Cuda([300, 0, 420], [512, 2, 600])
    on_gpu(monkeypatch, nvml({}), cuda)
    memory.start_phase()
    assert cuda.begun_anew == [0, 1, 2]
    assert memory.peak_mib() == 720.0
    assert memory.gpu_memory() == GpuMemory(reserved_mib=1114.0, process_mib=None)


def test_a_gpu_s_mark_begins_anew_also_where_the_system_keeps_the_process_s(monkeypatch: pytest.MonkeyPatch) -> None:
    class Forbidden:
        def exists(self) -> bool:
            return True

        def write_text(self, text: str, encoding: str) -> int:
            raise PermissionError

    cuda = Cuda([300], [512])
    on_gpu(monkeypatch, nvml({}), cuda)
    monkeypatch.setattr(memory, "_CLEAR_REFS", Forbidden())
    memory.start_phase()
    assert cuda.begun_anew == [0]


def test_the_memory_of_a_model_on_the_cpu_is_its_own_whatever_stands_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    on_gpu(monkeypatch, nvml({}), Cuda([3000], [3000]))
    assert 10.0 < memory.peak_mib(resident=True) != memory.peak_mib() == 3000.0


@pytest.mark.parametrize(
    "library",
    [nvml({0: [(os.getpid() + 1, _MIB)]}), nvml({0: [(os.getpid(), None)]}), nvml({}, broken=True)],
    ids=["process hidden", "figure hidden", "no driver"],
)
def test_what_the_driver_does_not_tell_is_null(monkeypatch: pytest.MonkeyPatch, library: Any) -> None:
    on_gpu(monkeypatch, library)
    found = memory.gpu_memory()
    assert found is not None
    assert (found.reserved_mib, found.process_mib) == (512.0, None)


def test_a_process_without_a_gpu_has_no_gpu_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "cuda_in_use", lambda: False)
    assert memory.gpu_memory() is None
