"""The most memory that this process held, phase by phase, by the kernel's own mark: polling misses spikes."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.lazy import is_installed, load

_STATUS = Path("/proc/self/status")
_CLEAR_REFS = Path("/proc/self/clear_refs")
# "5" resets the high-water mark to the present size (Linux, Documentation/filesystems/proc.rst).
_RESET_PEAK = "5"
_MIB = 2**20


@dataclass(frozen=True)
class GpuMemory:
    """What a process holds of its GPUs, in MiB: the most that torch's allocator reserved since `start_phase` (cached
    blocks included), and what the driver counts for the process now (its context included); null where it is not
    told. Of several GPUs, the sum."""

    reserved_mib: float | None
    process_mib: float | None


def start_phase() -> None:
    """Let the high-water mark begin anew, on the processor and on the GPU, where the system can do that."""
    if _CLEAR_REFS.exists():
        # Some containers forbid it: the mark then covers the process's whole life.
        with contextlib.suppress(PermissionError):
            _CLEAR_REFS.write_text(_RESET_PEAK, encoding="ascii")
    if cuda_in_use():
        cuda = load("torch").cuda
        for place in range(cuda.device_count()):
            cuda.reset_peak_memory_stats(place)


def peak_mib(*, resident: bool = False) -> float:
    """The most memory held since `start_phase`, in MiB: of the GPUs where this process uses some, else resident, as
    also with `resident`, where the model runs on the CPU beside something else on a GPU.

    A model that is spread over several GPUs needs the most of each, at whatever moment each held it: their sum.
    Where the system cannot reset the mark (macOS, Windows), the most since the process began.
    """
    if cuda_in_use() and not resident:
        return _over_gpus(load("torch").cuda.max_memory_allocated)
    if _STATUS.exists():
        lines = _STATUS.read_text(encoding="ascii", errors="replace").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024
    if sys.platform == "win32":
        return float(load("psutil").Process().memory_info().peak_wset) / _MIB
    # macOS counts bytes where Linux counts KiB.
    resource = load("resource")
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) / _MIB


def gpu_memory(another_library: bool = False) -> GpuMemory | None:
    """The reserve of the allocator and the driver's count (NVML); null where the process uses no GPU, neither through
    torch nor through `another_library`."""
    if not cuda_in_use() and not another_library:
        return None
    reserved = _over_gpus(load("torch").cuda.max_memory_reserved) if cuda_in_use() else None
    return GpuMemory(reserved, _driver_mib(os.getpid()) if is_installed("pynvml") else None)


def _over_gpus(bytes_of: Callable[[int], int]) -> float:
    """A figure of torch's allocator, in MiB, over all GPUs; it is 0 for those that hold nothing of this process."""
    return sum(bytes_of(place) for place in range(load("torch").cuda.device_count())) / _MIB


def _driver_mib(process: int) -> float | None:
    """MiB over all GPUs that NVML counts for a process (nvmlDeviceGetComputeRunningProcesses); null where the driver
    does not tell, as in containers that hide process numbers and under Windows' own driver model."""
    nvml: Any = load("pynvml")
    try:
        nvml.nvmlInit()
        held = [
            one.usedGpuMemory
            for place in range(nvml.nvmlDeviceGetCount())
            for one in nvml.nvmlDeviceGetComputeRunningProcesses(nvml.nvmlDeviceGetHandleByIndex(place))
            if one.pid == process and one.usedGpuMemory is not None
        ]
    except nvml.NVMLError:
        return None
    return sum(held) / _MIB if held else None


def cuda_in_use() -> bool:
    """Whether this process has put anything on a GPU."""
    torch = sys.modules.get("torch")
    return torch is not None and bool(torch.cuda.is_initialized())


def places_in_use() -> list[int]:
    """CUDA's numbers of the GPUs on which something of this process stands: those that a model is spread over, or the
    one it is on; the present one before anything stands anywhere."""
    cuda = load("torch").cuda
    return [place for place in range(cuda.device_count()) if cuda.memory_allocated(place)] or [cuda.current_device()]
