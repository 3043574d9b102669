"""The memory of the devices: what is free now, and over which GPUs a large language model may be spread."""

from __future__ import annotations

from pathlib import Path

import psutil
import torch

from core.engines.device import Device
from core.lazy import is_installed

MIB = 2**20
_CGROUP = Path("/sys/fs/cgroup")


def free_memory_mib(device: Device) -> float:
    """The memory that is free now on a device, MiB; of a container no more than its limit leaves. What torch keeps of
    a GPU for the next tensors, as after a teacher that has been asked, counts as free."""
    place = device.torch_device
    if place.type == "cuda":
        kept = torch.cuda.memory_reserved(place) - torch.cuda.memory_allocated(place)
        return (torch.cuda.mem_get_info(place)[0] + kept) / MIB
    if place.type == "mps":
        return (torch.mps.recommended_max_memory() - torch.mps.current_allocated_memory()) / MIB
    free = float(psutil.virtual_memory().available)
    limit, held = (_cgroup_bytes(name) for name in ("memory.max", "memory.current"))
    if limit is not None and held is not None:
        free = min(free, limit - held)
    return free / MIB


def _cgroup_bytes(name: str) -> float | None:
    """A figure of the control group that this process runs in (Linux, Documentation/admin-guide/cgroup-v2.rst)."""
    path = _CGROUP / name
    text = path.read_text(encoding="ascii").strip() if path.is_file() else ""
    return float(text) if text.isdigit() else None


def gpus_to_spread_over(device: Device) -> tuple[torch.device, ...]:
    """All GPUs, where a language model on `device` may be spread over them: none where the user has named one, there is
    only one, or accelerate is not installed."""
    # A device without a number is the one that torch chose.
    if str(device.torch_device) != "cuda" or torch.cuda.device_count() < 2 or not is_installed("accelerate"):
        return ()
    return tuple(torch.device("cuda", index) for index in range(torch.cuda.device_count()))
