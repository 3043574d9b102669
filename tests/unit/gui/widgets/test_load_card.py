from __future__ import annotations

from pathlib import Path

import pytest
from form_support import TEXT_STUDY, missing_words, open_page
from pytestqt.qtbot import QtBot

from core.spec import LoadPlan
from gui.app import Application
from gui.pages.study import StudyPage
from gui.widgets.load_card import CANDIDATES, RATES, load_specs
from gui.widgets.words_editor import WordsEditor

TWO_MORE = """
  - {name: looks-up, role: student, retrieval: true, model: {source: hub, id: org/model}}
  - {name: measured, role: student, model: {source: predictions, file: measured.csv}}
"""
STUDY = TEXT_STUDY.replace("candidates: [", "candidates:\n  - ").replace("}}]", "}}") + TWO_MORE.lstrip("\n")


@pytest.fixture
def page(qtbot: QtBot, application: Application, tmp_path: Path) -> StudyPage:
    return open_page(qtbot, application, tmp_path, f"{STUDY}retrieval: {{documents: docs, method: bm25}}\n")


@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_every_field_has_its_words(language: str) -> None:
    assert missing_words(load_specs(), language) == []


def test_every_field_of_the_study_file_can_be_edited() -> None:
    assert {spec.path.removeprefix("load.") for spec in load_specs()} == set(LoadPlan.model_fields)


def test_a_test_is_added_edited_and_taken_back(page: StudyPage) -> None:
    card, draft = page.load_test, page._draft
    assert not card.form.isVisibleTo(card)
    card.toggle_button.click()
    card.form.edited.emit("load.concurrency", [1, 2])
    card.form.edited.emit(CANDIDATES, ["big"])
    assert draft.study is not None
    assert draft.study.load == LoadPlan(concurrency=[1, 2], candidates=["big"])
    card.form.edited.emit(CANDIDATES, [])
    assert draft.value(CANDIDATES) is None, "none chosen means all"
    card.toggle_button.click()
    assert draft.value("load") is None
    draft.undo_stack.undo()
    assert draft.value("load.concurrency") == [1, 2]


def test_only_what_can_be_tested_is_offered(page: StudyPage) -> None:
    page.load_test.toggle_button.click()
    editor = page.load_test.form.rows[CANDIDATES].editor
    assert isinstance(editor, WordsEditor)
    assert list(editor.chips) == ["big"]


def test_what_is_wrong_is_told_at_its_field(page: StudyPage) -> None:
    card = page.load_test
    card.toggle_button.click()
    rows = card.form.rows
    card.form.edited.emit("load.requests", 3)
    assert "20" in rows["load.requests"].problem.text()
    card.form.edited.emit("load.requests", 100)
    card.form.edited.emit(RATES, "two")
    assert "2.5" in rows[RATES].problem.text()
    card.form.edited.emit(RATES, [2.5])
    card.form.edited.emit("load.concurrency", [4, 2])
    assert "ascend" in rows["load.concurrency"].problem.text()
    card.form.edited.emit("load.concurrency", [2, 4])
    card.form.edited.emit("load.arrivals", "none")
    assert rows[RATES].problem.text(), "the rates that are of no use stay in sight"
    assert page.whole_problem.text() == ""
    card.form.edited.emit(RATES, None)
    assert not rows[RATES].shown
