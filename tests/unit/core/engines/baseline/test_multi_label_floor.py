"""The floor on rows with any number of labels: trained, stored, measured."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from floor import COMMON, LABELS, WORDS
from job_context import job_context
from sklearn.metrics import f1_score

from core.data.examples import write_examples
from core.data.predictions import read_predictions
from core.domain import Example, Split
from core.engines import fine_tune
from core.engines.baseline.model import load
from core.engines.benchmark import job, plan
from core.errors import UserError
from core.jobs.results import TrainResult
from core.jobs.specs import BenchmarkParameters, FineTuneParameters
from core.metrics.label_sets import best_threshold, labels_of, written
from core.spec import BaselineModel, Task, Train
from core.worker.context import Stopped

TASK = Task(kind="multi_label", metric="micro_f1")
PARAMETERS = FineTuneParameters(
    model=BaselineModel(source="baseline", kind="tfidf_linear"), task=TASK, train=Train(method="fine_tune")
)


def rows(count: int, seed: int = 1, split: Split = Split.TRAIN) -> list[Example]:
    """Messages that name each of their labels by one word; some have none, some have all."""
    random = np.random.default_rng(seed)
    examples = []
    for index in range(count):
        labels = [label for label in LABELS if random.random() < 0.4]
        words = [*random.choice(COMMON, 4), *(str(random.choice(WORDS[label].split())) for label in labels)]
        random.shuffle(words)
        name = f"{split.value}{seed}-{index}"
        examples.append(Example(name, split, name, " ".join(words), written(labels)))
    return examples


@pytest.fixture(scope="module")
def floor(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, TrainResult]:
    folder = tmp_path_factory.mktemp("floor")
    data = folder / "data"
    data.mkdir()
    write_examples(data, [*rows(200), *rows(60, 2, Split.TEST)])
    result = fine_tune.run(PARAMETERS, job_context(folder / "job", PARAMETERS, {"data": data}))
    return folder, result


def test_every_label_has_a_probability_of_its_own(floor: tuple[Path, TrainResult]) -> None:
    model = load(floor[0] / "job" / "model")
    assert model.labels == LABELS
    both = model.probabilities(["please my card was stolen and the mortgage rate", " ".join(COMMON)])
    assert (both[0, :2] > 0.5).all()
    assert (both[1] < 0.5).all()


def test_it_is_measured_by_the_labels_it_gives(floor: tuple[Path, TrainResult]) -> None:
    folder, result = floor
    parameters = BenchmarkParameters(task=TASK)
    context = job_context(folder / "benchmark", parameters, {"data": folder / "data", "model": folder / "job"})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plan, "SINGLE_SECONDS_AT_MOST", 0.1)
        patch.setattr(plan, "THROUGHPUT_SECONDS_AT_MOST", 0.1)
        measured = job.run(parameters, context)
    assert measured.runtimes[0].runtime == "scikit-learn"
    targets = {example.example_id: example.target for example in rows(60, 2, Split.TEST)}
    predictions = read_predictions(context.folder)
    assert {one.example_id for one in predictions} == set(targets)
    matrices = [
        np.array([[label in labels_of(text) for label in LABELS] for text in texts])
        for texts in ([targets[one.example_id] for one in predictions], [one.output for one in predictions])
    ]
    assert f1_score(*matrices, average="micro") > 0.9
    assert result.details["out_of_fold_micro_f1"] == pytest.approx(f1_score(*matrices, average="micro"), abs=0.08)
    assert all(one.confidence is not None and 0.0 < one.confidence <= 1.0 for one in predictions)


def test_the_same_rows_give_the_same_weights(tmp_path: Path, floor: tuple[Path, TrainResult]) -> None:
    data = floor[0] / "data"
    again = job_context(tmp_path / "again", PARAMETERS, {"data": data})
    fine_tune.run(PARAMETERS, again)
    texts = [example.input for example in rows(20, 3)]
    first, second = (load(folder / "model").probabilities(texts) for folder in (floor[0] / "job", tmp_path / "again"))
    assert np.array_equal(first, second)


def test_labels_that_all_rows_have_or_one_has_are_fitted_too(tmp_path: Path) -> None:
    examples = [
        Example(
            f"r{row}", Split.TRAIN, f"g{row}", f"message number {row} hello", written(["all", *(["rare"] * (row == 3))])
        )
        for row in range(12)
    ]
    (tmp_path / "data").mkdir()
    write_examples(tmp_path / "data", examples)
    fine_tune.run(PARAMETERS, job_context(tmp_path / "job", PARAMETERS, {"data": tmp_path / "data"}))
    model = load(tmp_path / "job" / "model")
    assert model.labels == ("all", "rare")
    assert (model.probabilities(["anything"])[:, 0] >= 0.5).all()


def test_rows_without_any_label_teach_nothing(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    write_examples(tmp_path / "data", [Example(f"r{row}", Split.TRAIN, f"g{row}", "hello", "[]") for row in range(4)])
    with pytest.raises(UserError, match="no train row has a label"):
        fine_tune.run(PARAMETERS, job_context(tmp_path / "job", PARAMETERS, {"data": tmp_path / "data"}))


def test_it_stops_between_two_fits(tmp_path: Path, floor: tuple[Path, TrainResult]) -> None:
    context = job_context(tmp_path, PARAMETERS, {"data": floor[0] / "data"}, lambda own: own.steps("phase.fit") >= 2)
    with pytest.raises(Stopped):
        fine_tune.run(PARAMETERS, context)
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize("seed", range(5))
def test_no_other_threshold_gives_a_better_micro_f1(seed: int) -> None:
    random = np.random.default_rng(seed)
    decisions = np.round(random.normal(size=(30, 3)), 1)
    wanted = decisions + random.normal(size=(30, 3)) > 0.8

    def f1(threshold: float) -> float:
        return float(f1_score(wanted, decisions >= threshold, average="micro", zero_division=0.0))

    best = f1(best_threshold(decisions, wanted))
    assert best == pytest.approx(max(f1(cut) for cut in np.unique(decisions)))


@pytest.mark.parametrize("decisions", [[[0.5], [0.1], [-2.0]], [[1.0], [1.0], [1.0]]])
def test_where_all_labels_are_given_no_decision_hangs_on_rounding(decisions: list[list[float]]) -> None:
    found = best_threshold(np.array(decisions), np.ones((3, 1), dtype=np.bool_))
    assert np.min(decisions) - found > 5e-5
