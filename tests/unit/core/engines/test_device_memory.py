"""What is free on a device, and over which GPUs a model may be spread."""

from __future__ import annotations

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


def test_models_are_spread_over_several_gpus_that_nobody_chose_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert gpus_to_spread_over(GPU) == (torch.device("cuda", 0), torch.device("cuda", 1))
    assert gpus_to_spread_over(Device(torch.device("cuda", 1), "GPU")) == gpus_to_spread_over(CPU) == ()
    monkeypatch.setattr(device_memory, "is_installed", lambda _name: False)
    assert gpus_to_spread_over(GPU) == ()
    monkeypatch.undo()
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert gpus_to_spread_over(GPU) == ()
