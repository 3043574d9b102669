"""A training that several devices share is the training on one of them."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from job_context import job_context
from tiny_language_models import write_language_model, write_text_dataset
from tiny_models import LABELS, tiny_config, write_body, write_dataset

from core.data.train_part import train_examples
from core.engines.checkpoint import Checkpoints
from core.engines.device import Device
from core.engines.distill.causal_model import true_vocabulary
from core.engines.distill.causal_objective import CausalObjective
from core.engines.distill.causal_rows import causal_rows
from core.engines.distill.label_losses import hard_objective
from core.engines.distill.loop import train
from core.engines.distill.replicas import other_gpus
from core.engines.distill.rows import read_training_rows
from core.engines.distill.training import Training, TrainingPlan
from core.engines.language.opening import open_language_model
from core.engines.models.starting import load_starting_model, load_tokenizer, text_encoder
from core.errors import UserError
from core.jobs.specs import FineTuneParameters
from core.spec import Task, Train

CPU = torch.device("cpu")
TASK = Task(kind="generation", metric="exact_match", prompt="Last word of: {text}")
# Seven rows in a batch leave the parts of two or three devices unequal.
PLAN = TrainingPlan(epochs=2, batch_size=7, learning_rate=1e-3, seed=1, accumulate=2)


def language_training(folder: Path) -> Training:
    opened = open_language_model(write_language_model(folder / "model"))
    rows = causal_rows(train_examples(write_text_dataset(folder / "data")), TASK, opened.tokenizer, 64)
    objective = CausalObjective(rows, true_vocabulary(opened.tokenizer, opened.model))
    return Training(opened.model, rows.tokens, 0, rows.names, objective, PLAN, Device(CPU, "CPU"))


def class_training(folder: Path) -> Training:
    body = write_body(folder / "body", tiny_config(dropout=0.0))
    torch.manual_seed(0)
    model, _ = load_starting_model(body, LABELS)
    rows = read_training_rows(write_dataset(folder / "data"))
    tokens = text_encoder(load_tokenizer(body), 32).encode(rows.inputs)
    objective = hard_objective(rows.label_indices(LABELS))
    return Training(model, tokens, 0, rows.names, objective, PLAN, Device(CPU, "CPU"))


def trained(training: Training, folder: Path) -> tuple[dict[str, torch.Tensor], float | None]:
    parameters = FineTuneParameters(model=None, train=Train(method="fine_tune"))
    context = job_context(folder, parameters, {})
    context.started("CPU")
    state = train(training, Checkpoints(folder, "job", context.logs.append), None, context)
    return training.model.state_dict(), state.last_loss


@pytest.mark.parametrize("made", [language_training, class_training], ids=["language model", "classifier"])
@pytest.mark.parametrize("others", [(CPU,), (CPU, CPU)], ids=["two", "three"])
def test_shared_batches_give_the_weights_of_one_device(
    tmp_path: Path, made: Any, others: tuple[torch.device, ...]
) -> None:
    alone, loss = trained(made(tmp_path / "one"), tmp_path / "job1")
    shared, shared_loss = trained(replace(made(tmp_path / "more"), other_devices=others), tmp_path / "job2")
    assert shared_loss == pytest.approx(loss, abs=1e-4)
    assert max(float((alone[name] - shared[name]).abs().max()) for name in alone) < 1e-4


def test_the_threads_of_several_devices_find_a_scaler_that_is_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made_in: list[threading.Thread] = []
    plain = torch.amp.GradScaler._lazy_init_scale_growth_tracker

    def noted(scaler: torch.amp.GradScaler, device: torch.device) -> None:
        made_in.append(threading.current_thread())
        plain(scaler, device)

    monkeypatch.setattr(torch.amp.GradScaler, "_lazy_init_scale_growth_tracker", noted)
    half = Device(CPU, "CPU", torch.float16)
    trained(replace(class_training(tmp_path), device=half, other_devices=(CPU,)), tmp_path / "job")
    assert made_in == [threading.main_thread()]


def test_a_loss_that_is_not_finite_is_told_whichever_device_has_it(tmp_path: Path) -> None:
    training = class_training(tmp_path)
    plain = training.objective

    def on_one_row(logits: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        assert callable(plain)
        return plain(logits, rows) * (torch.inf if 5 in rows.tolist() else 1.0)

    with pytest.raises(UserError, match="r5"):
        trained(replace(training, objective=on_one_row, plan=replace(PLAN, accumulate=1, batch_size=3),
                        other_devices=(CPU, CPU)), tmp_path / "job")  # fmt: skip


def test_a_named_device_works_alone() -> None:
    assert other_gpus(Device(CPU, "CPU")) == ()
    assert other_gpus(Device(torch.device("cuda", 1), "GPU")) == ()


@pytest.mark.gpu
@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two CUDA devices")
@pytest.mark.parametrize("made", [language_training, class_training], ids=["language model", "classifier"])
def test_all_gpus_share_a_training_whose_device_has_no_number(tmp_path: Path, made: Any) -> None:
    device = Device(torch.device("cuda"), "GPU")
    training = made(tmp_path)
    training.model.to("cuda")
    alone, _ = trained(replace(training, device=device), tmp_path / "job1")
    again = made(tmp_path / "again")
    again.model.to("cuda")
    shared, _ = trained(replace(again, device=device, other_devices=other_gpus(device)), tmp_path / "job2")
    assert max(float((alone[name] - shared[name]).abs().max()) for name in alone) < 1e-3
