"""Memory that ran out is told as that, whichever library ran out of it."""

from __future__ import annotations

import errno
import io
from pathlib import Path

import numpy as np
import pytest
import torch

from core.events import Failed, from_line
from core.jobs.folder import EVENTS_FILE
from core.worker import __main__ as worker
from core.worker.channel import EventChannel, StopWatch, WorkerContext
from core.worker.memory_errors import means_out_of_memory

TOO_MANY = 10**15


class OnnxError(Exception):
    """What ONNX Runtime raises derives from no error of Python's but Exception."""


OnnxError.__module__ = "onnxruntime.capi.onnxruntime_pybind11_state"


def raised_by_torch() -> Exception:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(TOO_MANY)
    return caught.value


def raised_by_numpy() -> Exception:
    with pytest.raises(MemoryError) as caught:
        np.ones(TOO_MANY)
    return caught.value


def test_what_torch_and_numpy_really_raise_means_that_memory_ran_out() -> None:
    assert means_out_of_memory(raised_by_torch())
    assert means_out_of_memory(raised_by_numpy())


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError("MPS backend out of memory (MPS allocated: 8.00 GB)"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:121] data. DefaultCPUAllocator: not enough memory: you tried"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        OnnxError("[ONNXRuntimeError] : 6 : Failed to allocate memory for requested buffer of size 4096"),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
    ],
)
def test_what_other_devices_and_libraries_say_means_so_too(error: Exception) -> None:
    assert means_out_of_memory(error)


def test_an_error_raised_from_one_means_so_and_others_do_not() -> None:
    outer = ValueError("the model could not be run")
    outer.__cause__ = MemoryError()
    assert means_out_of_memory(outer)
    assert not means_out_of_memory(RuntimeError("shapes differ"))
    assert not means_out_of_memory(ValueError("a row says: out of memory"))


def test_a_job_whose_library_ran_out_of_memory_ends_with_that_word_and_not_as_a_bug(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Handler:
        @staticmethod
        def run(parameters: object, context: object) -> None:
            torch.empty(TOO_MANY)

    monkeypatch.setattr(worker, "load", lambda name: Handler)
    channel = EventChannel("j", tmp_path, io.BytesIO())
    spec = type("Spec", (), {"kind": next(iter(worker.HANDLERS)), "parameters": None, "job_id": "j"})()
    context = WorkerContext(spec, tmp_path, channel, StopWatch())
    assert worker._work(context, channel, StopWatch()) == worker.FAILED_EXIT
    channel.close()
    last = from_line((tmp_path / EVENTS_FILE).read_bytes().splitlines()[-1])
    assert isinstance(last, Failed)
    assert last.code == "job.out_of_memory"
