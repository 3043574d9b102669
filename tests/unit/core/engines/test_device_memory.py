"""What is free on a device, and over which GPUs a model may be spread."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from core.engines import device_memory
from core.engines.device import Device
from core.engines.device_memory import free_memory_mib, gpus_to_spread_over

CPU, GPU = Device(torch.device("cpu"), "CPU"), Device(torch.device("cuda"), "GPU")


def test_free_memory_of_a_container_is_what_its_limit_leaves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device_memory, "_CGROUP", tmp_path)
    whole = free_memory_mib(CPU)
    (tmp_path / "memory.max").write_text("104857600\n", encoding="ascii")
    (tmp_path / "memory.current").write_text("52428800\n", encoding="ascii")
    assert whole > 50.0
    assert free_memory_mib(CPU) == 50.0
    (tmp_path / "memory.max").write_text("max\n", encoding="ascii")
    assert free_memory_mib(CPU) > 50.0


def test_what_torch_keeps_of_a_gpu_for_later_tensors_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[torch.device] = []

    def told(mib: int) -> Callable[[torch.device], int]:
        return lambda place: asked.append(place) or mib * device_memory.MIB  # type: ignore[func-returns-value]

    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda place: (told(10)(place), 0))
    monkeypatch.setattr(torch.cuda, "memory_reserved", told(70))
    monkeypatch.setattr(torch.cuda, "memory_allocated", told(20))
    assert free_memory_mib(Device(torch.device("cuda", 1), "GPU")) == 60.0
    assert set(asked) == {torch.device("cuda", 1)}
    monkeypatch.setattr(torch.mps, "recommended_max_memory", lambda: 100 * device_memory.MIB)
    monkeypatch.setattr(torch.mps, "driver_allocated_memory", lambda: 90 * device_memory.MIB)
    monkeypatch.setattr(torch.mps, "current_allocated_memory", lambda: 30 * device_memory.MIB)
    assert free_memory_mib(Device(torch.device("mps"), "Apple GPU")) == 70.0


def test_models_are_spread_over_several_gpus_that_nobody_chose_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert gpus_to_spread_over(GPU) == (torch.device("cuda", 0), torch.device("cuda", 1))
    assert gpus_to_spread_over(Device(torch.device("cuda", 1), "GPU")) == gpus_to_spread_over(CPU) == ()
    monkeypatch.setattr(device_memory, "is_installed", lambda _name: False)
    assert gpus_to_spread_over(GPU) == ()
    monkeypatch.undo()
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert gpus_to_spread_over(GPU) == ()
