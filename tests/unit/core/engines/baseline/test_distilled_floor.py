"""The floor taught by a teacher: its logits where they help, the targets where they do not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from floor import LABELS, rows, trained
from job_context import RecordingContext, job_context

from core.data.examples import write_examples
from core.domain import Example, Split
from core.engines.baseline import distil
from core.engines.baseline.model import BaselineClassifier, load
from core.engines.language.answers import AnsweredRow, write_answers
from core.errors import UserError
from core.jobs.results import LabelResult, TrainResult
from core.jobs.specs import DistillParameters
from core.spec import BaselineModel, Train
from core.worker.context import Stopped

NOISY = rows(300, 0.6)
SHUFFLED = [
    Example(row.example_id, row.split, row.group, row.input, LABELS[place % 2])
    for place, row in enumerate(rows(90, 1.0))
] + [Example("rare", Split.TRAIN, "rare", "please help", "refund")]


def taught(
    folder: Path, examples: Sequence[Example], teacher_rows: Sequence[Example], alpha: float = 1.0, stop: bool = False
) -> tuple[BaselineClassifier, TrainResult, RecordingContext]:
    """The floor taught by another linear model, which stands in for any classifier folder."""
    if not (folder / "teacher").exists():
        trained(folder / "teacher", teacher_rows)
    data = folder / "data"
    data.mkdir(parents=True, exist_ok=True)
    write_examples(data, examples)
    parameters = DistillParameters(
        model=BaselineModel(source="baseline", kind="tfidf_linear"), train=Train(method="distill", alpha=alpha)
    )
    inputs = {"data": data, "teacher": folder / "teacher" / "job"}
    context = job_context(folder / "job", parameters, inputs, lambda _context: stop)
    result = distil.run(parameters, context)
    return load(folder / "job" / "model"), result, context


def accuracy(model: BaselineClassifier) -> float:
    clean = rows(300, 0.0, seed=5)
    best = model.probabilities([row.input for row in clean]).argmax(axis=1)
    return float(np.mean([model.labels[place] == row.target for place, row in zip(best, clean, strict=True)]))


def test_a_good_teacher_teaches_more_than_noisy_targets(tmp_path: Path) -> None:
    model, result, _ = taught(tmp_path / "taught", NOISY, rows(300, 0.0, seed=3))
    alone, _, _ = trained(tmp_path / "alone", NOISY)
    assert result.method == "distill"
    assert result.details["learnt_from"] == "teacher"
    assert accuracy(model) > accuracy(alone) + 0.03


def test_targets_are_kept_where_the_teacher_knows_nothing(tmp_path: Path) -> None:
    examples = rows(300, 0.0)
    model, result, context = taught(tmp_path, examples, SHUFFLED)
    targets, soft = (result.details[f"out_of_fold_accuracy_{name}"] for name in ("targets", "teacher"))
    assert result.details["learnt_from"] == "targets"
    assert isinstance(targets, float)
    assert isinstance(soft, float)
    assert targets > soft
    assert accuracy(model) > 0.95
    assert any("held-out train rows" in line for line in context.logs)


def test_alpha_0_asks_for_the_targets_alone(tmp_path: Path) -> None:
    _, result, _ = taught(tmp_path, rows(300, 0.0), SHUFFLED, alpha=0.0)
    soft = result.details["out_of_fold_accuracy_teacher"]
    assert isinstance(soft, float)
    assert soft > 0.95


def test_teacher_outputs_are_kept_for_the_next_attempt(tmp_path: Path) -> None:
    first, _, _ = taught(tmp_path, NOISY, rows(90, 0.0))
    again, _, context = taught(tmp_path, NOISY, rows(90, 0.0))
    texts = [row.input for row in rows(30, 0.0, seed=4)]
    assert np.array_equal(first.probabilities(texts), again.probabilities(texts))
    assert any("already on disk" in line for line in context.logs)


def test_a_target_that_the_teacher_does_not_know_is_refused(tmp_path: Path) -> None:
    stranger = Example("odd", Split.TRAIN, "odd", "close my account", "closing")
    with pytest.raises(UserError) as refused:
        taught(tmp_path, [*NOISY, stranger], rows(90, 0.0))
    assert refused.value.code == "train.label_unknown"
    assert refused.value.values["row"] == "odd"


def test_it_stops_when_told_and_leaves_no_model(tmp_path: Path) -> None:
    with pytest.raises(Stopped):
        taught(tmp_path, NOISY, rows(90, 0.0), stop=True)
    assert not (tmp_path / "job" / "model").exists()


def answered(
    folder: Path,
    examples: Sequence[Example],
    said: Sequence[str | None],
    soft: bool,
    technique: Literal["auto", "soft_labels"] = "auto",
) -> tuple[BaselineClassifier, TrainResult, RecordingContext]:
    """The floor taught by the recorded answers of a language model, one for each example."""
    data, asked = folder / "data", folder / "label"
    data.mkdir(parents=True)
    asked.mkdir()
    write_examples(data, examples)
    rows = []
    for example, label in zip(examples, said, strict=True):
        told = tuple(0.9 if one == label else 0.05 for one in LABELS) if soft and label else None
        rows.append(AnsweredRow(example.example_id, label or "?", None, label, told, 5, 1, "stop"))
    counts = {"rows": len(rows), "bought": len(rows), "kept": 0, "unusable": 0, "soft_rows": 0}
    figures = LabelResult(**counts, input_tokens=5, output_tokens=1, agreement_with_targets=None, seconds=1.0)
    write_answers(asked, "label-job", rows, LABELS, "strip", figures)
    parameters = DistillParameters(
        model=BaselineModel(source="baseline", kind="tfidf_linear"),
        train=Train(method="distill", alpha=1.0, technique=technique),
    )
    context = job_context(folder / "job", parameters, {"data": data, "labels": asked})
    result = distil.run(parameters, context)
    return load(folder / "job" / "model"), result, context


RIGHT = [row.target for row in rows(300, 0.0)]


@pytest.mark.parametrize(
    ("soft", "technique", "reason"),
    [
        (True, "soft_labels", "train.reason.label_probabilities"),
        (False, "labels", "train.reason.label_text"),
    ],
)
def test_answers_of_a_language_model_teach_more_than_noisy_targets(
    tmp_path: Path, soft: bool, technique: str, reason: str
) -> None:
    """The noise is in the texts' targets alone: the answers name what the telling word does."""
    clean = rows(300, 0.0)
    random = np.random.default_rng(4)
    noisy = [
        Example(row.example_id, row.split, row.group, row.input, str(random.choice(LABELS)))
        if random.random() < 0.6
        else row
        for row in clean
    ]
    model, result, _ = answered(tmp_path, noisy, RIGHT, soft)
    assert accuracy(model) > 0.95
    assert result.details["learnt_from"] == "teacher"
    assert (result.technique, result.reason) == (technique, reason)


def test_rows_without_an_answer_keep_their_target_and_are_told(tmp_path: Path) -> None:
    examples = rows(120, 0.0)
    said: list[str | None] = [None if index < 40 else row.target for index, row in enumerate(examples)]
    model, _, context = answered(tmp_path, examples, said, soft=True)
    assert accuracy(model) > 0.95
    assert any("40" in line and "80" in line for line in context.logs)


def test_probabilities_that_are_asked_for_and_were_not_given_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError) as refused:
        answered(tmp_path / "texts", rows(300, 0.0), RIGHT, soft=False, technique="soft_labels")
    assert refused.value.code == "train.no_label_probabilities"
    assert refused.value.values == {"count": 300, "soft": 0}
    _, result, _ = answered(tmp_path / "soft", rows(300, 0.0), RIGHT, soft=True, technique="soft_labels")
    assert result.details["out_of_fold_accuracy_teacher"]


def test_what_the_targets_teach_better_is_told_with_its_reason(tmp_path: Path) -> None:
    examples = rows(300, 0.0)
    _, result, _ = answered(tmp_path, examples, ["card"] * len(examples), soft=False)
    assert (result.technique, result.reason) == ("targets", "train.reason.floor_targets")


def test_alpha_0_without_a_teacher_needs_none(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    write_examples(data, rows(90, 0.0))
    parameters = DistillParameters(
        model=BaselineModel(source="baseline", kind="tfidf_linear"), train=Train(method="distill", alpha=0.0)
    )
    result = distil.run(parameters, job_context(tmp_path / "job", parameters, {"data": data}))
    assert result.technique == "targets"
    assert accuracy(load(tmp_path / "job" / "model")) > 0.95
