"""A floor whose train rows count by their weights."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from floor import rows
from job_context import job_context

from core.data.examples import write_examples
from core.domain import Example, FloatArray, Split
from core.engines.baseline import model as baseline
from core.engines.baseline import train
from core.engines.baseline.distil import fit_logits
from core.engines.baseline.fitting import fit_targets, term_matrix, train_rows_of
from core.engines.baseline.trials import one_hot
from core.events import Finished, to_line
from core.jobs.folder import EVENTS_FILE
from core.jobs.results import PrepareResult, TrainResult
from core.jobs.specs import FineTuneParameters
from core.spec import BaselineModel, Train
from core.worker.context import JobContext

LABELS = ["card", "loan", "refund"]


@pytest.fixture
def context(tmp_path: Path) -> JobContext:
    parameters = FineTuneParameters(
        model=BaselineModel(source="baseline", kind="tfidf_linear"), train=Train(method="fine_tune")
    )
    made = job_context(tmp_path / "job", parameters, {})
    made.started("CPU")
    return made


@pytest.mark.parametrize("learnt", ["targets", "logits"])
def test_a_row_of_weight_two_counts_like_two_rows(context: JobContext, learnt: Literal["targets", "logits"]) -> None:
    examples = rows(60, 0.3)
    twice = [*examples, *examples[:20]]
    weights = np.array([2.0] * 20 + [1.0] * 40)
    planes = []
    for given, counted in ((examples, weights), (twice, None)):
        known = train_rows_of(given, LABELS, 1, counted)
        matrix = term_matrix(train_rows_of(examples, LABELS, 1), context)  # the same terms for both
        own = replace(matrix, rows=known, matrix=matrix.features.transform(known.texts))
        fit = fit_targets(own, 1, context) if learnt == "targets" else fit_logits(own, one_hot(known))
        planes.append(fit(np.arange(len(given))))
    assert planes[0].coefficients == pytest.approx(planes[1].coefficients, abs=5e-3)


def _finish(data: Path, weights: FloatArray) -> None:
    """Let the data's job have told these weights."""
    result = PrepareResult(
        rows_train=len(weights), rows_calibration=0, rows_test=0, dropped=(), labels=(), groups=1, duplicate_rows=0,
        input_length_p50=1, input_length_p95=1, input_length_max=1, label_entropy_bits=None, seconds=0.1,
        weights=tuple(weights.tolist()),
    )  # fmt: skip
    event = Finished(job_id="data", sequence=1, at=datetime.now(UTC), result=result.model_dump(mode="json"))
    (data / EVENTS_FILE).write_text(to_line(event) + "\n", encoding="utf-8")


def trained(folder: Path, weights: FloatArray, weighted: bool) -> tuple[baseline.BaselineClassifier, TrainResult]:
    """The floor on rows of which "money" is a refund in the first half, a loan in the second."""
    halves = [("refund", "g"), ("loan", "h")]
    examples = [
        Example(f"{group}{number}", Split.TRAIN, f"{group}{number}", f"money please {number % 7}", target)
        for target, group in halves
        for number in range(30)
    ]
    data = folder / "data"
    data.mkdir(parents=True)
    write_examples(data, examples)
    _finish(data, weights)
    parameters = FineTuneParameters(
        model=BaselineModel(source="baseline", kind="tfidf_linear"), train=Train(method="fine_tune", weighted=weighted)
    )
    result = train.run(parameters, job_context(folder / "job", parameters, {"data": data}))
    return baseline.load(folder / "job" / "model"), result


def test_what_counts_more_is_learnt(tmp_path: Path) -> None:
    heavy_loans = np.array([1.0] * 30 + [9.0] * 30)
    model, result = trained(tmp_path / "loans", heavy_loans, weighted=True)
    assert model.labels[model.probabilities(["money please"]).argmax(axis=1)[0]] == "loan"
    assert result.details["weighted"] is True
    model, _ = trained(tmp_path / "refunds", heavy_loans[::-1], weighted=True)
    assert model.labels[model.probabilities(["money please"]).argmax(axis=1)[0]] == "refund"


def test_weights_are_left_alone_where_the_training_does_not_ask(tmp_path: Path) -> None:
    heavy = np.array([1.0] * 30 + [9.0] * 30)
    plain, result = trained(tmp_path / "a", heavy, weighted=False)
    other, _ = trained(tmp_path / "b", heavy[::-1], weighted=False)
    assert np.array_equal(plain.probabilities(["money please"]), other.probabilities(["money please"]))
    assert "weighted" not in result.details
