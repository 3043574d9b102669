from __future__ import annotations

from pathlib import Path

import pytest
from form_support import TEXT_STUDY, missing_words, open_page
from pytestqt.qtbot import QtBot

from core.spec import Suite
from gui.app import Application
from gui.widgets.suites_card import CANDIDATES, CHAT, FOLDER, LIMIT, SHOTS, TASKS, SuitesCard, suites_specs
from gui.widgets.words_editor import WordsEditor

STUDY = f"{TEXT_STUDY}suites: [{{task: own, include_path: tasks, limit: 7}}]\n"


@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_every_field_has_its_words(language: str) -> None:
    assert missing_words(suites_specs(), language) == []


@pytest.fixture
def card(qtbot: QtBot, application: Application, tmp_path: Path) -> SuitesCard:
    return open_page(qtbot, application, tmp_path, STUDY).suites


def test_tasks_are_added_by_name_and_asked_as_the_others_are(application: Application, card: SuitesCard) -> None:
    draft = application.window.study_page._draft
    card.form.edited.emit(TASKS, ["own", "arc_easy"])
    card.form.edited.emit(SHOTS, 2)
    assert draft.study is not None
    assert draft.study.suites == [
        Suite(task="own", include_path="tasks", limit=7, num_fewshot=2),
        Suite(task="arc_easy", include_path="tasks", limit=7, num_fewshot=2),
    ]
    card.form.edited.emit(LIMIT, None)
    card.form.edited.emit(TASKS, ["arc_easy"])
    assert draft.study.suites == [Suite(task="arc_easy", include_path="tasks", num_fewshot=2)]
    draft.undo_stack.undo()
    assert [suite.task for suite in draft.study.suites] == ["own", "arc_easy"]


def test_the_chat_template_a_folder_of_tasks_and_who_is_asked_are_chosen_in_the_window(
    application: Application, card: SuitesCard
) -> None:
    draft = application.window.study_page._draft
    assert {spec.path.rpartition(".")[2] for spec in suites_specs()} == {"tasks"} | set(Suite.model_fields) - {"task"}
    card.form.edited.emit(CHAT, True)
    card.form.edited.emit(FOLDER, "mine")
    card.form.edited.emit(CANDIDATES, ["big"])
    assert draft.study is not None
    assert draft.study.suites == [
        Suite(task="own", include_path="mine", limit=7, chat_template=True, candidates=["big"])
    ]
    asked = card.form.rows[CANDIDATES].editor
    assert isinstance(asked, WordsEditor)
    assert list(asked.chips) == ["big"]
    card.form.edited.emit(CANDIDATES, [])  # nobody in particular is everybody
    assert draft.study is not None
    assert draft.study.suites[0].candidates is None


def test_only_tasks_are_asked_for_until_there_is_one(application: Application, card: SuitesCard) -> None:
    card.form.edited.emit(TASKS, [])
    assert [path for path, row in card.form.rows.items() if row.shown] == [TASKS]
    assert application.window.study_page._draft.study is not None


def test_a_study_of_classes_alone_offers_no_suites(qtbot: QtBot, open_study: Application) -> None:
    page = open_study.window.study_page
    assert not page.suites.isVisibleTo(page)
    assert not page.retrieval.isVisibleTo(page)
