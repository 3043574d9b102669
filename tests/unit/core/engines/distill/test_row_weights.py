"""Train rows that count more than others in a loss."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import torch
from floor import rows as sample_rows
from job_context import RecordingContext, job_context

from core.data.examples import write_examples
from core.domain import FloatArray
from core.engines.distill.label_losses import hard_objective, sigmoid_objective, soft_objective
from core.engines.distill.objective import LogitObjective
from core.engines.distill.row_weights import position_weights, row_weights, weighted_spans
from core.events import Finished, to_line
from core.jobs.folder import EVENTS_FILE
from core.jobs.results import PrepareResult
from core.jobs.specs import FineTuneParameters
from core.spec import Train

WEIGHTED = Train(method="fine_tune", weighted=True)
LABELS = [0, 1, 2, 1]
OWN = np.array([2.0, 0.5, 0.5, 1.0])


def logits() -> torch.Tensor:
    return torch.randn(4, 3, generator=torch.Generator().manual_seed(5))


def prepared(folder: Path, weights: list[float]) -> RecordingContext:
    examples = sample_rows(len(weights), 0.0)
    write_examples(folder, examples)
    result = PrepareResult(
        rows_train=len(weights), rows_calibration=0, rows_test=0, dropped=(), labels=(), groups=1, duplicate_rows=0,
        input_length_p50=1, input_length_p95=1, input_length_max=1, label_entropy_bits=None, seconds=0.1,
        weights=tuple(weights),
    )  # fmt: skip
    event = Finished(job_id="data", sequence=1, at=datetime.now(UTC), result=result.model_dump(mode="json"))
    (folder / EVENTS_FILE).write_text(to_line(event) + "\n", encoding="utf-8")
    parameters = FineTuneParameters(model=None, train=WEIGHTED)
    return job_context(folder / "job", parameters, {"data": folder})


def test_weights_are_the_rows_own_with_their_mean_at_one(tmp_path: Path) -> None:
    context = prepared(tmp_path, [1.0, 3.0, 1.0, 5.0])
    names = [row.example_id for row in sample_rows(4, 0.0)]
    found = row_weights(WEIGHTED, [names[1], names[3]], context)
    assert found is not None
    assert found.tolist() == pytest.approx([0.75, 1.25])
    assert row_weights(Train(method="fine_tune"), names, context) is None


def test_equal_weights_are_none(tmp_path: Path) -> None:
    context = prepared(tmp_path, [3.0, 3.0, 3.0])
    assert row_weights(WEIGHTED, [row.example_id for row in sample_rows(3, 0.0)], context) is None


@pytest.mark.parametrize("kind", ["hard", "soft", "several"])
def test_a_weighted_loss_is_the_mean_of_each_rows_own_loss_times_its_weight(kind: str) -> None:
    given, teacher = logits(), logits().roll(1, dims=0).log_softmax(dim=-1).numpy()
    wanted = np.eye(3, dtype=np.float32)[LABELS]
    objectives: dict[str, Callable[[FloatArray | None], LogitObjective]] = {
        "hard": lambda weights: hard_objective(LABELS, weights),
        "soft": lambda weights: soft_objective(Train(method="distill"), LABELS, teacher, weights),
        "several": lambda weights: sigmoid_objective(wanted, weights),
    }
    made = objectives[kind]
    alone = [float(made(None)(given[row : row + 1], torch.tensor([row]))) for row in range(4)]
    whole = float(made(OWN)(given, torch.arange(4)))
    assert whole == pytest.approx(float(np.mean(OWN * alone)), rel=1e-5)


def test_tokens_count_as_their_rows_do_whatever_the_chunks_are() -> None:
    weights = position_weights(OWN, np.array([3, 0, 1]), np.array([2, 3, 1, 4]))
    assert weights.tolist() == [1.0] * 4 + [2.0] * 2 + [0.5] * 3
    losses = torch.arange(9, dtype=torch.float32)
    wanted = float((losses * torch.from_numpy(weights)).sum())
    for size in (2, 4, 9, 20):
        chunks = range(0, 9, size)
        parts = [weighted_spans(weights, at, at + size, lambda a, b: losses[a:b].sum()) for at in chunks]
        assert float(torch.stack(parts).sum()) == pytest.approx(wanted)
