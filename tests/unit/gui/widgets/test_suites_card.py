from __future__ import annotations

from pathlib import Path

import pytest
from form_support import TEXT_STUDY, missing_words, open_page
from pytestqt.qtbot import QtBot

from core.spec import Suite
from gui.app import Application
from gui.widgets.suites_card import LIMIT, SHOTS, TASKS, SuitesCard, suites_specs

STUDY = f"{TEXT_STUDY}suites: [{{task: own, include_path: tasks, limit: 7}}]\n"


@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_every_field_has_its_words(language: str) -> None:
    assert missing_words(suites_specs(), language) == []


@pytest.fixture
def card(qtbot: QtBot, application: Application, tmp_path: Path) -> SuitesCard:
    return open_page(qtbot, application, tmp_path, STUDY).suites


def test_tasks_are_added_by_name_and_the_others_keep_what_they_say(application: Application, card: SuitesCard) -> None:
    draft = application.window.study_page._draft
    card.form.edited.emit(TASKS, ["own", "arc_easy"])
    card.form.edited.emit(SHOTS, 2)
    assert draft.study is not None
    assert draft.study.suites == [
        Suite(task="own", include_path="tasks", limit=7, num_fewshot=2),
        Suite(task="arc_easy", limit=7, num_fewshot=2),
    ]
    card.form.edited.emit(LIMIT, None)
    card.form.edited.emit(TASKS, ["arc_easy"])
    assert draft.study.suites == [Suite(task="arc_easy", num_fewshot=2)]
    draft.undo_stack.undo()
    assert [suite.task for suite in draft.study.suites] == ["own", "arc_easy"]


def test_a_study_of_classes_alone_offers_no_suites(qtbot: QtBot, open_study: Application) -> None:
    page = open_study.window.study_page
    assert not page.suites.isVisibleTo(page)
    assert not page.retrieval.isVisibleTo(page)
