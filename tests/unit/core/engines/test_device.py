"""Where the work runs."""

from __future__ import annotations

import os

import pytest
import torch

from core.engines.device import Device, choose_device, use_huge_pages
from core.engines.machine import cpu_threads
from core.errors import UserError


def test_cpu_is_chosen_by_name_and_described_with_its_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    device = choose_device("cpu")
    assert (device.torch_device.type, device.description) == ("cpu", "CPU, 1 thread")
    assert torch.get_num_threads() == 1


def test_threads_are_physical_cores_that_the_process_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS")
    monkeypatch.setattr("psutil.cpu_count", lambda logical: 16 if logical else 8)
    monkeypatch.setattr("os.sched_getaffinity", lambda _pid: set(range(4)), raising=False)
    assert cpu_threads() == 4
    monkeypatch.setattr("os.sched_getaffinity", lambda _pid: set(range(16)), raising=False)
    assert cpu_threads() == 8


def test_matrix_products_are_fp32_without_a_lower_precision_and_bf16_with_it() -> None:
    matrix = torch.ones(2, 2)
    plain = Device(torch.device("cpu"), "CPU")
    lower = Device(torch.device("cpu"), "CPU", torch.bfloat16)
    with plain.autocast():
        assert (matrix @ matrix).dtype is torch.float32
    with lower.autocast():
        assert (matrix @ matrix).dtype is torch.bfloat16
    assert not lower.scales_gradients
    assert Device(torch.device("cpu"), "CPU", torch.float16).scales_gradients


@pytest.mark.parametrize("name", ["cuda:99", "tpu", "cpu:x"])
def test_a_device_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("TERCET_DEVICE", name)
    with pytest.raises(UserError, match=f"no device {name}; set TERCET_DEVICE"):
        choose_device()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_cuda_is_chosen_where_it_is_present(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TERCET_DEVICE")
    device = choose_device()
    assert device.torch_device.type == "cuda"
    assert device.autocast_dtype in (torch.bfloat16, torch.float16)


def test_huge_pages_are_asked_for_unless_the_user_said_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("THP_MEM_ALLOC_ENABLE", raising=False)
    use_huge_pages()
    assert os.environ.pop("THP_MEM_ALLOC_ENABLE") == "1"
    monkeypatch.setenv("THP_MEM_ALLOC_ENABLE", "0")
    use_huge_pages()
    assert os.environ["THP_MEM_ALLOC_ENABLE"] == "0"
