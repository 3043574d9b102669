"""Every way to a student on every kind of device: the CPU always, a GPU where there is one (`pytest -m gpu`)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import torch
from job_context import job_context
from label_sets_by_word import TASK as SETS
from label_sets_by_word import write_study
from safetensors.torch import load_file
from streams import learning_on, new_rows, write_service, write_stream
from sweep_tasks import sweeping, write_trained_teacher
from tiny_language_models import character_tokenizer, write_language_model, write_language_model_job, write_text_dataset
from tiny_models import tiny_config, write_body, write_classifier

from core.engines.compress import job as compress_job
from core.engines.device import choose_device
from core.engines.device_memory import free_memory_mib
from core.engines.distill import job as distill_job
from core.engines.language.torch_generator import TorchGenerator
from core.engines.models import open_classifier
from core.engines.sweep import job as sweep_job
from core.jobs.results import TrainResult
from core.jobs.specs import CompressParameters, DistillParameters
from core.spec import LocalModel, Lora, Prune, Quantize, Task, TeacherLayers, Train

NO_CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
WRITING = Task(kind="generation", metric="exact_match", prompt="Last: {text}", max_output_tokens=4)


def distilled(folder: Path, parameters: DistillParameters, inputs: dict[str, Path]) -> TrainResult:
    """The result of a job, whose weights and losses are numbers."""
    context = job_context(folder, parameters, inputs)
    result = distill_job.run(parameters, context)
    assert context.starts[0][0] == choose_device().description
    assert np.isfinite([value for _, _, value in context.metrics]).all()
    assert all(torch.isfinite(tensor).all() for tensor in load_file(folder / "model/model.safetensors").values())
    return result


def training(**settings: Any) -> Train:
    return Train.model_validate({"method": "distill", "epochs": 2, "batch_size": 8, "max_length": 32, **settings})


def test_hidden_states_teach_a_classifier(place: str, dataset: Path, tmp_path: Path) -> None:
    teacher = write_classifier(tmp_path / "teacher", write_body(tmp_path / "body", tiny_config(dropout=0.0)))
    parameters = DistillParameters(
        layers=TeacherLayers(source="teacher", layers=2), train=training(hidden_weight=1.0, learning_rate=1e-2)
    )
    result = distilled(tmp_path / "student", parameters, {"data": dataset, "teacher": teacher})
    assert result.final_loss is not None


def test_hidden_states_teach_a_language_model(place: str, tmp_path: Path) -> None:
    teacher = write_language_model_job(tmp_path / "teacher", write_language_model(tmp_path / "source"))
    layers, settings = TeacherLayers(source="teacher", layers=1), training(hidden_weight=1.0)
    inputs = {"data": write_text_dataset(tmp_path / "data", rows=16), "teacher": teacher}
    student = DistillParameters(layers=layers, task=WRITING, train=settings)
    assert distilled(tmp_path / "student", student, inputs).technique == "logit"


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::UserWarning")
@pytest.mark.parametrize("lora", [None, Lora(rank=2)], ids=["whole", "adapter"])
def test_a_student_learns_on_what_it_writes_itself(place: str, tmp_path: Path, lora: Lora | None) -> None:
    pytest.importorskip("trl", reason="needs the extra on-policy")
    teacher = write_language_model_job(tmp_path / "teacher", write_language_model(tmp_path / "source"))
    parameters = DistillParameters(
        layers=TeacherLayers(source="teacher", layers=1),
        task=WRITING,
        train=training(technique="on_policy", epochs=1, lora=lora),
    )
    inputs = {"data": write_text_dataset(tmp_path / "data", rows=8), "teacher": teacher}
    assert distilled(tmp_path / "student", parameters, inputs).technique == "on_policy"


def test_a_teacher_of_another_tokenizer_is_heard(place: str, tmp_path: Path) -> None:
    teacher = write_language_model_job(tmp_path / "teacher", write_language_model(tmp_path / "source"))
    other = write_language_model(tmp_path / "other", layers=1, seed=3)
    tokenizer: Any = character_tokenizer()
    words = tokenizer.backend_tokenizer.to_str().replace('"a":', '"\\u0000a":').replace('"b":', '"a":')
    (other / "tokenizer.json").write_text(words.replace('"\\u0000a":', '"b":'), encoding="utf-8")
    parameters = DistillParameters(model=LocalModel(source="local", path=str(other)), task=WRITING, train=training())
    inputs = {"data": write_text_dataset(tmp_path / "data", rows=16), "teacher": teacher}
    assert distilled(tmp_path / "student", parameters, inputs).technique == "cross_tokenizer"


def test_a_rung_of_pruning_is_recovered_from(place: str, dataset: Path, tmp_path: Path) -> None:
    config = tiny_config(2)
    config.num_attention_heads, config.hidden_size, config.intermediate_size = 8, 32, 64
    parent = write_classifier(tmp_path / "parent", write_body(tmp_path / "body", config))
    parameters = CompressParameters(steps=(Prune(prune=0.4, rungs=1, epochs=1, learning_rate=5e-3),))
    context = job_context(tmp_path / "pruned", parameters, {"model": parent, "data": dataset})
    result = compress_job.run(parameters, context)
    assert context.starts[0][0] == choose_device().description
    assert result.rungs[-1].removed_share == pytest.approx(0.4, abs=0.05)


def test_a_language_model_is_pruned(place: str, tmp_path: Path) -> None:
    parent = write_language_model_job(tmp_path / "parent", write_language_model(tmp_path / "source"))
    steps = (Prune(prune=0.3, rungs=1, epochs=1, learning_rate=5e-3),)
    parameters = CompressParameters(steps=steps, task=WRITING)
    context = job_context(
        tmp_path / "pruned", parameters, {"model": parent, "data": write_text_dataset(tmp_path / "data", rows=16)}
    )
    result = compress_job.run(parameters, context)
    assert context.starts[0][0] == choose_device().description
    assert result.rungs[-1].removed_share == pytest.approx(0.3, abs=0.05)


@pytest.mark.gpu
@NO_CUDA
def test_an_export_in_8_bits_is_made_beside_a_gpu_and_answers_on_the_cpu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In bf16 a parent of a few thousand weights chooses other tokens than its export, and it would be refused."""
    monkeypatch.setenv("TERCET_DEVICE", "cuda")
    parent = write_language_model_job(tmp_path / "parent", write_language_model(tmp_path / "source"))
    parameters = CompressParameters(steps=(Quantize(quantize="int8_dynamic"),), task=WRITING)
    inputs = {"model": parent, "data": write_text_dataset(tmp_path / "data", rows=16)}
    result = compress_job.run(parameters, job_context(tmp_path / "int8", parameters, inputs))
    assert result.label_agreement > 0.8
    assert TorchGenerator(tmp_path / "int8/model").device == choose_device("cpu").description


def test_rows_with_several_labels_are_learnt_and_taught(place: str, tmp_path: Path) -> None:
    study = write_study(tmp_path / "study", layers=2)
    student = DistillParameters(
        layers=TeacherLayers(source="teacher", layers=1),
        task=SETS,
        train=training(epochs=40, batch_size=16, learning_rate=2e-3),
    )
    distilled(tmp_path / "student", student, {"data": study / "data", "teacher": study / "job"})
    # The words of all labels, and of none.
    for folder in (study / "job", tmp_path / "student"):
        all_of_them, none = open_classifier(folder / "model").probabilities(["lost rate money now", "please"])
        assert (all_of_them > 0.5).all()
        assert (none < 0.5).all()


def test_a_search_trains_its_students(place: str, tmp_path: Path) -> None:
    inputs = write_trained_teacher(tmp_path / "inputs")
    parameters = sweeping(trials=1, layers=[1], feed_forward=[None], epochs=1, retain=0.1)
    context = job_context(tmp_path / "sweep", parameters, inputs)
    result = sweep_job.run(parameters, context)
    assert context.starts[0][0] == choose_device().description
    assert [one.state for one in result.trials] == ["complete"]


def test_a_student_goes_on_learning_from_a_stream(place: str, tmp_path: Path) -> None:
    inputs = write_service(tmp_path / "service")
    stream = write_stream(tmp_path / "s.csv", new_rows(12))
    parameters = learning_on(stream, {"epochs": 1, "learning_rate": 1e-3}, margin=0.5)
    result = distilled(tmp_path / "job", parameters, inputs)
    assert result.rounds


def test_free_memory_is_that_of_the_device(place: str) -> None:
    free = free_memory_mib(choose_device())
    whole = psutil.virtual_memory().total if place != "cuda" else torch.cuda.get_device_properties(0).total_memory
    assert 0.0 < free < whole / 2**20
