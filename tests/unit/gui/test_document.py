from __future__ import annotations

from pathlib import Path

from pytestqt.qtbot import QtBot
from window_support import open_in

from core.errors import UserError
from core.spec import Study
from core.store import StudyStore
from core.study_file import dump_study
from gui.app import Application
from gui.document import SaveState


def with_budget(study: Study, budget: float) -> Study:
    document = study.model_dump(mode="json")
    document["criteria"]["cost"]["monthly_budget"] = budget
    return Study.model_validate(document)


def test_opening_plans_the_jobs_and_reads_them(open_study: Application) -> None:
    document = open_study.context.document
    assert document.writable
    assert document.study.name == "Measured elsewhere"
    assert [row.kind.value for row in document.jobs] == ["prepare", "benchmark", "benchmark", "route"]


def test_a_saved_edit_is_in_the_file(qtbot: QtBot, open_study: Application, stored_study: Path) -> None:
    document = open_study.context.document
    document.save(with_budget(document.study, 77.0))
    assert document.save_state is SaveState.SAVING
    qtbot.waitUntil(lambda: document.save_state is SaveState.SAVED)
    assert document.study.criteria.cost.monthly_budget == 77.0
    other = StudyStore.open(stored_study, write=False)
    assert other.study().criteria.cost.monthly_budget == 77.0
    other.close()


def test_a_missing_file_is_refused_and_no_study_is_open(qtbot: QtBot, application: Application, tmp_path: Path) -> None:
    document = application.context.document
    with qtbot.waitSignal(document.problem) as told:
        document.open(tmp_path / "absent.tercet")
    assert isinstance(told.args[0], UserError)
    assert not document.is_open
    assert list(tmp_path.iterdir()) == []


def test_a_study_that_another_process_writes_is_read_only_and_follows_it(
    qtbot: QtBot, application: Application, stored_study: Path
) -> None:
    document = application.context.document
    with StudyStore.open(stored_study, write=True) as writer:
        writer.save_study(with_budget(writer.study(), 98.0), writer.base(), writer.text())
        open_in(qtbot, application, stored_study)
        assert not document.writable
        assert document.save_state is SaveState.READ_ONLY
        edited = with_budget(writer.study(), 99.0)
        writer.save_study(edited, writer.base(), dump_study(edited))
        qtbot.waitUntil(lambda: document.study.criteria.cost.monthly_budget == 99.0, timeout=4000)


def test_answers_for_a_study_that_was_closed_meanwhile_are_dropped(qtbot: QtBot, open_study: Application) -> None:
    document = open_study.context.document
    answers: list[int] = []
    document.query(lambda store: store.data_version(), answers.append)
    document.close()
    qtbot.waitUntil(lambda: not open_study.context.background.busy)
    assert answers == []


def test_a_study_whose_files_are_gone_opens_and_says_what_is_missing(
    qtbot: QtBot, application: Application, stored_study: Path
) -> None:
    stored_study.with_name("big.csv").unlink()
    open_in(qtbot, application, stored_study)
    problem = application.context.document.snapshot.plan_problem
    assert problem is not None
    assert "big.csv" in problem.text
