"""Fine-tuning an encoder on rows with any number of labels."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from job_context import job_context
from label_sets_by_word import TASK, examples, parameters, write_study
from tiny_models import LABELS, tiny_config, write_body

from core.data.examples import write_examples
from core.data.predictions import read_predictions
from core.domain import Example, Split
from core.engines import fine_tune
from core.engines.benchmark import job, plan, runtimes
from core.engines.benchmark.subjects import Asked, given_labels, open_subject
from core.engines.compress.onnx_export import export_onnx
from core.engines.distill.label_losses import sigmoid_objective
from core.engines.models import open_classifier, read_card
from core.errors import UserError
from core.jobs.specs import BenchmarkParameters
from core.metrics.label_sets import example_f1, labels_of, micro_f1, written


@pytest.fixture(scope="module")
def tuned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the study: `job` holds a model that was fine-tuned on `data`. Read only."""
    return write_study(tmp_path_factory.mktemp("several"))


def test_each_label_has_a_probability_of_its_own_and_the_folder_says_so(tuned: Path) -> None:
    card = read_card(tuned / "job" / "model")
    assert card.multi_label
    assert card.labels == LABELS
    config = json.loads((tuned / "job" / "model" / "config.json").read_text(encoding="utf-8"))
    assert config["problem_type"] == "multi_label_classification"
    model = open_classifier(tuned / "job" / "model", "torch")
    found = model.probabilities(["lost rate money now", "please"])
    assert (found[0] > 0.5).all()
    assert (found[1] < 0.5).all()


def test_it_is_the_same_model_under_onnx_runtime(tuned: Path, tmp_path: Path) -> None:
    card = export_onnx(tuned / "job" / "model", tmp_path / "onnx")
    assert card.multi_label
    texts = [example.input for example in examples(20, 3)]
    torch_model = open_classifier(tuned / "job" / "model", "torch")
    onnx_model = open_classifier(tmp_path / "onnx", "onnxruntime")
    assert onnx_model.probabilities(texts) == pytest.approx(torch_model.probabilities(texts), abs=1e-4)


def test_a_timed_request_is_told_by_all_its_labels(tuned: Path) -> None:
    texts = tuple(example.input for example in examples(5, 4))
    subject = open_subject(tuned / "job" / "model", "torch", Asked(requests=texts, several=True))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plan, "SINGLE_SECONDS_AT_MOST", 10.0)
        told = subject.singles(texts).answers
    model = open_classifier(tuned / "job" / "model", "torch")
    assert list(told) == [given_labels(model.labels, model.probabilities([text])[0]) for text in texts]


def test_held_out_rows_are_answered_by_the_labels_they_are_given(tuned: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtimes, "_onnx_runtimes", lambda exported, device, context: [])
    monkeypatch.setattr(plan, "SINGLE_SECONDS_AT_MOST", 0.1)
    monkeypatch.setattr(plan, "THROUGHPUT_SECONDS_AT_MOST", 0.1)
    own = BenchmarkParameters(task=TASK)
    context = job_context(tuned / "benchmark", own, {"data": tuned / "data", "model": tuned / "job"})
    job.run(own, context)
    targets = {example.example_id: example.target for example in examples(30, 2, Split.TEST)}
    predictions = read_predictions(context.folder)
    assert {one.example_id for one in predictions} == set(targets)
    for one in predictions:
        assert one.score == example_f1(one.output or "[]", targets[one.example_id])
    assert np.mean([one.score for one in predictions]) > 0.9


def test_the_loss_is_that_of_each_label_on_its_own() -> None:
    wanted = np.array([[1, 0], [0, 0], [1, 1]], dtype=np.float32)
    logits = torch.tensor([[2.0, -1.0], [0.5, 0.5]])
    loss = sigmoid_objective(wanted)(logits, torch.tensor([2, 0]))
    right = torch.tensor([[2.0, -1.0], [0.5, -0.5]])
    assert float(loss) == pytest.approx(float(torch.log1p(torch.exp(-right)).mean()))


def test_rows_that_all_have_the_same_labels_teach_nothing(tmp_path: Path, body: Path) -> None:
    (tmp_path / "data").mkdir()
    write_examples(tmp_path / "data", [Example(f"r{row}", Split.TRAIN, f"g{row}", "now", "[]") for row in range(4)])
    own = parameters(body)
    with pytest.raises(UserError):
        fine_tune.run(own, job_context(tmp_path / "job", own, {"data": tmp_path / "data"}))


def test_a_model_that_holds_nothing_likely_gives_labels_from_where_held_out_rows_are_told_best(tmp_path: Path) -> None:
    """After so few steps no probability reaches one half, and an answer would be no label at all."""
    config = tiny_config(layers=1, dropout=0.0)
    config.hidden_size = config.intermediate_size = 64
    own = parameters(write_body(tmp_path / "body", config), epochs=12, learning_rate=1e-3)
    sparse = [replace(row, target=written(sorted(labels_of(row.target))[:1])) for row in examples(96, 1)]
    held_out = [
        replace(row, example_id=f"c{place}", group=f"c{place}", split=Split.CALIBRATION)
        for place, row in enumerate(sparse[:40])
    ]
    (tmp_path / "data").mkdir()
    write_examples(tmp_path / "data", [*sparse[40:], *held_out])
    context = job_context(tmp_path / "job", own, {"data": tmp_path / "data"})
    result = fine_tune.run(own, context)
    threshold = result.details["threshold"]
    assert isinstance(threshold, float)
    model = open_classifier(tmp_path / "job" / "model", "torch")
    found = model.probabilities([row.input for row in held_out])
    wanted = np.array([[label in labels_of(row.target) for label in model.labels] for row in held_out])
    # Put back by what was taken off, the probabilities are those of the training, and the cut is the best one.
    before = 1 / (1 + np.exp(-(np.log(found / (1 - found)) + np.log(threshold / (1 - threshold)))))
    scores = {at: micro_f1(before >= at, wanted) for at in [*np.unique(before), 0.5]}
    assert micro_f1(found >= 0.5, wanted) == pytest.approx(max(scores.values()))
    assert max(scores.values()) > scores[0.5]
    assert any("micro F1 on 40 rows" in line for line in context.logs)
