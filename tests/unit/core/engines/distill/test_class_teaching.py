"""What a classifier's student learns from: labels of a language model, a ready teacher, choices, hidden states."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from job_context import RecordingContext, job_context
from safetensors.torch import load_file
from tiny_models import LABELS, tiny_config, write_body, write_classifier, write_dataset

from core.engines.distill import class_teaching, fit_check
from core.engines.distill import job as distill_job
from core.engines.distill.class_teaching import OUTPUTS_FOLDER
from core.engines.language.answers import AnsweredRow, write_answers
from core.errors import UserError
from core.jobs.results import LabelResult, TrainResult
from core.jobs.specs import DistillParameters
from core.spec import LocalModel, Lora, TeacherLayers, Train
from core.worker.context import Stopped

FIGURES = LabelResult(
    rows=48, bought=48, kept=0, unusable=0, soft_rows=0, input_tokens=1, output_tokens=1, agreement_with_targets=None,
    seconds=1.0,
)  # fmt: skip


def training(**changes: object) -> Train:
    settings = {"method": "distill", "epochs": 3, "batch_size": 8, "max_length": 32, "learning_rate": 1e-2, **changes}
    return Train.model_validate(settings)


def layered(layers: int = 2, **changes: object) -> DistillParameters:
    return DistillParameters(layers=TeacherLayers(source="teacher", layers=layers), train=training(**changes))


def distil(
    folder: Path,
    parameters: DistillParameters,
    inputs: dict[str, Path],
    stop: Callable[[RecordingContext], bool] = lambda _context: False,
) -> tuple[TrainResult, RecordingContext]:
    context = job_context(folder, parameters, inputs, stop)
    return distill_job.run(parameters, context), context


def answered(folder: Path, label_of: Callable[[int], str | None], soft: bool) -> Path:
    """A label job's folder: each row's label, all the probability on it but a tenth where `soft`."""
    folder.mkdir()
    rows = []
    for index in range(48):
        label = label_of(index)
        told = tuple(0.9 if one == label else 0.05 for one in LABELS) if soft and label else None
        rows.append(AnsweredRow(f"r{index}", label or "?", None, label, told, 5, 1, "stop"))
    write_answers(folder, "label-job", rows, LABELS, "strip", FIGURES)
    return folder


@pytest.mark.parametrize(
    ("soft", "technique", "reason"),
    [
        (True, "soft_labels", "train.reason.label_probabilities"),
        (False, "labels", "train.reason.label_text"),
    ],
)
def test_a_language_models_answers_teach_an_encoder(
    tmp_path: Path, body: Path, dataset: Path, soft: bool, technique: str, reason: str
) -> None:
    labels = answered(tmp_path / "labels", lambda index: LABELS[index % 3] if index else None, soft)
    parameters = DistillParameters(model=LocalModel(source="local", path=str(body)), train=training(epochs=20))
    result, context = distil(tmp_path / "job", parameters, {"data": dataset, "labels": labels})
    assert (result.technique, result.reason) == (technique, reason)
    assert any(line.startswith("47 rows are learnt") for line in context.logs)
    losses = [value for name, _, value in context.metrics if name == "loss"]
    assert losses[-1] < 0.7 * losses[0]


def test_wrong_labels_of_the_teacher_are_what_the_student_learns(tmp_path: Path, body: Path, dataset: Path) -> None:
    """With alpha 1 the targets have no share: a teacher that always says "loan" makes a student that does."""
    labels = answered(tmp_path / "labels", lambda _index: "loan", soft=False)
    parameters = DistillParameters(
        model=LocalModel(source="local", path=str(body)), train=training(epochs=6, alpha=1.0)
    )
    result, _ = distil(tmp_path / "job", parameters, {"data": dataset, "labels": labels})
    assert result.final_loss is not None
    assert result.final_loss < 0.05


def test_probabilities_that_were_not_told_are_refused_where_they_are_asked_for(
    tmp_path: Path, body: Path, dataset: Path
) -> None:
    labels = answered(tmp_path / "labels", lambda _index: "loan", soft=False)
    parameters = DistillParameters(
        model=LocalModel(source="local", path=str(body)), train=training(technique="soft_labels")
    )
    with pytest.raises(UserError, match="0 of 48"):
        distil(tmp_path / "job", parameters, {"data": dataset, "labels": labels})


def test_a_student_that_does_not_fit_is_refused_before_its_teacher_answers_a_row(
    tmp_path: Path, teacher: Path, dataset: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fit_check, "free_memory_mib", lambda _device: 10.0)
    monkeypatch.delenv(fit_check.IGNORE_VARIABLE, raising=False)
    for name, parameters in (("plain", layered()), ("adapter", layered(lora=Lora(rank=2)))):
        with pytest.raises(UserError) as refused:
            distil(tmp_path / name, parameters, {"data": dataset, "teacher": teacher})
        assert refused.value.code == "train.too_large_for_good"
        assert not (tmp_path / name / OUTPUTS_FOLDER).exists()


def test_a_teacher_that_does_not_fit_is_refused_before_it_is_opened(
    tmp_path: Path, teacher: Path, dataset: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fit_check, "loaded_bytes", lambda _source, _each: 2**60)
    monkeypatch.setattr(class_teaching, "open_classifier", lambda _folder: pytest.fail("it was opened"))
    with pytest.raises(UserError) as refused:
        distil(tmp_path / "job", layered(), {"data": dataset, "teacher": teacher})
    assert refused.value.code == "train.teacher_too_large"


def test_the_choices_of_a_classifier_can_be_learnt_alone(tmp_path: Path, teacher: Path, dataset: Path) -> None:
    asked = layered(technique="labels", reasoning="keep", top_k=8)
    result, context = distil(tmp_path, asked, {"data": dataset, "teacher": teacher})
    assert (result.technique, result.reason) == ("labels", "train.reason.asked")
    unused = [text for text in context.logs if "has no part in" in text]
    assert unused == [f"train.{name} has no part in the technique labels" for name in ("reasoning", "top_k")]


def test_a_ready_teacher_that_no_job_made_teaches_as_well(tmp_path: Path, teacher: Path, dataset: Path) -> None:
    ready = layered().model_copy(update={"teacher_model": LocalModel(source="local", path=str(teacher / "model"))})
    distil(tmp_path / "ready", ready, {"data": dataset})
    distil(tmp_path / "made", layered(), {"data": dataset, "teacher": teacher})
    first, second = (load_file(tmp_path / name / "model" / "model.safetensors") for name in ("ready", "made"))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_a_teacher_without_a_label_of_the_data_is_refused_by_row(tmp_path: Path, dataset: Path, body: Path) -> None:
    labels = answered(tmp_path / "labels", lambda _index: "loan", soft=False)
    header = (labels / "answers.json").read_text(encoding="utf-8").replace('"refund"', '"other"')
    (labels / "answers.json").write_text(header, encoding="utf-8")
    parameters = DistillParameters(model=LocalModel(source="local", path=str(body)), train=training())
    with pytest.raises(UserError, match="refund"):
        distil(tmp_path / "job", parameters, {"data": dataset, "labels": labels})


def test_hidden_states_of_all_layers_kept_have_no_distance_at_first(tmp_path: Path, dataset: Path) -> None:
    teacher = write_classifier(tmp_path / "teacher", write_body(tmp_path / "body", tiny_config(dropout=0.0)))
    losses = {}
    for weight in (0.0, 1.0):
        parameters = layered(3, hidden_weight=weight, learning_rate=1e-9)
        result, _ = distil(tmp_path / str(weight), parameters, {"data": dataset, "teacher": teacher})
        losses[weight] = result.final_loss
    assert losses[1.0] == pytest.approx(losses[0.0], abs=1e-4)
    fewer, _ = distil(tmp_path / "fewer", layered([0, 2], hidden_weight=1.0), {"data": dataset, "teacher": teacher})  # type: ignore[arg-type]  # a list of layers
    assert fewer.final_loss is not None


def test_a_projection_between_widths_is_trained_resumed_and_left_behind(
    tmp_path: Path, teacher: Path, dataset: Path
) -> None:
    config = tiny_config(layers=1)
    config.hidden_size, config.intermediate_size = 8, 16
    narrow = write_body(tmp_path / "narrow", config)
    parameters = DistillParameters(
        model=LocalModel(source="local", path=str(narrow)), train=training(hidden_weight=0.5)
    )
    inputs = {"data": dataset, "teacher": teacher}
    distil(tmp_path / "whole", parameters, inputs)
    with pytest.raises(Stopped):
        distil(tmp_path / "cut", parameters, inputs, lambda context: context.steps("phase.train") >= 7)
    result, _ = distil(tmp_path / "cut", parameters, inputs)
    assert result.resumed_steps == (7,)
    whole, cut = (load_file(tmp_path / name / "model" / "model.safetensors") for name in ("whole", "cut"))
    assert all(torch.equal(whole[name], cut[name]) for name in whole)
    assert not any("companion" in name for name in whole)


def test_adapters_of_a_classifier_train_its_fresh_head_too(tmp_path: Path, body: Path, teacher: Path) -> None:
    data = write_dataset(tmp_path / "data")
    parameters = DistillParameters(
        model=LocalModel(source="local", path=str(body)),
        train=training(lora={"rank": 8, "alpha": 32}, epochs=20, alpha=0.0, learning_rate=3e-3),
    )
    _, context = distil(tmp_path / "job", parameters, {"data": data, "teacher": teacher})
    losses = [value for name, _, value in context.metrics if name == "loss"]
    assert losses[-1] < 0.7 * losses[0]
    saved = load_file(tmp_path / "job" / "model" / "model.safetensors")
    assert not any("lora" in name for name in saved)
    given = load_file(body / "model.safetensors")
    words = "embeddings.word_embeddings.weight"
    assert torch.equal(saved[f"bert.{words}"], given[words])
