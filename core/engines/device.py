"""Where the work runs: CUDA, Apple's Metal or the CPU, chosen once."""

from __future__ import annotations

import os
import platform
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import torch

from core.engines.machine import cpu_threads, cpu_words
from core.errors import UserError
from core.gpu import DEVICE_VARIABLE
from core.model_files import is_onnx_folder

HUGE_PAGES_VARIABLE = "THP_MEM_ALLOC_ENABLE"


@dataclass(frozen=True)
class Device:
    """A torch device with its description for the user.

    `autocast_dtype` is the lower precision of the matrix products, null where all is fp32; `scales_gradients` says
    that this precision is fp16, whose small gradients need a `GradScaler`.
    """

    torch_device: torch.device
    description: str
    autocast_dtype: torch.dtype | None = None

    @property
    def scales_gradients(self) -> bool:
        """Whether gradients would underflow without scaling."""
        return self.autocast_dtype is torch.float16

    @property
    def precision(self) -> str:
        """The precision of the matrix products: fp32, bf16 or fp16."""
        names = {torch.bfloat16: "bf16", torch.float16: "fp16"}
        return "fp32" if self.autocast_dtype is None else names[self.autocast_dtype]

    def autocast(self) -> AbstractContextManager[object]:
        """A context in which matrix products run in `autocast_dtype`; changes nothing where that is null."""
        return torch.autocast(
            self.torch_device.type, dtype=self.autocast_dtype or torch.bfloat16, enabled=self.autocast_dtype is not None
        )


def choose_device(name: str | None = None) -> Device:
    """The best device present (CUDA, then Metal, then CPU), or the one called `name`; sets torch's CPU threads.

    The environment variable TERCET_DEVICE (cuda, cuda:1, mps or cpu) stands in for `name`. Raises UserError where the
    device asked for is not there.
    """
    torch.set_num_threads(cpu_threads())
    device = _checked(name or os.environ.get(DEVICE_VARIABLE) or _best())
    if device.type == "cuda":
        dtype = torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
        return Device(device, f"{torch.cuda.get_device_name(device)} ({device})", dtype)
    if device.type == "mps":
        return Device(device, "Apple GPU (mps)")
    return Device(device, cpu_words(torch.get_num_threads()))


def device_of_model(source: Path) -> Device:
    """Where the language model of a folder or GGUF file answers: the best device present; of an ONNX folder the CPU.

    CUDA is not even started for that one: its memory would be looked for on a GPU that holds nothing of it.
    """
    return choose_device("cpu" if source.is_dir() and is_onnx_folder(source) else None)


def use_huge_pages() -> None:
    """Let torch ask Linux for huge pages where it takes large blocks of memory; nothing changes elsewhere.

    A training takes and gives back blocks as large as the embeddings at every step, and page faults are a tenth of its
    time. Torch reads the variable once, so that this must come before the first large tensor.
    """
    os.environ.setdefault(HUGE_PAGES_VARIABLE, "1")


def _checked(name: str) -> torch.device:
    """The device called `name`, where this machine has it."""
    kind, _, index = name.partition(":")
    present = {
        "cuda": torch.cuda.is_available() and int(index if index.isdigit() else 0) < torch.cuda.device_count(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if not present.get(kind, False) or (":" in name and not index.isdigit()):
        raise UserError("train.device_missing", name=name, variable=DEVICE_VARIABLE)
    return torch.device(name)


def _best() -> str:
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def int8_products_saturate() -> bool:
    """Whether sums of 8-bit products may overflow 16 bits here: an x86 processor without VNNI, or an unknown one.

    Weights of 7 bits do not, which is ONNX Runtime's advice for such a machine ("Quantize ONNX models", reduce_range).
    """
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return False
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return True
    return not any(name in flags for name in ("avx512_vnni", "avx_vnni", "amx_int8"))
