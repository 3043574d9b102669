"""Cards of the Study page that are small: the study's name, rule packs, folds of hybrids."""

from __future__ import annotations

from pathlib import Path

import pytest
from form_support import missing_words, open_page
from pytestqt.qtbot import QtBot

from core.spec import Routing
from gui.app import Application
from gui.widgets.fields import fields_of
from gui.widgets.routing_card import FOLDS
from gui.widgets.task_card import NAME
from gui.widgets.words_editor import WordsEditor

HYBRID = """
version: 1
name: Cards
task: {kind: classification, metric: accuracy}
data: {file: rows.csv, columns: {input: text, target: label}, split: {test: 0.25, calibration: 0.25}}
criteria: {cost: {monthly_requests: 1000}}
profiles: {own: {kind: self_hosted, capex: 6000}}
candidates:
  - {name: big, role: teacher, model: {source: hub, id: org/model}}
  - {name: floor, role: student, model: {source: baseline, kind: tfidf_linear}}
  - {name: both, role: hybrid, teacher: big, student: floor}
"""


def test_a_study_is_renamed_in_the_form_and_in_the_title(
    qtbot: QtBot, application: Application, tmp_path: Path
) -> None:
    page = open_page(qtbot, application, tmp_path)
    page.task.form.edited.emit(NAME.path, "Answers by post")
    qtbot.waitUntil(lambda: application.context.document.study.name == "Answers by post", timeout=8000)
    qtbot.waitUntil(lambda: "Answers by post" in application.window.windowTitle(), timeout=8000)
    page.task.form.edited.emit(NAME.path, "")
    assert page.task.form.rows[NAME.path].problem.text() == "Needed: write a value."


def test_chosen_rule_packs_are_saved_and_told_as_not_evaluated(
    qtbot: QtBot, application: Application, tmp_path: Path
) -> None:
    page = open_page(qtbot, application, tmp_path)
    card = page.criteria["compliance"]
    editor = card.form.rows["criteria.compliance.packs"].editor
    assert isinstance(editor, WordsEditor)
    assert [chip.text() for chip in editor.chips.values()] == ["GDPR", "EU AI Act", "licences"]
    assert not page.compliance.note.isVisibleTo(page)
    editor.chips["eu-ai-act"].click()
    assert page._draft.value("criteria.compliance.packs") == ["eu-ai-act"]
    assert page.compliance.note.isVisibleTo(page)
    assert "does not evaluate" in page.compliance.note.text()
    editor.chips["eu-ai-act"].click()
    assert not page.compliance.note.isVisibleTo(page)


def test_folds_are_asked_for_where_there_is_a_hybrid(qtbot: QtBot, application: Application, tmp_path: Path) -> None:
    page = open_page(qtbot, application, tmp_path, HYBRID)
    assert page.routing.isVisibleTo(page)
    page.routing.form.edited.emit(FOLDS, 10)
    study = page._draft.study
    assert study is not None
    assert study.routing.folds == 10
    page.routing.form.edited.emit(FOLDS, 1)
    assert "at least 2" in page.routing.form.rows[FOLDS].problem.text()
    page.routing.form.edited.emit(FOLDS, None)
    page._draft.edit("candidates", page._draft.value("candidates")[:2])
    assert not page.routing.isVisibleTo(page)


@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_their_fields_have_words(language: str) -> None:
    assert missing_words([NAME, *fields_of(Routing, "routing")], language) == []
