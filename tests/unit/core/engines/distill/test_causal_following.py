"""A language model's student follows the hidden states of its teacher, which runs beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from job_context import RecordingContext, job_context
from safetensors.torch import load_file
from tiny_language_models import (
    character_tokenizer,
    llama_config,
    write_language_model,
    write_language_model_job,
    write_text_dataset,
)
from transformers import AutoModelForCausalLM

from core.data.train_part import train_examples
from core.domain import FloatArray, IntArray
from core.engines.checkpoint import Checkpoints
from core.engines.device import Device
from core.engines.distill import job as distill_job
from core.engines.distill.causal_model import layer_states
from core.engines.distill.causal_objective import CausalObjective, Following
from core.engines.distill.causal_rows import causal_rows
from core.engines.distill.fit_check import training_need
from core.engines.distill.hidden import StateDistance, followed_layers
from core.engines.distill.training import Training, TrainingPlan
from core.engines.distill.training_job import Attempt, Material, TrainingTokens, check_before_teacher
from core.engines.language.opening import open_language_model
from core.engines.models.starting import load_tokenizer
from core.errors import UserError
from core.jobs.results import TrainResult
from core.jobs.specs import DistillParameters
from core.spec import LocalModel, Lora, Task, TeacherLayers, Train

TASK = Task(kind="generation", metric="exact_match", prompt="Last: {text}")
LAYERS = TeacherLayers(source="teacher", layers=2)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_text_dataset(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("teacher")
    return write_language_model_job(folder / "job", write_language_model(folder / "source", layers=4))


def following(**changes: Any) -> DistillParameters:
    settings = {"method": "distill", "epochs": 2, "batch_size": 8, "hidden_weight": 1.0, **changes}
    return DistillParameters(layers=LAYERS, task=TASK, train=Train.model_validate(settings))


def distil(
    folder: Path, parameters: DistillParameters, inputs: dict[str, Path]
) -> tuple[TrainResult, RecordingContext]:
    context = job_context(folder, parameters, inputs)
    return distill_job.run(parameters, context), context


def distance_from_teacher(student: Path, teacher: Path, layers: tuple[int, ...], data: Path) -> float:
    """Between hidden states of unit size on the train rows, computed plainly, a row at a time."""
    models = [open_language_model(folder / "model").model for folder in (student, teacher)]
    rows = causal_rows(train_examples(data, None), TASK, load_tokenizer(teacher / "model"), 128)
    found = []
    for row in range(len(rows.names)):
        ids = torch.from_numpy(rows.tokens.padded(np.array([row]), 0)[0])
        with torch.no_grad():
            own, theirs = (model(input_ids=ids, output_hidden_states=True).hidden_states for model in models)
        for place, layer in enumerate(layers):
            pair = [
                state / state.square().mean(-1, keepdim=True).sqrt() for state in (own[place + 1], theirs[layer + 1])
            ]
            found.append(float((pair[0] - pair[1]).square().mean()))
    return float(np.mean(found))


def test_following_brings_hidden_states_nearer_than_answers_alone_do(tmp_path: Path, teacher: Path, data: Path) -> None:
    inputs = {"data": data, "teacher": teacher}
    distances = {}
    for weight in (0.0, 4.0):
        folder = tmp_path / str(weight)
        _, context = distil(folder, following(hidden_weight=weight, epochs=6, learning_rate=3e-3), inputs)
        distances[weight] = distance_from_teacher(folder, teacher, (0, 3), data)
    assert distances[4.0] < 0.8 * distances[0.0]
    assert any("after its layers 1, 4" in text for text in context.logs)


def test_a_student_with_all_layers_has_no_distance_at_first(tmp_path: Path, teacher: Path, data: Path) -> None:
    losses = {}
    for weight in (0.0, 3.0):
        parameters = following(hidden_weight=weight, learning_rate=1e-9)
        whole = parameters.model_copy(update={"layers": TeacherLayers(source="teacher", layers=4)})
        result, _ = distil(tmp_path / str(weight), whole, {"data": data, "teacher": teacher})
        losses[weight] = result.final_loss
    assert losses[3.0] == pytest.approx(losses[0.0], abs=1e-5)


def test_a_student_of_another_width_learns_a_projection_that_stays_behind(
    tmp_path: Path, teacher: Path, data: Path
) -> None:
    torch.manual_seed(1)
    config = llama_config(layers=1)
    config.hidden_size = config.head_dim = 16
    model: Any = AutoModelForCausalLM.from_config(config)  # type: ignore[no-untyped-call]  # untyped there
    model.save_pretrained(tmp_path / "narrow")
    character_tokenizer().save_pretrained(tmp_path / "narrow")
    own = LocalModel(source="local", path=str(tmp_path / "narrow"))
    parameters = following(lora=Lora(rank=2)).model_copy(update={"layers": None, "model": own})
    result, context = distil(tmp_path / "job", parameters, {"data": data, "teacher": teacher})
    assert np.isfinite([value for _, _, value in context.metrics]).all()
    assert result.technique == "logit"
    assert {name for name in load_file(tmp_path / "job/model/model.safetensors") if "projection" in name} == set()


def test_hidden_states_are_followed_on_targets_alone(tmp_path: Path, teacher: Path, data: Path) -> None:
    result, context = distil(tmp_path, following(alpha=0.0), {"data": data, "teacher": teacher})
    assert result.technique == "targets"
    assert any("runs beside the student" in text for text in context.logs)


def test_another_tokenizer_has_no_states_to_follow(tmp_path: Path, teacher: Path, data: Path) -> None:
    other = write_language_model(tmp_path / "other", layers=1)
    tokenizer: Any = character_tokenizer()
    swapped = tokenizer.backend_tokenizer.to_str().replace('"a":', '"\\u0000a":').replace('"b":', '"a":')
    (other / "tokenizer.json").write_text(swapped.replace('"\\u0000a":', '"b":'), encoding="utf-8")
    own = LocalModel(source="local", path=str(other))
    parameters = following().model_copy(update={"layers": None, "model": own})
    with pytest.raises(UserError) as refused:
        distil(tmp_path / "job", parameters, {"data": data, "teacher": teacher})
    assert refused.value.code == "train.hidden_tokens"


def test_the_gradient_does_not_depend_on_how_rows_are_put_into_batches(
    tmp_path: Path, teacher: Path, data: Path
) -> None:
    """The rows have prompts and completions of different lengths, and weights of their own."""
    student = open_language_model(write_language_model(tmp_path / "student", layers=2, seed=4)).model.train()
    theirs = open_language_model(teacher / "model").model
    rows = causal_rows(train_examples(data, None)[:6], TASK, load_tokenizer(teacher / "model"), 128)

    def states(ids: torch.Tensor, mask: torch.Tensor, _rows: IntArray) -> Any:
        with torch.no_grad():
            return layer_states(theirs, ids, mask)

    distance = StateDistance(states, followed_layers(None, 2, 4), 4, (32, 32), unit_size=True)
    weights: FloatArray = np.array([0.5, 1.5, 1.0, 2.0, 0.25, 0.75])
    plain = CausalObjective(rows, llama_config().vocab_size, weights=weights)
    whole = CausalObjective(rows, llama_config().vocab_size, weights=weights, following=Following(distance, 2.0))

    def gradient(objective: CausalObjective, batches: list[IntArray]) -> torch.Tensor:
        student.zero_grad()
        for batch in batches:
            ids, mask = (torch.from_numpy(array) for array in rows.tokens.padded(batch, 0))
            share = objective.units(batch) / objective.units(np.arange(6))
            torch.autograd.backward(objective.loss(student, ids, mask, batch) * share)
        return torch.cat([part.grad.flatten() for part in student.parameters() if part.grad is not None])

    together = gradient(whole, [np.arange(6)])
    alone = gradient(whole, [np.array([row]) for row in range(6)])
    assert float((together - alone).norm() / together.norm()) < 1e-5
    assert float((together - gradient(plain, [np.arange(6)])).norm()) > 0.1 * float(together.norm())


class Placed(torch.nn.ModuleList):
    """Projections that remember where they were put."""

    place: Any = None

    def to(self, *args: Any, **options: Any) -> Any:
        self.place = args[0]
        return super().to(*args, **options)


def test_the_fit_is_checked_with_the_projection_and_the_states_of_the_teacher_counted(
    tmp_path: Path, teacher: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a GPU the check would else multiply states there by weights that lie elsewhere."""
    opened = open_language_model(write_language_model(tmp_path / "student", layers=2, seed=4))
    rows = causal_rows(train_examples(data, None)[:6], TASK, opened.tokenizer, 128)
    needs, rows_need = {}, {}
    for width in (32, 2048):
        distance = StateDistance(lambda *_: (), (0, 3), 4, (32, width), unit_size=True)
        projection = Placed(torch.nn.Linear(32, width) for _ in range(2))
        distance.projection = projection
        objective = CausalObjective(rows, llama_config().vocab_size, following=Following(distance, 1.0))
        place, plan = Device(torch.device("cpu"), "CPU"), TrainingPlan(1, 4, 1e-3, 1)
        tokens = TrainingTokens(rows.tokens, rows.names, 0, 128)
        context = job_context(tmp_path / str(width), following(), {"data": data, "teacher": teacher})
        attempt = Attempt(place, Checkpoints(tmp_path, "job", print), None)
        material = Material(opened.model, opened.tokenizer, (), "", False, prepared=True)
        check_before_teacher(material, tokens, following().train, objective, attempt, context)
        assert projection.place == place.torch_device
        training = Training(opened.model, rows.tokens, 0, rows.names, objective, plan, place)
        need = training_need(training, 16)
        # Five states of a teacher with four layers.
        assert objective.row_mib(16) == 5 * 16 * 4 * width / 2**20
        needs[width], rows_need[width] = need.fixed_mib, need.row_mib
    assert needs[2048] - needs[32] == pytest.approx(3 * 4 * 2 * 33 * (2048 - 32) / 2**20)
    monkeypatch.setattr(CausalObjective, "row_mib", lambda _self, _tokens: 0.0)
    assert rows_need[2048] - training_need(training, 16).row_mib == pytest.approx(5 * 16 * 4 * 2048 / 2**20)
