"""Training language models: which technique is chosen, that a killed training ends the same, and what it leaves."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from job_context import RecordingContext, job_context
from safetensors.torch import load_file
from tiny_language_models import (
    character_tokenizer,
    write_language_model,
    write_language_model_job,
    write_text_dataset,
)
from transformers import AutoModelForCausalLM

from core.engines import fine_tune
from core.engines.distill import causal_teaching, fit_check
from core.engines.distill import job as distill_job
from core.engines.language.answers import AnsweredRow, write_answers
from core.engines.models.card import read_card
from core.errors import UserError
from core.jobs.results import LabelResult, TrainResult
from core.jobs.specs import DistillParameters, FineTuneParameters
from core.spec import LocalModel, Lora, Task, TeacherLayers, Train
from core.worker.context import Stopped

TASK = Task(kind="generation", metric="exact_match", prompt="Last: {text}")
LAYERS = TeacherLayers(source="teacher", layers=1)
ONE_LAYER = DistillParameters(layers=LAYERS, task=TASK, train=Train(method="distill", epochs=2, batch_size=8))


def training(**changes: Any) -> DistillParameters:
    return ONE_LAYER.model_copy(update={"train": ONE_LAYER.train.model_copy(update=changes)})


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("teacher")
    return write_language_model_job(folder / "job", write_language_model(folder / "source"))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_text_dataset(tmp_path_factory.mktemp("data"))


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model" / "model.safetensors")


def distil(
    folder: Path,
    parameters: DistillParameters,
    inputs: dict[str, Path],
    stop_when: Callable[[RecordingContext], bool] = lambda _context: False,
) -> tuple[TrainResult, RecordingContext]:
    context = job_context(folder, parameters, inputs, stop_when)
    return distill_job.run(parameters, context), context


def test_a_student_of_the_teachers_layers_learns_its_logits_and_reloads_as_it_is(
    tmp_path: Path, teacher: Path, data: Path
) -> None:
    result, _ = distil(tmp_path, ONE_LAYER, {"data": data, "teacher": teacher})
    assert (result.technique, result.reason) == ("logit", "train.reason.same_vocabulary")
    assert read_card(tmp_path / "model").kind == "language_model"
    model: Any = AutoModelForCausalLM.from_pretrained(tmp_path / "model")
    assert model.config.num_hidden_layers == 1
    assert model.get_output_embeddings().weight is model.get_input_embeddings().weight


def test_a_student_that_does_not_fit_is_refused_before_its_teacher_is_asked(
    tmp_path: Path, teacher: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fit_check, "free_memory_mib", lambda _device: 10.0)
    monkeypatch.delenv(fit_check.IGNORE_VARIABLE, raising=False)
    with pytest.raises(UserError) as refused:
        distil(tmp_path, ONE_LAYER, {"data": data, "teacher": teacher})
    assert refused.value.code == "train.too_large_for_good"
    assert not (tmp_path / causal_teaching.OUTPUTS_FOLDER).exists()


def test_a_padded_vocabulary_is_cut_to_what_both_have(tmp_path: Path, teacher: Path, data: Path) -> None:
    padded = write_language_model(tmp_path / "padded", layers=1, vocab_pad=7)
    parameters = training().model_copy(update={"layers": None, "model": LocalModel(source="local", path=str(padded))})
    result, _ = distil(tmp_path / "job", parameters, {"data": data, "teacher": teacher})
    assert result.technique == "sliced_vocabulary"


def test_another_tokenizer_is_met_by_characters(tmp_path: Path, teacher: Path, data: Path) -> None:
    other = write_language_model(tmp_path / "other", layers=1, seed=3)
    tokenizer: Any = character_tokenizer()
    swapped = tokenizer.backend_tokenizer.to_str().replace('"a":', '"\\u0000a":').replace('"b":', '"a":')
    swapped = swapped.replace('"\\u0000a":', '"b":')
    (other / "tokenizer.json").write_text(swapped, encoding="utf-8")
    parameters = training().model_copy(update={"layers": None, "model": LocalModel(source="local", path=str(other))})
    result, context = distil(tmp_path / "job", parameters, {"data": data, "teacher": teacher})
    assert (result.technique, result.reason) == ("cross_tokenizer", "train.reason.other_tokenizer")
    (told,) = [line for line in context.logs if "the tokens of both tokenizers meet" in line]
    heard, tokens = (int(number) for number in re.findall(r"(\d+) of (\d+) places", told.replace(",", ""))[0])
    assert 0 < heard <= tokens
    assert result.final_loss is not None
    assert np.isfinite(result.final_loss)


def test_a_teacher_that_gives_only_text_is_followed_in_text(tmp_path: Path, data: Path) -> None:
    own = write_language_model(tmp_path / "own", layers=1)
    answers = [AnsweredRow(f"r{row}", "card", "because", None, None, 9, 3, "stop") for row in range(20)]
    answers.append(AnsweredRow("r20", "car", None, None, None, 9, 3, "length"))
    (tmp_path / "label").mkdir()
    figures = LabelResult(
        rows=21, bought=21, kept=0, unusable=1, soft_rows=0, input_tokens=189, output_tokens=63,
        agreement_with_targets=None, seconds=1.0,
    )  # fmt: skip
    write_answers(tmp_path / "label", "label-job", answers, (), "strip", figures)
    asked = training(top_k=8, reasoning="keep")
    parameters = asked.model_copy(update={"layers": None, "model": LocalModel(source="local", path=str(own))})
    result, context = distil(tmp_path / "job", parameters, {"data": data, "labels": tmp_path / "label"})
    assert (result.technique, result.reason) == ("sequence", "train.reason.text_only")
    unused = [line for line in context.logs if "has no part in" in line]
    assert unused == ["train.top_k has no part in the technique sequence"]
    assert any(line.startswith("20 training rows") for line in context.logs)


def test_a_technique_that_the_teacher_cannot_give_is_refused(tmp_path: Path, data: Path) -> None:
    own = write_language_model(tmp_path / "own", layers=1)
    parameters = training(technique="soft_labels").model_copy(
        update={"layers": None, "model": LocalModel(source="local", path=str(own))}
    )
    with pytest.raises(UserError, match="technique"):
        distil(tmp_path / "job", parameters, {"data": data, "labels": tmp_path})


def test_answers_that_nobody_asked_for_cannot_be_learnt(tmp_path: Path, teacher: Path, data: Path) -> None:
    with pytest.raises(UserError, match="technique: sequence needs the teacher's answers"):
        distil(tmp_path, training(technique="sequence"), {"data": data, "teacher": teacher})


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"accumulate": 2, "batch_size": 4},
        {"lora": Lora(rank=2, dropout=0.1)},
        {"gradient_checkpointing": True},
        {"lora": Lora(rank=2), "gradient_checkpointing": True},
        {"hidden_weight": 1.0, "accumulate": 2, "batch_size": 4},
    ],
    ids=["plain", "accumulate", "lora", "checkpointing", "lora with checkpointing", "hidden states"],
)
def test_a_killed_training_ends_with_the_same_weights(
    tmp_path: Path, teacher: Path, data: Path, changes: dict[str, Any]
) -> None:
    parameters, inputs = training(**changes), {"data": data, "teacher": teacher}
    # In a study of its own, so that it computes the teacher's outputs itself.
    folder = tmp_path / "second" / "cut"
    distil(tmp_path / "first" / "whole", parameters, inputs)
    for step in (1, 4):
        with pytest.raises(Stopped):
            distil(folder, parameters, inputs, lambda context, at=step: context.steps("phase.train") >= at)  # type: ignore[misc]  # a default binds the step
    result, _ = distil(folder, parameters, inputs)
    assert result.resumed_steps
    whole, cut = weights(tmp_path / "first" / "whole"), weights(folder)
    assert set(whole) == set(cut)
    assert all(torch.equal(whole[name], cut[name]) for name in whole)


def test_accumulated_batches_are_one_large_batch(tmp_path: Path, teacher: Path, data: Path) -> None:
    inputs = {"data": data, "teacher": teacher}
    distil(tmp_path / "large", training(batch_size=24, epochs=3), inputs)
    distil(tmp_path / "small", training(batch_size=6, accumulate=4, epochs=3), inputs)
    large, small = weights(tmp_path / "large"), weights(tmp_path / "small")
    assert max(float((large[name] - small[name]).abs().max()) for name in large) < 1e-4


def test_an_adapter_changes_the_weights_beside_it_and_leaves_a_plain_model(
    tmp_path: Path, teacher: Path, data: Path
) -> None:
    result, _ = distil(tmp_path, training(lora=Lora(rank=2)), {"data": data, "teacher": teacher})
    model: Any = AutoModelForCausalLM.from_pretrained(tmp_path / "model")
    original: Any = AutoModelForCausalLM.from_pretrained(teacher / "model")
    assert result.details["trained_parameters"] == 2 * (32 + 32) * 2 + 2 * (32 + 16) * 2 + 3 * 2 * (32 + 64)
    assert torch.equal(model.get_input_embeddings().weight, original.get_input_embeddings().weight)
    changed = model.model.layers[0].self_attn.q_proj.weight - original.model.layers[0].self_attn.q_proj.weight
    assert 0 < int(torch.linalg.matrix_rank(changed.detach())) <= 2


def test_a_layer_name_that_is_not_there_is_refused_with_those_that_are(
    tmp_path: Path, teacher: Path, data: Path
) -> None:
    with pytest.raises(UserError, match=r"no linear layer is called nowhere.*q_proj"):
        distil(tmp_path, training(lora=Lora(targets=["nowhere"])), {"data": data, "teacher": teacher})


def test_a_language_model_is_fine_tuned_on_the_targets(tmp_path: Path, data: Path) -> None:
    source = write_language_model(tmp_path / "source")
    parameters = FineTuneParameters(
        model=LocalModel(source="local", path=str(source)),
        task=TASK,
        train=Train(method="fine_tune", epochs=12, batch_size=8, learning_rate=3e-3, top_k=8),
    )
    context = job_context(tmp_path / "job", parameters, {"data": data})
    result = fine_tune.run(parameters, context)
    assert "train.top_k has no part in the technique fine_tune" in context.logs
    losses = [value for name, _, value in context.metrics if name == "loss"]
    assert result.method == "fine_tune"
    assert losses[-1] < 0.6 * losses[0]
