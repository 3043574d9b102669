"""The same work on every kind of device: the CPU always, a GPU where there is one (`pytest -m gpu`).

On a GPU matrix products run in lower precision, so that learning is asked for rather than bits.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from job_context import RecordingContext, job_context
from safetensors.torch import load_file
from tiny_language_models import write_language_model, write_language_model_job, write_text_dataset

from core.engines import fine_tune
from core.engines.benchmark import memory
from core.engines.device import Device, choose_device
from core.engines.distill import job as distill_job
from core.engines.language import opening
from core.engines.language.opening import open_language_model
from core.engines.language.torch_generator import TorchGenerator
from core.engines.models.opening import open_classifier
from core.jobs.specs import DistillParameters, FineTuneParameters
from core.spec import LocalModel, Lora, Task, TeacherLayers, Train
from core.worker.context import Stopped

WRITING = Task(kind="generation", metric="exact_match", prompt="Last: {text}")
TEXTS = ["my lost card", "the interest rate", "money back please"]
NO_CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
TWO_GPUS = pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two CUDA devices")


@pytest.fixture(scope="module")
def language_teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("teacher")
    return write_language_model_job(folder / "job", write_language_model(folder / "source"))


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_text_dataset(tmp_path_factory.mktemp("texts"))


def train(**settings: Any) -> Train:
    return Train.model_validate({"epochs": 15, "batch_size": 8, "max_length": 32, "learning_rate": 1e-2, **settings})


def test_a_classifier_learns_its_targets_and_its_student_learns_from_it(
    place: str, body: Path, dataset: Path, tmp_path: Path
) -> None:
    tuned = FineTuneParameters(model=LocalModel(source="local", path=str(body)), train=train(method="fine_tune"))
    told = fine_tune.run(tuned, job_context(tmp_path / "teacher", tuned, {"data": dataset}))
    assert told.device == choose_device().description
    distilled = DistillParameters(
        layers=TeacherLayers(source="teacher", layers=2), train=train(method="distill", alpha=1.0)
    )
    folders = {"data": dataset, "teacher": tmp_path / "teacher"}
    distill_job.run(distilled, job_context(tmp_path / "student", distilled, folders))
    teacher, student = (open_classifier(tmp_path / name / "model") for name in ("teacher", "student"))
    assert [teacher.labels[best] for best in teacher.probabilities(TEXTS).argmax(axis=1)] == ["card", "loan", "refund"]
    assert student.probabilities(TEXTS) == pytest.approx(teacher.probabilities(TEXTS), abs=0.1)


@pytest.mark.parametrize(
    "settings",
    [{}, {"gradient_checkpointing": True}, {"lora": Lora(rank=2)}],
    ids=["plain", "checkpointing", "adapter"],
)
def test_a_language_model_is_distilled_stopped_and_goes_on(
    place: str, language_teacher: Path, texts: Path, tmp_path: Path, settings: dict[str, Any]
) -> None:
    parameters = DistillParameters(
        layers=TeacherLayers(source="teacher", layers=1),
        task=WRITING,
        train=Train(method="distill", epochs=3, batch_size=8, **settings),
    )
    folders = {"data": texts, "teacher": language_teacher}

    def run(stop: Callable[[RecordingContext], bool]) -> RecordingContext:
        context = job_context(tmp_path / "student", parameters, folders, stop)
        distill_job.run(parameters, context)
        return context

    with pytest.raises(Stopped):
        run(lambda context: context.steps("phase.train") >= 4)
    context = run(lambda context: False)
    assert context.starts[0] == (choose_device().description, 4)
    losses = [value for _, _, value in context.metrics]
    assert np.isfinite(losses).all()
    assert all(
        torch.isfinite(tensor).all() for tensor in load_file(tmp_path / "student/model/model.safetensors").values()
    )


def test_a_language_model_answers_batches_as_it_answers_each_request(place: str, language_teacher: Path) -> None:
    generator = TorchGenerator(language_teacher / "model")
    assert generator.device == choose_device().description
    together = [one.text for one in generator.generate(TEXTS, 12)]
    assert [generator.generate([text], 12)[0].text for text in TEXTS] == together
    np.testing.assert_allclose(generator.classify(TEXTS, ["card", "loan"]).sum(axis=1), 1.0)


@pytest.mark.gpu
@NO_CUDA
def test_the_memory_of_a_gpu_is_its_allocator_s_and_the_driver_knows_more() -> None:
    # Workspaces of matrix products that ran earlier in this process stay allocated.
    before_mib = torch.cuda.memory_allocated() / 2**20
    held = torch.zeros(64 * 2**20, dtype=torch.uint8, device="cuda")
    memory.start_phase()
    torch.zeros(128 * 2**20, dtype=torch.uint8, device="cuda")
    told = memory.gpu_memory()
    assert memory.peak_mib() - before_mib == pytest.approx(192.0, abs=2.0)
    assert told is not None
    assert told.reserved_mib is not None
    assert told.reserved_mib >= 192.0
    assert told.process_mib is None or told.process_mib > told.reserved_mib
    assert held.device.type == "cuda"


@pytest.mark.gpu
@TWO_GPUS
def test_a_language_model_that_is_spread_over_gpus_answers_as_on_the_cpu(
    language_teacher: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "free_memory_mib", lambda _device: 0.0)
    source = language_teacher / "model"
    spread = open_language_model(source, Device(torch.device("cuda"), "GPU"))
    assert len(set(spread.model.hf_device_map.values())) > 1
    words = [
        TorchGenerator(source, Device(torch.device(place), place)).generate(TEXTS, 12) for place in ("cuda", "cpu")
    ]
    assert [one.text for one in words[0]] == [one.text for one in words[1]]
