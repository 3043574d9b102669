from __future__ import annotations

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot
from window_support import fake_worker, job_states, open_in

from core.domain import JobState
from core.store import StudyStore
from gui.app import Application
from gui.models.jobs import ROW_ROLE
from gui.pages.page import PageMark
from gui.pages.runs import RunsPage


@pytest.fixture
def page(open_study: Application) -> RunsPage:
    open_study.window.show_page("runs")
    found = open_study.window.pages["runs"]
    assert isinstance(found, RunsPage)
    return found


def test_a_fresh_study_says_how_many_jobs_stand_between_question_and_answer(page: RunsPage) -> None:
    assert "4 jobs stand between" in page.sentence.text()
    assert page.main_button.text() == "Start 4 jobs"
    assert page.mark is PageMark.MISSING
    assert page.mark_text == "4"


def test_the_main_button_runs_the_queue_and_then_leads_to_the_decision(
    qtbot: QtBot, open_study: Application, page: RunsPage
) -> None:
    open_study.queue.command_of = fake_worker("succeed")
    page.main_button.click()
    assert page.main_button.isHidden()
    assert page.pause_button.isVisible()
    qtbot.waitUntil(lambda: page.mark is PageMark.DONE, timeout=60_000)
    qtbot.waitUntil(page.main_button.isVisible, timeout=60_000)
    assert page.sentence.text().startswith("All 4 jobs are done")
    page.main_button.click()
    assert open_study.window.current_page == "decide"


def test_rows_keep_their_order_while_jobs_run(qtbot: QtBot, open_study: Application, page: RunsPage) -> None:
    order = [row.job_id for row in open_study.context.document.jobs]
    resets: list[int] = []
    page.model.modelReset.connect(lambda: resets.append(1))
    open_study.queue.command_of = fake_worker("succeed")
    page.main_button.click()
    qtbot.waitUntil(lambda: page.mark is PageMark.DONE, timeout=60_000)
    assert resets == []
    assert [page.model.index(i, 0).data(ROW_ROLE).job_id for i in range(4)] == order


def test_a_failed_job_shows_its_sentence_and_can_be_tried_again(
    qtbot: QtBot, open_study: Application, page: RunsPage
) -> None:
    open_study.queue.command_of = fake_worker("fail", "succeed")
    page.main_button.click()
    qtbot.waitUntil(lambda: page.mark is PageMark.ATTENTION and not open_study.queue.active, timeout=5000)
    assert "The test wanted it so." in page.details.detail.text()
    assert page.details.again_button.isVisible()
    page.details.again_button.click()
    qtbot.waitUntil(lambda: job_states(open_study) == [JobState.SUCCEEDED] * 4, timeout=60_000)


def test_the_log_of_the_chosen_job_is_shown(qtbot: QtBot, open_study: Application, page: RunsPage) -> None:
    open_study.queue.command_of = fake_worker("succeed")
    page.main_button.click()
    qtbot.waitUntil(lambda: page.mark is PageMark.DONE, timeout=60_000)
    page.list.setCurrentIndex(page.model.index(0, 0))
    qtbot.waitUntil(lambda: "one line for the log" in page.details.log.text(), timeout=3000)


def test_the_log_follows_the_language_and_what_a_library_said_stays(
    qtbot: QtBot, open_study: Application, page: RunsPage
) -> None:
    open_study.queue.command_of = fake_worker("succeed")
    page.main_button.click()
    qtbot.waitUntil(lambda: page.mark is PageMark.DONE, timeout=60_000)
    page.list.setCurrentIndex(page.model.index(0, 0))
    qtbot.waitUntil(lambda: "resumed from checkpoint at step 3" in page.details.log.text(), timeout=3000)
    open_study.context.preferences.change(language="zh_CN")
    shown = [page.details.log_view.model().index(row, 0).data() for row in range(page.details.log.rowCount())]
    assert [line.split("  ")[1] for line in shown] == [
        "第 1 次运行（设备：none）",
        "one line for the log",
        "已从第 3 步的检查点继续",
    ]


def test_the_running_job_stands_in_the_top_bar(qtbot: QtBot, open_study: Application, page: RunsPage) -> None:
    open_study.queue.command_of = fake_worker("wait")
    page.main_button.click()
    qtbot.waitUntil(lambda: "25" in open_study.window.top_bar.pill.text(), timeout=5000)
    assert "Prepare the data" in open_study.window.top_bar.pill.text()
    assert page.mark is PageMark.RUNNING


def test_a_study_that_cannot_be_planned_says_why_and_offers_no_start(
    qtbot: QtBot, application: Application, stored_study: Path
) -> None:
    stored_study.with_name("small.csv").unlink()
    open_in(qtbot, application, stored_study)
    application.window.show_page("runs")
    page = application.window.pages["runs"]
    assert "small.csv" in page.sentence.text()
    assert not page.main_button.isVisible() or not page.main_button.isEnabled()


def test_a_read_only_study_offers_no_start(qtbot: QtBot, application: Application, stored_study: Path) -> None:
    with StudyStore.open(stored_study, write=True):
        open_in(qtbot, application, stored_study)
        application.window.show_page("runs")
        assert application.window.pages["runs"].main_button.isHidden()


def test_a_job_that_does_not_fit_into_memory_can_be_started_anyway(
    qtbot: QtBot, open_study: Application, page: RunsPage
) -> None:
    open_study.queue.command_of = fake_worker("too_large")
    page.main_button.click()
    qtbot.waitUntil(lambda: page.mark is PageMark.ATTENTION and not open_study.queue.active, timeout=5000)
    assert "9000 MiB" in page.details.detail.text()
    assert page.details.anyway_button.isVisible()
    page.details.again_button.click()
    qtbot.waitUntil(lambda: open_study.context.document.jobs[0].attempt == 2, timeout=5000)
    qtbot.waitUntil(lambda: job_states(open_study)[0] is JobState.FAILED, timeout=5000)
    page.details.anyway_button.click()
    qtbot.waitUntil(lambda: job_states(open_study)[0] is JobState.SUCCEEDED, timeout=60_000)
    assert page.details.anyway_button.isHidden()


def test_a_job_that_failed_otherwise_offers_no_start_anyway(
    qtbot: QtBot, open_study: Application, page: RunsPage
) -> None:
    open_study.queue.command_of = fake_worker("fail")
    page.main_button.click()
    qtbot.waitUntil(lambda: page.mark is PageMark.ATTENTION and not open_study.queue.active, timeout=5000)
    assert page.details.anyway_button.isHidden()
