"""Whether a training fits into memory is told before it starts, with the nearest setting that does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from core.engines.device import Device
from core.engines.distill import fit_check
from core.engines.distill.fit_check import (
    MemoryNeed,
    check_fit,
    check_labeller_fit,
    check_language_fit,
    check_teacher_fit,
    memory_need,
    splits_that_fit,
)
from core.engines.distill.training import Training, TrainingPlan
from core.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable

CPU = Device(torch.device("cpu"), "CPU")


class Stack(torch.nn.Module):
    """Square layers: autograd saves one input of `width` floats a token for each of them."""

    def __init__(self, layers: int, width: int = 64) -> None:
        super().__init__()
        self.embedding = torch.nn.Embedding(10, width)
        self.layers = torch.nn.Sequential(*[torch.nn.Linear(width, width) for _ in range(layers)])

    def forward(self, input_ids: Any, attention_mask: Any) -> Any:
        return self.layers(self.embedding(input_ids))


class Log:
    """A context that keeps what is logged."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def log(self, text: str, level: str = "info") -> None:
        self.lines.append(text)


def training(batch_size: int = 32, tokens: int = 128, rows: int = 40, gpus: int = 1) -> Training:
    lengths: Any = SimpleNamespace(lengths=np.resize([4, tokens, 9], rows))
    names = tuple(f"r{row}" for row in range(rows))
    others = (torch.device("cpu"),) * (gpus - 1)
    plan = TrainingPlan(1, batch_size, 1e-3, 1)
    return Training(Stack(8), lengths, 0, names, lambda logits, _rows: logits.mean(), plan, CPU, other_devices=others)


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    monkeypatch.delenv(fit_check.IGNORE_VARIABLE, raising=False)
    return lambda mib: monkeypatch.setattr(fit_check, "free_memory_mib", lambda _device: mib)


def test_need_of_a_row_is_what_autograd_saves_for_it() -> None:
    need = memory_need(Stack(8), 100, CPU)
    # Each of eight layers keeps its input, 64 floats of 4 bytes a token; the token ids come on top.
    per_row = (8 * 64 * 4 + 8) * 100 / 2**20
    assert need.row_mib == pytest.approx(fit_check.ACTIVATION_FACTOR * per_row, rel=0.05)
    weights = (10 * 64 + 8 * (64 * 64 + 64)) * 4 / 2**20
    assert need.fixed_mib == pytest.approx(3 * weights + fit_check.WORKSPACE_MIB)


def test_longer_rows_and_deeper_models_need_more() -> None:
    short, long = (memory_need(Stack(8), tokens, CPU).row_mib for tokens in (50, 100))
    assert long == pytest.approx(2 * short, rel=0.02)
    assert memory_need(Stack(16), 50, CPU).row_mib > 1.8 * short


def test_training_that_fits_starts_and_says_what_it_takes(free: Callable[[float], None]) -> None:
    free(10_000.0)
    log = Log()
    check_fit(training(), log)  # type: ignore[arg-type]  # it logs only
    assert "10,000 MiB are free" in log.lines[0]


def test_too_large_names_the_largest_batch_that_fits(free: Callable[[float], None]) -> None:
    need = memory_need(Stack(8), 128, CPU)
    free(need.of_batch(7) + need.row_mib / 2)
    with pytest.raises(UserError) as refused:
        check_fit(training(), Log())  # type: ignore[arg-type]
    assert refused.value.code == "train.too_large"
    assert refused.value.values["batch_size"] == 7
    check_fit(training(batch_size=7), Log())  # type: ignore[arg-type]


def test_a_batch_has_no_more_rows_than_there_are(free: Callable[[float], None]) -> None:
    assert training(batch_size=4000, rows=5).rows_at_once == 5
    assert training(batch_size=4000, rows=5, gpus=2).rows_at_once == 3
    free(memory_need(Stack(8), 128, CPU).of_batch(5))
    check_fit(training(batch_size=4000, rows=5), Log())  # type: ignore[arg-type]
    with pytest.raises(UserError):
        check_fit(training(batch_size=4000, rows=6), Log())  # type: ignore[arg-type]


def test_a_batch_that_no_setting_names_is_cut_until_it_fits(
    free: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    need, log = memory_need(Stack(8), 128, CPU), Log()
    free(need.of_batch(32))
    assert splits_that_fit(training(), log) == 1  # type: ignore[arg-type]
    free(need.of_batch(15))
    assert splits_that_fit(training(), log) == 4  # type: ignore[arg-type]
    assert "4 parts of at most 8 rows" in log.lines[-1]
    free(10.0)
    with pytest.raises(UserError, match="epochs: 0") as refused:
        splits_that_fit(training(), log)  # type: ignore[arg-type]
    assert refused.value.code == "prune.too_large"
    monkeypatch.setenv(fit_check.IGNORE_VARIABLE, "1")
    assert splits_that_fit(training(), log) == 1  # type: ignore[arg-type]


def test_a_teacher_that_does_not_fit_is_refused_unless_it_is_to_start_all_the_same(
    free: Callable[[float], None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    save_file({"weight": torch.zeros(2**20)}, tmp_path / "model.safetensors")
    free(5.0)
    check_teacher_fit(tmp_path, CPU, Log())  # type: ignore[arg-type]
    free(3.0)
    with pytest.raises(UserError, match="take about 4 MiB and 3 MiB are free"):
        check_labeller_fit(tmp_path, "torch", Log())  # type: ignore[arg-type]
    monkeypatch.setenv(fit_check.IGNORE_VARIABLE, "1")
    check_labeller_fit(tmp_path, "torch", Log())  # type: ignore[arg-type]


def test_a_teacher_takes_fp32_and_a_language_model_what_it_is_opened_in(
    free: Callable[[float], None], tmp_path: Path
) -> None:
    save_file({"weight": torch.zeros(2**20, dtype=torch.float16)}, tmp_path / "model.safetensors")
    free(3.0)
    lower = Device(torch.device("cpu"), "CPU", torch.bfloat16)
    check_language_fit(tmp_path, lower, Log())  # type: ignore[arg-type]
    with pytest.raises(UserError, match="take about 4 MiB and 3 MiB are free"):
        check_teacher_fit(tmp_path, lower, Log())  # type: ignore[arg-type]
    with pytest.raises(UserError, match="take about 4 MiB and 3 MiB are free"):
        check_language_fit(tmp_path, CPU, Log())  # type: ignore[arg-type]


def test_gpus_hold_a_language_model_together_and_another_teacher_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    save_file({"weight": torch.zeros(2**20)}, tmp_path / "model.safetensors")
    gpus = {torch.device("cuda"): 3.0, torch.device("cuda", 0): 3.0, torch.device("cuda", 1): 1.5}
    monkeypatch.delenv(fit_check.IGNORE_VARIABLE, raising=False)
    monkeypatch.setattr(fit_check, "free_memory_mib", lambda device: gpus[device.torch_device])
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    gpu = Device(torch.device("cuda"), "GPU")
    log = Log()
    check_language_fit(tmp_path, gpu, log)  # type: ignore[arg-type]
    assert "4 MiB" in log.lines[0]
    refusing: list[tuple[Callable[..., None], Device]] = [
        (check_language_fit, Device(torch.device("cuda", 0), "GPU")),
        (check_teacher_fit, gpu),
    ]
    for check, device in refusing:
        with pytest.raises(UserError, match="take about 4 MiB and 3 MiB are free"):
            check(tmp_path, device, Log())
    gpus[torch.device("cuda", 1)] = 0.9
    with pytest.raises(UserError, match="take about 4 MiB and 4 MiB are free"):
        check_language_fit(tmp_path, gpu, Log())  # type: ignore[arg-type]


def test_a_training_on_several_gpus_fits_the_fullest(monkeypatch: pytest.MonkeyPatch) -> None:
    need = memory_need(Stack(8), 128, CPU)
    free = {torch.device("cpu"): need.of_batch(32), torch.device("cuda", 1): need.of_batch(9) + need.row_mib / 2}
    monkeypatch.delenv(fit_check.IGNORE_VARIABLE, raising=False)
    monkeypatch.setattr(fit_check, "free_memory_mib", lambda device: free[device.torch_device])
    check_fit(training(batch_size=32), Log())  # type: ignore[arg-type]
    shared = replace(training(batch_size=32), other_devices=(torch.device("cuda", 1),))
    with pytest.raises(UserError) as refused:
        check_fit(shared, Log())  # type: ignore[arg-type]
    assert refused.value.values["batch_size"] == 2 * 9


def test_a_labeller_under_torch_is_told_of_llama_cpp_where_that_fits(
    free: Callable[[float], None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "model.gguf"
    file.write_bytes(bytes(2**20))
    monkeypatch.setattr(fit_check, "device_of_model", lambda _source: CPU)
    monkeypatch.setattr(fit_check, "loaded_bytes", lambda _source, each: each * 2**20)
    monkeypatch.setattr(fit_check, "is_gguf_file", lambda _source: True)
    free(2.0)
    check_labeller_fit(file, "llama.cpp", Log())  # type: ignore[arg-type]
    with pytest.raises(UserError, match=r"runtime: llama\.cpp") as refused:
        check_labeller_fit(file, "torch", Log())  # type: ignore[arg-type]
    assert refused.value.values == {"predicted": "4", "free": "2", "stored": "1"}


def test_shorter_rows_are_named_where_no_batch_fits(free: Callable[[float], None]) -> None:
    free(memory_need(Stack(8), 40, CPU).of_batch(1))
    with pytest.raises(UserError) as refused:
        check_fit(training(), Log())  # type: ignore[arg-type]
    assert refused.value.code == "train.too_large_rows"
    assert refused.value.values["max_length"] == 32


def test_memory_that_no_setting_fits_is_told(free: Callable[[float], None]) -> None:
    free(10.0)
    with pytest.raises(UserError) as refused:
        check_fit(training(), Log())  # type: ignore[arg-type]
    assert refused.value.code == "train.too_large_for_good"


def test_override_is_obeyed(free: Callable[[float], None], monkeypatch: pytest.MonkeyPatch) -> None:
    free(10.0)
    monkeypatch.setenv(fit_check.IGNORE_VARIABLE, "1")
    log = Log()
    check_fit(training(), log)  # type: ignore[arg-type]
    assert "as you asked" in log.lines[-1]


def test_largest_batch_is_never_negative() -> None:
    assert MemoryNeed(100.0, 5.0).largest_batch(50.0) == 0
    assert MemoryNeed(100.0, 5.0).largest_batch(112.0) == 2
