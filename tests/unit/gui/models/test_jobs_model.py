from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from PySide6.QtTest import QAbstractItemModelTester

from core.domain import JobKind, JobRow, JobState
from gui.app import Application
from gui.models.jobs import DETAIL_ROLE, SHARE_ROLE, Column, JobTableModel, LiveProgress

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def job(number: int, state: JobState = JobState.QUEUED, **values: object) -> JobRow:
    row = JobRow(
        job_id=f"job{number}",
        kind=JobKind.BENCHMARK,
        candidates=(f"student-{number}",),
        state=state,
        position=number,
        attempt=1,
        progress=0.0,
        step=0,
        total_steps=0,
        phase=None,
        remaining_s=None,
        message_code=None,
        message_values={},
        message_text=None,
        created_at=NOW,
        started_at=None,
        finished_at=None,
        superseded=False,
        depends_on=(),
    )
    return replace(row, **values)  # type: ignore[arg-type]  # keywords of the row


@pytest.fixture
def model(application: Application) -> Iterator[JobTableModel]:
    made = JobTableModel(application.context.translator)
    tester = QAbstractItemModelTester(made, QAbstractItemModelTester.FailureReportingMode.Warning)
    yield made
    tester.deleteLater()


def text(model: JobTableModel, line: int, column: Column = Column.TITLE) -> str:
    return str(model.index(line, column).data())


def test_rows_are_told_in_words(model: JobTableModel) -> None:
    model.set_rows([job(1), job(2, JobState.FAILED, message_text="It broke.")])
    assert text(model, 0) == "Measure student-1"
    assert text(model, 1, Column.STATE) == "failed"
    assert text(model, 1, Column.DETAIL) == "It broke."


def test_names_and_the_reason_inside_a_failure_follow_the_language(
    application: Application, model: JobTableModel
) -> None:
    reason = {"code": "endpoint.reason.timeout", "values": {}, "text": "timeout"}
    values = {"url": "u", "given_up": 10, "rows": 20, "failed": 50, "sent": 70, "share": 0.7, "reason": reason}
    failed = {"message_code": "endpoint.half_broken", "message_values": values, "message_text": "the last: timeout"}
    model.set_rows([job(1, JobState.FAILED, candidates=("big", "small"), **failed)])
    assert text(model, 0) == "Measure big, small"
    assert "timeout" in text(model, 0, Column.DETAIL)
    application.context.preferences.change(language="zh_CN")
    assert text(model, 0) == "测量 big、small"
    assert "超时" in text(model, 0, Column.DETAIL)
    assert "timeout" not in text(model, 0, Column.DETAIL)


def test_the_same_jobs_are_updated_in_place(model: JobTableModel) -> None:
    model.set_rows([job(1), job(2)])
    resets, changes = [], []
    model.modelReset.connect(lambda: resets.append(1))
    model.dataChanged.connect(lambda first, _last: changes.append(first.row()))
    model.set_rows([job(1), job(2, JobState.RUNNING)])
    assert (resets, changes) == ([], [1])
    model.set_rows([job(2), job(3)])
    assert resets == [1]


def test_live_progress_outranks_the_stored_one_while_the_job_runs(model: JobTableModel) -> None:
    running = job(1, JobState.RUNNING, phase="phase.none", step=1, total_steps=10, progress=0.1)
    model.set_rows([running])
    model.set_live("job1", LiveProgress("phase.none", 5, 10, 41.0))
    assert model.index(0, 0).data(SHARE_ROLE) == 0.5
    assert "41 s left" in text(model, 0, Column.DETAIL)
    finished = replace(running, state=JobState.SUCCEEDED, started_at=NOW, finished_at=NOW + timedelta(minutes=2))
    model.set_rows([finished])
    assert model.index(0, 0).data(SHARE_ROLE) == 1.0
    assert text(model, 0, Column.DETAIL) == "took 2 min"


def test_a_waiting_job_names_what_it_waits_for(model: JobTableModel) -> None:
    model.set_rows([job(1), job(2, depends_on=("job1",))])
    assert model.index(1, 0).data(DETAIL_ROLE) == "after: Measure student-1"
    assert model.index(0, 0).data(DETAIL_ROLE) == "ready to run"
