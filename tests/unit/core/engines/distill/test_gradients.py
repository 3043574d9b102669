"""What a batch's make-up must not change: the gradient of its rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny_models import LABELS, tiny_config, write_body

from core.domain import IntArray
from core.engines.device import Device
from core.engines.distill.hidden import HiddenStateObjective
from core.engines.distill.losses import soft_label_loss
from core.engines.models.starting import load_starting_model, load_tokenizer, text_encoder
from core.engines.models.tokenization import TokenRows

TEXTS = ["my card", "the interest rate today please help now my card", "money", "back now the help please"]
TARGETS = torch.tensor([0, 1, 2, 2])
TEACHER = torch.randn(4, 3, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def model_and_tokens(tmp_path: Path) -> tuple[Any, TokenRows]:
    folder = write_body(tmp_path, tiny_config(dropout=0.0))
    model, _ = load_starting_model(folder, LABELS)
    return model.train(), text_encoder(load_tokenizer(folder), 32).encode(TEXTS)


def gradient(model: Any, tokens: TokenRows, rows: IntArray, extra_padding: int = 0) -> torch.Tensor:
    """The gradient of the mean loss over some rows, as one vector."""
    ids, mask = tokens.padded(rows, pad_id=0)
    padding = ((0, 0), (0, extra_padding))
    model.zero_grad()
    logits = model(
        input_ids=torch.from_numpy(np.pad(ids, padding)), attention_mask=torch.from_numpy(np.pad(mask, padding))
    ).logits
    soft_label_loss(logits, TEACHER[rows], TARGETS[rows], 2.0, 0.9).backward()  # type: ignore[no-untyped-call]
    parts = [parameter.grad.flatten() for parameter in model.parameters() if parameter.grad is not None]
    return torch.cat(parts)


def test_padding_does_not_change_the_gradient(model_and_tokens: tuple[Any, TokenRows]) -> None:
    model, tokens = model_and_tokens
    rows = np.arange(4)
    plain, padded = gradient(model, tokens, rows), gradient(model, tokens, rows, extra_padding=20)
    assert float(plain.norm()) > 0.01
    assert float((plain - padded).abs().max()) < 1e-6


def test_gradient_of_a_batch_is_the_mean_over_its_rows(model_and_tokens: tuple[Any, TokenRows]) -> None:
    model, tokens = model_and_tokens
    together = gradient(model, tokens, np.arange(4))
    alone = torch.stack([gradient(model, tokens, np.array([row])) for row in range(4)]).mean(dim=0)
    assert float((together - alone).abs().max()) < 1e-6


def test_hidden_states_weigh_each_row_the_same_however_rows_are_put_into_batches(
    model_and_tokens: tuple[Any, TokenRows], tmp_path: Path
) -> None:
    """The rows have from two to nine tokens: a mean over tokens would depend on who shares a batch."""
    model, tokens = model_and_tokens
    teacher, _ = load_starting_model(write_body(tmp_path / "teacher", tiny_config(dropout=0.0), seed=9), LABELS)

    def of_logits(logits: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        return soft_label_loss(logits, TEACHER[rows], TARGETS[rows], 2.0, 0.9)

    objective = HiddenStateObjective(of_logits, 5.0, teacher, tokens, (0, 1, 2), model, Device(torch.device("cpu"), ""))

    def of_rows(rows: IntArray) -> torch.Tensor:
        ids, mask = (torch.from_numpy(array) for array in tokens.padded(rows, pad_id=0))
        model.zero_grad()
        torch.autograd.backward(objective.loss(model, ids, mask, rows))
        return torch.cat([parameter.grad.flatten() for parameter in model.parameters() if parameter.grad is not None])

    together = of_rows(np.arange(4))
    alone = torch.stack([of_rows(np.array([row])) for row in range(4)]).mean(dim=0)
    assert float((together - alone).norm() / together.norm()) < 1e-5
