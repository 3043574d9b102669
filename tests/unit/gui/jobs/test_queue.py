from __future__ import annotations

import time
from itertools import pairwise
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot
from window_support import fake_worker, job_states, open_in

from core.domain import JobState
from core.errors import UserError
from core.jobs import session
from core.jobs.machine_checks import LeftOut, Refusal
from gui.app import Application

DONE, QUEUED = JobState.SUCCEEDED, JobState.QUEUED


def test_starting_runs_every_job_in_the_order_of_the_plan(qtbot: QtBot, open_study: Application) -> None:
    queue, order = open_study.queue, []
    queue.job_ended.connect(lambda job_id, _code: order.append(job_id))
    queue.command_of = fake_worker("succeed")
    queue.start()
    qtbot.waitUntil(lambda: not queue.active and queue.running_job is None, timeout=60_000)
    assert job_states(open_study) == [DONE] * 4
    assert order == [row.job_id for row in open_study.context.document.jobs]


def test_a_failed_job_stops_only_what_needs_it(qtbot: QtBot, open_study: Application) -> None:
    queue = open_study.queue
    queue.command_of = fake_worker("succeed", "fail", "succeed")
    queue.start()
    qtbot.waitUntil(lambda: not queue.active and queue.running_job is None, timeout=60_000)
    assert job_states(open_study) == [DONE, JobState.FAILED, DONE, QUEUED]


def test_a_failed_job_can_be_tried_again(qtbot: QtBot, open_study: Application) -> None:
    queue = open_study.queue
    queue.command_of = fake_worker("fail", "succeed")
    queue.start()
    qtbot.waitUntil(lambda: job_states(open_study)[0] is JobState.FAILED and not queue.active, timeout=5000)
    queue.retry(open_study.context.document.jobs[0].job_id)
    qtbot.waitUntil(lambda: job_states(open_study) == [DONE] * 4, timeout=60_000)


def test_a_worker_that_dies_without_a_word_leaves_its_job_interrupted(qtbot: QtBot, open_study: Application) -> None:
    queue = open_study.queue
    queue.command_of = fake_worker("die")
    queue.start()
    qtbot.waitUntil(lambda: job_states(open_study)[0] is JobState.INTERRUPTED, timeout=5000)
    assert open_study.context.document.jobs[0].message_code == "job.vanished"


def test_cancelling_the_running_job_keeps_the_queue_going_without_it(qtbot: QtBot, open_study: Application) -> None:
    queue = open_study.queue
    queue.command_of = fake_worker("succeed", "wait", "succeed")
    queue.start()
    qtbot.waitUntil(lambda: job_states(open_study)[1] is JobState.RUNNING and queue.live is not None, timeout=5000)
    queue.cancel(queue.running_job or "")
    qtbot.waitUntil(lambda: not queue.active and queue.running_job is None, timeout=8000)
    assert job_states(open_study) == [DONE, JobState.CANCELLED, DONE, QUEUED]


def test_a_waiting_job_is_cancelled_at_once(qtbot: QtBot, open_study: Application) -> None:
    last = open_study.context.document.jobs[-1].job_id
    open_study.queue.cancel(last)
    qtbot.waitUntil(lambda: job_states(open_study)[-1] is JobState.CANCELLED)


def test_pausing_lets_the_running_job_finish_and_starts_no_other(qtbot: QtBot, open_study: Application) -> None:
    queue = open_study.queue
    queue.command_of = fake_worker("chatty")
    queue.start()
    qtbot.waitUntil(lambda: queue.running_job is not None, timeout=5000)
    queue.pause()
    qtbot.waitUntil(lambda: queue.running_job is None and job_states(open_study)[0] is DONE, timeout=8000)
    assert job_states(open_study) == [DONE, QUEUED, QUEUED, QUEUED]


def test_progress_is_told_at_most_ten_times_a_second(qtbot: QtBot, open_study: Application) -> None:
    queue, told = open_study.queue, []
    queue.progressed.connect(lambda _job_id: told.append(time.monotonic()))
    queue.command_of = fake_worker("chatty")
    queue.start()
    qtbot.waitUntil(lambda: job_states(open_study)[0] is DONE, timeout=8000)
    queue.pause()
    qtbot.waitUntil(lambda: queue.running_job is None, timeout=8000)
    gaps = [later - earlier for earlier, later in pairwise(told)]
    assert len(told) >= 3
    assert min(gaps) > 0.08


def test_curve_and_log_of_a_running_job_reach_the_store(qtbot: QtBot, open_study: Application) -> None:
    queue, document = open_study.queue, open_study.context.document
    queue.command_of = fake_worker("succeed")
    queue.start()
    qtbot.waitUntil(lambda: job_states(open_study)[0] is DONE, timeout=5000)
    answers: list[tuple[int, list[str]]] = []
    job_id = document.jobs[0].job_id
    document.query(
        lambda store: (len(store.metrics(job_id, "loss")), [line.text for line in store.log(job_id)]), answers.append
    )
    qtbot.waitUntil(lambda: bool(answers))
    assert answers[0][0] == 5
    assert "one line for the log" in answers[0][1]


def test_closing_the_window_leaves_the_job_resumable_and_reopening_goes_on(
    qtbot: QtBot, open_study: Application, stored_study: Path
) -> None:
    queue = open_study.queue
    queue.command_of = fake_worker("wait", "succeed")
    queue.start()
    qtbot.waitUntil(lambda: queue.live is not None, timeout=5000)
    open_study.window.commands.close()
    qtbot.waitUntil(lambda: not open_study.context.document.is_open, timeout=5000)
    open_in(qtbot, open_study, stored_study)
    assert any("interrupted" in text for text in open_study.window.message_bar.texts)
    qtbot.waitUntil(lambda: job_states(open_study) == [DONE] * 4, timeout=60_000)
    assert open_study.context.document.jobs[0].attempt == 2


def test_what_this_machine_cannot_do_is_left_out_with_a_warning_and_the_rest_goes_on(
    qtbot: QtBot, open_study: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue, last = open_study.queue, open_study.context.document.jobs[-1].job_id
    why = UserError("compress.language_int4_needs_gpu", path="candidates: both", device="CPU")
    left = LeftOut((Refusal(last, why, ("both",)),), frozenset({last}))
    monkeypatch.setattr(session, "left_out", lambda plan, done: left)
    queue.command_of = fake_worker("succeed")
    queue.start()
    qtbot.waitUntil(lambda: not queue.active and queue.running_job is None, timeout=60_000)
    assert job_states(open_study) == [DONE, DONE, DONE, QUEUED]
    told = [line.label.text() for line in open_study.window.message_bar._lines]
    assert any(text.startswith("both: left out of this run, the others go on; candidates: both: ") for text in told)
