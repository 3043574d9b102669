"""What adds up in double precision does so on the processor: Apple's GPU has none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from job_context import job_context
from label_sets_by_word import examples, parameters
from model_families import family_model
from tiny_models import write_body
from without_double import WithoutDouble

from core.data.examples import write_examples
from core.domain import Split
from core.engines import fine_tune
from core.engines.compress.narrow import largest_groups, largest_neurons
from core.engines.compress.prune_anatomy import anatomy_of
from core.engines.compress.prune_importance import importance
from core.engines.distill.influence import layer_influence

IDS = torch.tensor([[2, 5, 9, 7, 3]])


@pytest.fixture
def without_double() -> Iterator[None]:
    with WithoutDouble():
        yield


@pytest.mark.parametrize("asked", [(torch.float64,), ("torch.DoubleTensor",)], ids=["to", "type"])
def test_a_tensor_there_becomes_double_once_it_is_brought(without_double: None, asked: tuple[Any, ...]) -> None:
    assert IDS.cpu().double().dtype is torch.float64
    with pytest.raises(TypeError, match="float64"):
        IDS.double()
    with pytest.raises(TypeError, match="float64"):
        IDS.type(*asked)


def test_importance_of_parts_is_added_up(without_double: None) -> None:
    model = family_model("llama, tied")
    measured = importance(model, anatomy_of(model), [0.3], lambda one, shift: (one(IDS).logits - shift).pow(2).mean())
    assert measured.neurons.dtype is torch.float64
    assert (measured.channels > 0).all()


def test_the_largest_parts_are_found(without_double: None) -> None:
    model = family_model("mistral")
    assert len(largest_neurons(model, (0, 2), 3)) == 2
    assert len(largest_groups(model, (0, 1), 2)) == 2


def test_the_influence_of_layers_is_measured(without_double: None) -> None:
    found = layer_influence(family_model("llama, tied"), [(IDS, torch.ones_like(IDS))])
    assert (found > 0.0).all()


def test_a_threshold_of_labels_is_settled(without_double: None, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    write_examples(tmp_path / "data", [*examples(16, 1), *examples(8, 5, Split.CALIBRATION)])
    own = parameters(write_body(tmp_path / "body"), epochs=1)
    result = fine_tune.run(own, job_context(tmp_path / "job", own, {"data": tmp_path / "data"}))
    assert "threshold" in result.details
