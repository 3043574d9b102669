"""Students on rows with any number of labels: taught by an encoder or by a language model's lists, and compressed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from job_context import job_context
from label_sets_by_word import TASK, examples, write_study
from tiny_models import LABELS

from core.data.examples import write_examples
from core.domain import Split
from core.engines.compress import job as compress_job
from core.engines.compress.parity import answer_all, chosen_labels, label_agreement
from core.engines.distill import job as distill_job
from core.engines.distill.label_losses import label_logits, soft_sigmoid_objective
from core.engines.language.answers import AnsweredRow, write_answers
from core.engines.models import open_classifier, read_card
from core.errors import UserError
from core.jobs.results import LabelResult, TrainResult
from core.jobs.specs import CompressParameters, DistillParameters
from core.metrics.label_sets import written
from core.spec import LocalModel, Prune, Quantize, TeacherLayers, Train
from core.worker.context import Stopped

FIGURES = LabelResult(
    rows=96, bought=96, kept=0, unusable=0, soft_rows=0, input_tokens=1, output_tokens=1, agreement_with_targets=None,
    seconds=1.0,
)  # fmt: skip
UNSEEN = [example.input for example in examples(40, 7)]


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a study with a teacher of two layers in `job`, and in `crooked` its rows with others' targets."""
    folder = write_study(tmp_path_factory.mktemp("taught"), layers=2)
    rows = examples(96, 1)
    targets = [row.target for row in rows[7:] + rows[:7]]
    (folder / "crooked").mkdir()
    crooked = [
        type(row)(row.example_id, Split.TRAIN, row.group, row.input, target)
        for row, target in zip(rows, targets, strict=True)
    ]
    write_examples(folder / "crooked", [*crooked, *examples(20, 5, Split.CALIBRATION)])
    return folder


def training(**changes: object) -> Train:
    settings = {"method": "distill", "epochs": 40, "batch_size": 16, "max_length": 32, "learning_rate": 2e-3, **changes}
    return Train.model_validate(settings)


def layered(**changes: object) -> DistillParameters:
    return DistillParameters(layers=TeacherLayers(source="teacher", layers=1), task=TASK, train=training(**changes))


def distil(folder: Path, parameters: DistillParameters, inputs: dict[str, Path]) -> TrainResult:
    return distill_job.run(parameters, job_context(folder, parameters, inputs))


def agreement(first: Path, second: Path) -> float:
    """On texts that nobody has seen, of whole sets of labels."""
    answers = (answer_all(open_classifier(folder / "model"), UNSEEN) for folder in (first, second))
    return label_agreement(*answers, several=True)


@pytest.mark.parametrize(
    ("changes", "technique"),
    [({}, "soft_labels"), ({"technique": "labels"}, "labels"), ({"hidden_weight": 0.5}, "soft_labels")],
    ids=["soft", "chosen", "hidden"],
)
def test_a_student_learns_the_teachers_sets_and_not_the_targets(
    study: Path, tmp_path: Path, changes: dict[str, object], technique: str
) -> None:
    result = distil(tmp_path, layered(alpha=1.0, **changes), {"data": study / "crooked", "teacher": study / "job"})
    assert result.technique == technique
    assert read_card(tmp_path / "model").multi_label
    assert agreement(tmp_path, study / "job") > 0.9


def test_without_a_share_of_the_teacher_the_targets_are_learnt(study: Path, tmp_path: Path) -> None:
    result = distil(tmp_path, layered(alpha=0.0), {"data": study / "data", "teacher": study / "job"})
    assert result.technique == "targets"
    assert agreement(tmp_path, study / "job") > 0.9


def test_a_killed_training_ends_with_the_same_weights(study: Path, tmp_path: Path) -> None:
    inputs, parameters = {"data": study / "data", "teacher": study / "job"}, layered(epochs=2)
    distil(tmp_path / "whole", parameters, inputs)
    context = job_context(tmp_path / "cut", parameters, inputs, lambda context: context.steps("phase.train") >= 5)
    with pytest.raises(Stopped):
        distill_job.run(parameters, context)
    assert distil(tmp_path / "cut", parameters, inputs).resumed_steps == (5,)
    texts = UNSEEN[:8]
    whole, cut = (open_classifier(tmp_path / name / "model").probabilities(texts) for name in ("whole", "cut"))
    assert (whole == cut).all()


def test_a_label_that_the_teacher_does_not_know_is_named_with_its_row(study: Path, tmp_path: Path) -> None:
    rows = examples(12, 1)
    odd = type(rows[0])("odd", Split.TRAIN, "odd", "my now", written(["other"]))
    (tmp_path / "data").mkdir()
    write_examples(tmp_path / "data", [*rows, odd])
    with pytest.raises(UserError) as refused:
        distil(tmp_path / "job", layered(), {"data": tmp_path / "data", "teacher": study / "job"})
    assert (refused.value.code, refused.value.values["row"]) == ("train.label_unknown", "odd")


def test_lists_of_a_language_model_are_learnt(study: Path, tmp_path: Path) -> None:
    """The answers are the rows' own sets; the targets beside them are others'."""
    answers = tmp_path / "answers"
    answers.mkdir()
    rows = [
        AnsweredRow(row.example_id, f"Labels: {row.target}", None, row.target, None, 5, 5, "stop")
        for row in examples(96, 1)
    ]
    write_answers(answers, "label-job", rows, LABELS, "strip", FIGURES)
    own = DistillParameters(
        model=LocalModel(source="local", path=str(study / "body")), task=TASK, train=training(epochs=60, alpha=1.0)
    )
    result = distil(tmp_path / "job", own, {"data": study / "crooked", "labels": answers})
    assert (result.technique, result.reason) == ("labels", "train.reason.label_text")
    assert agreement(tmp_path / "job", study / "job") > 0.9


@pytest.mark.parametrize(
    "step", [Quantize(quantize="int8_dynamic"), Prune(prune=0.4, rungs=1, epochs=8, learning_rate=2e-3)], ids=str
)
def test_a_compressed_version_gives_nearly_the_same_sets(study: Path, tmp_path: Path, step: Quantize | Prune) -> None:
    parameters = CompressParameters(steps=(step,))
    context = job_context(tmp_path, parameters, {"model": study / "job", "data": study / "data"})
    result = compress_job.run(parameters, context)
    assert read_card(tmp_path / "model").multi_label
    assert result.label_agreement > 0.8
    assert agreement(tmp_path, study / "job") > 0.8


def test_sets_agree_where_all_of_their_labels_do() -> None:
    first = np.array([[0.9, 0.2], [0.6, 0.4], [0.1, 0.1]])
    second = np.array([[0.8, 0.1], [0.6, 0.5], [0.2, 0.3]])
    assert chosen_labels(second, several=True).tolist() == [[1, 0], [1, 1], [0, 0]]
    assert label_agreement(first, second, several=True) == pytest.approx(2 / 3)


def test_logits_are_found_again_from_logarithms_also_where_a_probability_was_rounded_to_one() -> None:
    logits = torch.tensor([-40.0, -3.0, 0.0, 2.5, 12.0, 60.0], dtype=torch.float64)
    kept = torch.nn.functional.logsigmoid(logits).numpy().astype(np.float32)
    found = label_logits(kept)
    assert found[:5] == pytest.approx(logits.numpy()[:5], rel=1e-5, abs=1e-6)
    assert np.isfinite(found[5])
    assert found[5] > 20.0


@pytest.mark.parametrize("temperature", [1.0, 2.0, 4.0])
def test_equal_models_have_no_divergence_and_the_gradient_keeps_its_scale(temperature: float) -> None:
    draw = torch.Generator().manual_seed(1)
    theirs = torch.randn(16, 5, generator=draw, dtype=torch.float64)
    soft = torch.nn.functional.logsigmoid(theirs).numpy().astype(np.float32)
    settings = Train(method="distill", temperature=temperature, alpha=1.0)
    objective = soft_sigmoid_objective(settings, np.zeros((16, 5), dtype=np.float32), soft)
    rows = torch.arange(16)
    assert float(objective(theirs.float(), rows)) == pytest.approx(0.0, abs=1e-6)
    near = (theirs + 0.01).float().requires_grad_()
    torch.autograd.backward(objective(near, rows))
    assert near.grad is not None
    # To first order the gradient is T² · p(1 − p) · d / T² over rows and labels, p at the temperature.
    share = torch.sigmoid(theirs / temperature)
    expected = share * (1 - share) * 0.01 / theirs.numel()
    assert near.grad.numpy() == pytest.approx(expected.numpy(), rel=0.05)
