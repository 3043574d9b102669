"""Whether an NVIDIA GPU is there to work on, asked of its driver: a plan cannot wait for torch to be loaded."""

from __future__ import annotations

import ctypes
import os
import sys
from functools import cache

DEVICE_VARIABLE = "TERCET_DEVICE"
_DRIVER = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
_SUCCESS = 0


def other_device() -> str | None:
    """What torch works on here in place of an NVIDIA GPU, as a word for the user; null where such a GPU is there."""
    asked = os.environ.get(DEVICE_VARIABLE)
    if asked:
        return None if asked.startswith("cuda") else asked
    if gpu_count() > 0:
        return None
    return "mps" if sys.platform == "darwin" else "CPU"


@cache
def gpu_count() -> int:
    """How many GPUs the driver shows to this process (CUDA Driver API, cuInit and cuDeviceGetCount); 0 without one."""
    try:
        driver = ctypes.CDLL(_DRIVER)
    except OSError:
        return 0  # no driver is installed
    count = ctypes.c_int(0)
    if driver.cuInit(0) != _SUCCESS or driver.cuDeviceGetCount(ctypes.byref(count)) != _SUCCESS:
        return 0
    return count.value
