"""Which layers do most, and that a student is made of them where the study asks for it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from job_context import job_context
from pydantic import ValidationError
from safetensors.torch import load_file, save_file
from tiny_language_models import write_language_model, write_language_model_job, write_text_dataset
from tiny_models import tiny_config, write_body, write_classifier
from transformers import AutoModelForCausalLM

from core.engines.distill import job as distill_job
from core.engines.distill.influence import MEASURED_ROWS, layer_influence, most_influential, spread_rows
from core.jobs.specs import DistillParameters
from core.spec import Task, TeacherLayers, Train

TASK = Task(kind="generation", metric="exact_match", prompt="Last: {text}")
IDLE = (1, 3)
BUSY = [0, 2, 4]


def idle_layers(folder: Path, pattern: tuple[str, ...]) -> Path:
    """The weights of a model folder with what some of its layers add taken away."""
    path = folder / "model.safetensors"
    weights = load_file(path)
    for name, tensor in weights.items():
        if any(f".{layer}." in name for layer in IDLE) and any(part in name for part in pattern):
            tensor.zero_()
    save_file(weights, path, metadata={"format": "pt"})
    return folder


@pytest.fixture(scope="module")
def language_teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("teacher")
    source = idle_layers(write_language_model(folder / "source", layers=5), ("o_proj", "down_proj"))
    return write_language_model_job(folder / "job", source)


def details_of(folder: Path) -> dict[str, Any]:
    details: dict[str, Any] = json.loads((folder / "model/training.json").read_text(encoding="utf-8"))["result"][
        "details"
    ]
    return details


def test_a_layer_that_adds_nothing_has_no_influence(language_teacher: Path) -> None:
    model: Any = AutoModelForCausalLM.from_pretrained(language_teacher / "model")
    ids = torch.arange(6, 18)[None]
    found = layer_influence(model, [(ids, torch.ones_like(ids))])
    assert found.shape == (5,)
    assert found[list(IDLE)] == pytest.approx(0.0, abs=1e-6)
    assert (found[BUSY] > 0.01).all()


def test_padding_and_batches_do_not_change_it(language_teacher: Path) -> None:
    model: Any = AutoModelForCausalLM.from_pretrained(language_teacher / "model")
    ids = torch.tensor([[7, 8, 9, 10], [11, 12, 0, 0]])
    mask = torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0]])
    apart = [(ids[:1], mask[:1]), (ids[1:, :2], mask[1:, :2])]
    assert layer_influence(model, [(ids, mask)]) == pytest.approx(layer_influence(model, apart), abs=1e-6)


def test_the_first_and_the_last_layer_stay_and_the_most_influential_between_them() -> None:
    influence = np.array([0.0, 0.1, 0.5, 0.5, 0.3, 0.0])
    chosen = [most_influential(influence, count) for count in range(1, 7)]
    assert chosen == [(0,), (0, 5), (0, 2, 5), (0, 2, 3, 5), (0, 2, 3, 4, 5), (0, 1, 2, 3, 4, 5)]


@pytest.mark.parametrize(("count", "rows"), [(1, 1), (64, 64), (65, 33), (1000, 63)])
def test_rows_to_measure_on_are_spread_over_all(count: int, rows: int) -> None:
    chosen = spread_rows(count)
    assert len(chosen) == rows <= MEASURED_ROWS
    assert chosen[0] == 0
    assert chosen[-1] >= count - 1 - count // rows


def test_a_language_student_is_made_of_the_layers_that_do_most(language_teacher: Path, tmp_path: Path) -> None:
    parameters = DistillParameters(
        layers=TeacherLayers(source="teacher", layers=3, chosen_by="influence"),
        task=TASK,
        train=Train(method="distill", epochs=1, learning_rate=1e-9, batch_size=8, hidden_weight=0.5),
    )
    context = job_context(
        tmp_path / "job", parameters, {"data": write_text_dataset(tmp_path / "data"), "teacher": language_teacher}
    )
    distill_job.run(parameters, context)
    own, theirs = (load_file(folder / "model/model.safetensors") for folder in (tmp_path / "job", language_teacher))
    for place, layer in enumerate(BUSY):
        name = "model.layers.{}.mlp.up_proj.weight"
        assert torch.allclose(own[name.format(place)], theirs[name.format(layer)], atol=1e-5)
    assert details_of(tmp_path / "job")["layers"] == "[0, 2, 4]"
    assert any("layers 0, 2, 4 (counted from 0)" in line for line in context.logs)
    assert any("after its layers 1, 3, 5" in line for line in context.logs)


def test_so_is_a_classifier(tmp_path: Path, dataset: Path) -> None:
    """Of four layers the third turns nothing: after the norm a state is its own again."""
    body = write_body(tmp_path / "body", tiny_config(4, dropout=0.0))
    teacher = write_classifier(tmp_path / "teacher", body)
    path = teacher / "model/model.safetensors"
    weights = load_file(path)
    for name, tensor in weights.items():
        if ".layer.2." in name and "output.dense" in name:
            tensor.zero_()
    save_file(weights, path, metadata={"format": "pt"})
    parameters = DistillParameters(
        layers=TeacherLayers(source="teacher", layers=3, chosen_by="influence"),
        train=Train(method="distill", epochs=1, batch_size=16, max_length=32),
    )
    distill_job.run(parameters, job_context(tmp_path / "job", parameters, {"data": dataset, "teacher": teacher}))
    assert details_of(tmp_path / "job")["layers"] == "[0, 1, 3]"


def test_layers_that_are_listed_cannot_be_chosen() -> None:
    with pytest.raises(ValidationError, match="chosen_by chooses a number of layers"):
        TeacherLayers(source="teacher", layers=[0, 1], chosen_by="influence")
