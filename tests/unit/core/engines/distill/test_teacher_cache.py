"""The teacher's outputs: right, computed once, and gone on with after a stop."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from job_context import RecordingContext, job_context

from core.domain import FloatArray
from core.engines.distill import teacher_cache
from core.engines.distill.teacher_cache import PHASE, teacher_log_probabilities
from core.engines.models.opening import open_classifier
from core.engines.models.protocol import Classifier
from core.jobs.specs import DistillParameters
from core.spec import Train
from core.worker.context import Stopped

INPUTS = [" ".join(["my card"] * (1 + index % 7)) + f" {index}" for index in range(20)]


class CountingTeacher:
    """Answers from a formula and counts the rows that it was asked."""

    labels: tuple[str, ...] = ("a", "b", "c")
    runtime = "sklearn"
    device = "CPU"
    parameters = 3
    weight_bytes = 12

    def __init__(self) -> None:
        self.asked: list[str] = []

    def probabilities(self, inputs: Sequence[str]) -> FloatArray:
        self.asked.extend(inputs)
        share = np.array([len(text) / 100 for text in inputs])
        return np.stack([share, 1 - share, np.zeros(len(inputs))], axis=1)

    def token_counts(self, inputs: Sequence[str]) -> None:
        return None


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(teacher_cache, "BATCH_ROWS", 4)


def context(folder: Path, stop_after: int | None = None) -> RecordingContext:
    parameters = DistillParameters(train=Train(method="distill"))
    made = job_context(folder, parameters, {}, lambda c: stop_after is not None and c.steps(PHASE) >= stop_after)
    made.started("CPU")
    return made


def outputs(teacher: Classifier, folder: Path, stop_after: int | None = None, sha: str = "t1") -> FloatArray:
    """What the teacher says, in the folder of a job that stands alone in its study."""
    job = folder / "jobs" / "one"
    made = teacher_log_probabilities(teacher, sha, INPUTS, job / "outputs", context(job, stop_after))
    return np.asarray(made, dtype=np.float64)


def test_rows_stand_in_the_order_of_the_data_and_an_impossible_class_is_finite(tmp_path: Path) -> None:
    teacher = CountingTeacher()
    found = outputs(teacher, tmp_path)
    assert np.exp(found[:, 0]) == pytest.approx([len(text) / 100 for text in INPUTS], rel=1e-5)
    assert np.isfinite(found).all()
    assert sorted(teacher.asked) == sorted(INPUTS)


def test_log_probabilities_are_those_of_the_teacher_in_evaluation_mode(teacher: Path, tmp_path: Path) -> None:
    classifier = open_classifier(teacher / "model")
    first, second = outputs(classifier, tmp_path / "a"), outputs(classifier, tmp_path / "b")
    assert np.exp(first) == pytest.approx(classifier.probabilities(INPUTS), abs=1e-6)
    # Dropout would make any two passes differ.
    assert (first == second).all()


def test_stopped_pass_goes_on_with_the_rows_that_are_missing(tmp_path: Path) -> None:
    whole = outputs(CountingTeacher(), tmp_path / "whole")
    with pytest.raises(Stopped):
        outputs(CountingTeacher(), tmp_path / "cut", stop_after=8)
    rest = CountingTeacher()
    assert (outputs(rest, tmp_path / "cut") == whole).all()
    assert len(rest.asked) == len(INPUTS) - 8


def test_finished_outputs_are_not_computed_again(tmp_path: Path) -> None:
    outputs(CountingTeacher(), tmp_path)
    again = CountingTeacher()
    outputs(again, tmp_path)
    assert again.asked == []


def test_outputs_of_another_teacher_are_not_used(tmp_path: Path) -> None:
    outputs(CountingTeacher(), tmp_path)
    other = CountingTeacher()
    outputs(other, tmp_path, sha="t2")
    assert len(other.asked) == len(INPUTS)
