"""Trainings whose rows count very differently: what is learnt is what the heavy rows say."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import torch
from job_context import job_context
from sweep_tasks import write_trained_teacher
from tiny_language_models import write_language_model, write_language_model_job, write_text_dataset
from tiny_models import LABELS, tiny_config, write_body

from core.data.examples import read_examples
from core.domain import Example, Split
from core.engines import fine_tune
from core.engines.distill import job as distill_job
from core.engines.distill.causal_rows import causal_rows
from core.engines.language.opening import open_language_model
from core.engines.models import open_classifier
from core.events import Finished, to_line
from core.jobs.folder import EVENTS_FILE
from core.jobs.results import PrepareResult
from core.jobs.specs import DistillParameters, FineTuneParameters
from core.spec import LocalModel, Task, TeacherLayers, Train

HEAVY, LIGHT = 100.0, 0.01
TASK = Task(kind="generation", metric="exact_match", prompt="Last: {text}")


def weigh(data: Path, is_heavy: Callable[[Example], bool]) -> Path:
    """Give each row of a dataset its weight, as a finished prepare job tells it."""
    examples = list(read_examples(data))
    result = PrepareResult(
        rows_train=len(examples), rows_calibration=0, rows_test=0, dropped=(), labels=(), groups=1, duplicate_rows=0,
        input_length_p50=1, input_length_p95=1, input_length_max=1, label_entropy_bits=None, seconds=0.1,
        weights=tuple(HEAVY if is_heavy(one) else LIGHT for one in examples),
    )  # fmt: skip
    event = Finished(job_id="data", sequence=1, at=datetime.now(UTC), result=result.model_dump(mode="json"))
    (data / EVENTS_FILE).write_text(to_line(event) + "\n", encoding="utf-8")
    return data


@pytest.fixture(scope="module")
def classes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A trained classifier and its rows, of which those of the first class count."""
    inputs = write_trained_teacher(tmp_path_factory.mktemp("classes"))
    weigh(inputs["data"], lambda one: one.target == LABELS[0])
    body = write_body(tmp_path_factory.mktemp("body"), tiny_config(layers=1, dropout=0.0))
    return {**inputs, "body": body}


def heavy_share(kind: str, folder: Path, inputs: dict[str, Path], *, weighted: bool) -> float:
    """How often a model that was trained names the class whose rows are heavy."""
    shared: dict[str, Any] = {"epochs": 8, "batch_size": 8, "max_length": 32, "learning_rate": 3e-2}
    if kind == "fine_tune":
        train = Train(method="fine_tune", weighted=weighted, **shared)
        tuning = FineTuneParameters(model=LocalModel(source="local", path=str(inputs["body"])), train=train)
        fine_tune.run(tuning, job_context(folder, tuning, inputs))
    else:
        train = Train(method="distill", weighted=weighted, **shared)
        distilling = DistillParameters(layers=TeacherLayers(source="teacher", layers=1), train=train)
        distill_job.run(distilling, job_context(folder, distilling, inputs))
    student = open_classifier(folder / "model")
    answers = student.probabilities([one.input for one in read_examples(inputs["data"])]).argmax(axis=1)
    return float((answers == student.labels.index(LABELS[0])).mean())


@pytest.mark.parametrize("kind", ["fine_tune", "distill"])
def test_a_classifier_names_the_class_whose_rows_are_heavy(kind: str, tmp_path: Path, classes: dict[str, Path]) -> None:
    weighted = heavy_share(kind, tmp_path / "weighted", classes, weighted=True)
    assert weighted > heavy_share(kind, tmp_path / "plain", classes, weighted=False) + 0.3


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A language model drawn at random, and texts of which those count whose last word has four letters."""
    folder = tmp_path_factory.mktemp("texts")
    data = write_text_dataset(folder / "data", rows=32)
    weigh(data, _is_heavy)
    source = write_language_model(folder / "source")
    return {"data": data, "source": source, "teacher": write_language_model_job(folder / "teacher", source)}


def _is_heavy(one: Example) -> bool:
    return len(one.target) == 4


def likelihoods(folder: Path, data: Path) -> tuple[float, float]:
    """The mean log-likelihood of the completions of heavy and of light train rows."""
    opened = open_language_model(folder / "model")
    examples = [one for one in read_examples(data) if one.split is Split.TRAIN]
    found: tuple[list[float], list[float]] = ([], [])
    for one in examples:
        rows = causal_rows([one], TASK, opened.tokenizer, 64)
        ids = torch.from_numpy(rows.tokens.ids.astype("int64"))[None]
        with torch.inference_mode():
            logits = opened.model(input_ids=ids).logits[0, :-1].log_softmax(dim=-1)
        told = logits.gather(1, ids[0, 1:, None]).squeeze(1)
        found[not _is_heavy(one)].append(float(told[-int(rows.completion_lengths[0]) :].mean()))
    heavy, light = found
    return sum(heavy) / len(heavy), sum(light) / len(light)


def trained(kind: str, folder: Path, texts: dict[str, Path], *, weighted: bool) -> tuple[float, float]:
    shared: dict[str, Any] = {"epochs": 8, "batch_size": 8, "max_length": 64, "learning_rate": 1e-2}
    inputs = {"data": texts["data"]}
    if kind == "fine_tune":
        tuning = FineTuneParameters(
            model=LocalModel(source="local", path=str(texts["source"])),
            task=TASK,
            train=Train(method="fine_tune", weighted=weighted, **shared),
        )
        fine_tune.run(tuning, job_context(folder, tuning, inputs))
    else:
        train = Train(method="distill", alpha=0.2, weighted=weighted, **shared)
        distilling = DistillParameters(layers=TeacherLayers(source="teacher", layers=1), task=TASK, train=train)
        distill_job.run(distilling, job_context(folder, distilling, {**inputs, "teacher": texts["teacher"]}))
    return likelihoods(folder, texts["data"])


@pytest.mark.parametrize("kind", ["fine_tune", "distill"])
def test_a_language_model_learns_the_heavy_rows_and_leaves_the_light_ones(
    kind: str, tmp_path: Path, texts: dict[str, Path]
) -> None:
    heavy, light = trained(kind, tmp_path / "weighted", texts, weighted=True)
    plain_heavy, plain_light = trained(kind, tmp_path / "plain", texts, weighted=False)
    assert heavy > light
    assert heavy - light > plain_heavy - plain_light + 0.2
    assert light < plain_light
