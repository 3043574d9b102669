"""Checkpoints survive kills, damage and a full disk."""

from __future__ import annotations

import errno
import os
import random
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from core.engines.checkpoint import Checkpoints
from core.engines.random_state import random_state, restore_random_state, seed_all
from core.errors import UserError

CPU = torch.device("cpu")


def parts(value: float) -> dict[str, dict[str, torch.Tensor]]:
    return {"model": {"weight": torch.full((4, 5), value)}, "optimizer": {"0.step": torch.tensor(3.0)}}


@pytest.fixture
def logged() -> list[str]:
    return []


@pytest.fixture
def store(tmp_path: Path, logged: list[str]) -> Checkpoints:
    return Checkpoints(tmp_path, "job-1", logged.append)


def test_a_checkpoint_comes_back_as_it_was_saved(store: Checkpoints) -> None:
    store.save(120, parts(1.5), {"loss": 0.25})
    found = store.newest()
    assert found is not None
    assert (found.step, found.state) == (120, {"loss": 0.25})
    assert torch.equal(found.tensors("model")["weight"], torch.full((4, 5), 1.5))


def test_nothing_is_found_where_nothing_was_saved(store: Checkpoints) -> None:
    assert store.newest() is None


def test_only_the_newest_two_are_kept(store: Checkpoints) -> None:
    for step in (5, 10, 1000, 20000):
        store.save(step, parts(step), {})
    assert sorted(path.name for path in store.folder.iterdir()) == ["step-000001000", "step-000020000"]


@pytest.mark.parametrize("name", ["model.safetensors", "optimizer.safetensors", "state.json", "manifest.json"])
def test_a_damaged_checkpoint_is_passed_over_for_the_one_before_and_logged(
    store: Checkpoints, logged: list[str], name: str
) -> None:
    store.save(1, parts(1.0), {})
    file = store.save(2, parts(2.0), {}) / name
    damaged = bytearray(file.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    file.write_bytes(damaged)
    found = store.newest()
    assert found is not None
    assert found.step == 1
    assert any("step-000000002" in line for line in logged)


@pytest.mark.parametrize("name", ["COMPLETE", "model.safetensors", "manifest.json"])
def test_a_checkpoint_without_all_its_files_is_passed_over(store: Checkpoints, name: str) -> None:
    store.save(1, parts(1.0), {})
    (store.save(2, parts(2.0), {}) / name).unlink()
    found = store.newest()
    assert found is not None
    assert found.step == 1


def test_a_checkpoint_of_another_job_is_not_taken_up(store: Checkpoints, tmp_path: Path, logged: list[str]) -> None:
    store.save(1, parts(1.0), {})
    assert Checkpoints(tmp_path, "job-2", logged.append).newest() is None
    assert "another job" in logged[0]


def test_what_a_killed_attempt_left_half_written_is_removed(store: Checkpoints) -> None:
    store.save(1, parts(1.0), {})
    (store.folder / ".partial-step-000000002").mkdir()
    assert store.newest() is not None
    assert [path.name for path in store.folder.iterdir()] == ["step-000000001"]


@pytest.mark.parametrize("call", ["fsync", "save_file"])
def test_full_disk_leaves_no_partial_and_keeps_the_older_checkpoint(
    store: Checkpoints, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    store.save(1, parts(1.0), {})

    def full(*_arguments: object) -> None:
        if call == "fsync":
            raise OSError(errno.ENOSPC, "No space left on device")
        # What the Rust library of safetensors raises.
        raise RuntimeError("Error while serializing: I/O error: No space left on device (os error 28)")

    if call == "fsync":
        monkeypatch.setattr(os, "fsync", full)
    else:
        monkeypatch.setattr("core.engines.checkpoint.save_file", full)
    with pytest.raises(UserError, match="disk is full") as raised:
        store.save(2, parts(2.0), {})
    assert raised.value.code == "disk.full"
    monkeypatch.undo()
    assert [path.name for path in store.folder.iterdir()] == ["step-000000001"]
    found = store.newest()
    assert found is not None
    assert found.step == 1


def test_a_disk_without_room_is_told_before_anything_is_written(
    store: Checkpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Usage:
        free = 10

    monkeypatch.setattr("shutil.disk_usage", lambda _path: Usage)
    with pytest.raises(UserError, match="free at least 1 MiB"):
        store.save(1, parts(1.0), {})
    assert list(store.folder.iterdir()) == []


def test_interval_is_what_the_environment_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERCET_CHECKPOINT_SECONDS", "0")
    assert Checkpoints(tmp_path, "job-1", print).due()
    monkeypatch.setenv("TERCET_CHECKPOINT_SECONDS", "1000")
    assert not Checkpoints(tmp_path, "job-1", print).due()


def test_interval_is_twenty_seconds_or_twenty_times_the_last_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TERCET_CHECKPOINT_SECONDS", raising=False)
    now = [1000.0]
    monkeypatch.setattr("core.engines.checkpoint.time.monotonic", lambda: now[0])
    store = Checkpoints(tmp_path, "job-1", print)
    now[0] += 19.0
    assert not store.due()
    now[0] += 1.0
    assert store.due()

    def slow(tensors: dict[str, torch.Tensor], path: Path) -> None:
        now[0] += 5.0
        save_file(tensors, path)

    monkeypatch.setattr("core.engines.checkpoint.save_file", slow)
    store.save(1, parts(1.0), {})
    now[0] += 199.0
    assert not store.due()
    now[0] += 1.0
    assert store.due()


@pytest.mark.parametrize("value", ["soon", "-1", "inf", "nan"])
def test_an_interval_that_is_no_number_of_seconds_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("TERCET_CHECKPOINT_SECONDS", value)
    with pytest.raises(UserError, match="TERCET_CHECKPOINT_SECONDS"):
        Checkpoints(tmp_path, "job-1", print)


def test_random_generators_draw_after_restoring_what_they_would_have_drawn(store: Checkpoints) -> None:
    def draws() -> list[float]:
        return [float(torch.rand(())), float(np.random.normal()), random.random(), random.gauss(0, 1)]

    seed_all(5)
    draws()
    store.save(1, {"random": random_state(CPU)}, {})
    expected = [draws(), draws()]
    found = store.newest()
    assert found is not None
    restore_random_state(found.tensors("random"), CPU)
    assert [draws(), draws()] == expected
