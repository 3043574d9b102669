"""Memory by the kernel's mark, phase by phase; a GPU's by its allocator and its driver."""

from __future__ import annotations

import os
import sys
from pathlib import Path
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


@needs_marks
def test_the_peak_is_the_kernel_s_own_mark() -> None:
    memory.start_phase()
    touched(50)
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    mark = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024
    assert memory.peak_mib() == pytest.approx(mark, rel=0.02)


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


def on_gpu(monkeypatch: pytest.MonkeyPatch, library: Any) -> None:
    cuda = SimpleNamespace(
        is_initialized=lambda: True,
        max_memory_allocated=lambda: 300 * _MIB,
        max_memory_reserved=lambda: 512 * _MIB,
    )
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))
    monkeypatch.setitem(sys.modules, "pynvml", library)
    monkeypatch.setattr(memory, "is_installed", lambda name: name == "pynvml")


def test_a_gpu_s_memory_is_the_allocator_s_and_the_driver_s_for_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    mine = os.getpid()
    on_gpu(monkeypatch, nvml({0: [(mine + 1, 9 * _MIB), (mine, 700 * _MIB)], 1: [(mine, 100 * _MIB)]}))
    assert memory.peak_mib() == 300.0
    assert memory.gpu_memory() == GpuMemory(reserved_mib=512.0, process_mib=800.0)


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
