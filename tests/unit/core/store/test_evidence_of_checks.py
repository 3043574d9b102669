"""Answers that were asked for again are evidence as they stand, and as they were at first."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from evidence_by_hand import benchmark

from core.domain import Example, JobState, Split
from core.events import PredictionItem
from core.jobs.results import CheckResult, PrepareResult, ReAskedRow
from core.store import StudyStore, writes
from core.study_file import LoadedStudy

DATA, MEASURED, CHECKED = "d" * 16, "b" * 16, "c" * 16
PREPARED = PrepareResult(
    rows_train=0, rows_calibration=0, rows_test=2, dropped=(), labels=("x",), groups=2, duplicate_rows=0,
    input_length_p50=1, input_length_p95=1, input_length_max=1, label_entropy_bits=1.0, seconds=0.1,
)  # fmt: skip


@pytest.fixture
def store(tmp_path: Path, predictions_study: LoadedStudy) -> Iterator[StudyStore]:
    """The teacher's first answers with 5 and 6 tokens, of which the second was asked for again with 9 more."""
    found = predictions_study
    made = StudyStore.create(tmp_path / "s.tercet", found.study, found.base, found.text)
    name = found.study.candidates[0].name
    jobs = [
        {"job_id": job, "kind": kind, "candidates": [], "position": place, "depends_on": [], "spec": {}}
        for place, (job, kind) in enumerate(((DATA, "prepare"), (MEASURED, "benchmark"), (CHECKED, "check")))
    ]
    with made.writing() as connection:
        writes.put_plan(connection, jobs, [("", "data", DATA), (name, "benchmark", MEASURED), (name, "check", CHECKED)])
        writes.put_examples(connection, DATA, [Example(f"r{row}", Split.TEST, f"g{row}", "a", "x") for row in range(2)])
        for job, tokens in ((MEASURED, (5, 6)), (CHECKED, (5, 15))):
            items = [
                PredictionItem(example_id=f"r{row}", output="x", score=1.0, input_tokens=count)
                for row, count in enumerate(tokens)
            ]
            writes.add_predictions(connection, job, items)
    with made:
        yield made


def finish(store: StudyStore, re_asked: int) -> None:
    rows = tuple(ReAskedRow(example_id="r1", milliseconds=20.0) for _ in range(re_asked))
    checked = CheckResult(
        rows=2, failed=1, re_asked=re_asked, corrected=0, by_check=(), re_asked_rows=rows, seconds=1.0
    )
    with store.writing() as connection:
        for job, result in ((DATA, PREPARED), (MEASURED, benchmark()), (CHECKED, checked)):
            writes.put_result(connection, job, result.model_dump(mode="json"))
            writes.update_job(connection, job, state=JobState.SUCCEEDED.value)


def test_first_answers_stand_beside_those_that_were_asked_for_again(store: StudyStore) -> None:
    finish(store, re_asked=1)
    candidate = store.evidence().candidates[0]
    assert candidate.test is not None
    assert candidate.first is not None
    np.testing.assert_array_equal(candidate.test.input_tokens, [5.0, 15.0])
    np.testing.assert_array_equal(candidate.first.input_tokens, [5.0, 6.0])
    assert candidate.checking is not None
    assert [row.example_id for row in candidate.checking.re_asked_rows] == ["r1"]


def test_where_nothing_is_asked_again_first_answers_are_those_that_stand(store: StudyStore) -> None:
    finish(store, re_asked=0)
    assert store.evidence().candidates[0].first is None
