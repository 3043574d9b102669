from __future__ import annotations

from pathlib import Path

import pytest
from form_support import TEXT_STUDY, missing_words, open_page
from pytestqt.qtbot import QtBot

from core.spec import Checks, CitationCheck, FormatCheck, GroundednessCheck
from gui.app import Application
from gui.pages.study import StudyPage
from gui.widgets.checks_card import CITATIONS, FORM, FORMAT, GROUNDEDNESS, NO_FORM, RE_ASK, checks_specs
from gui.widgets.editors import ChoiceEditor

STUDY = TEXT_STUDY.replace("target: label", "target: label, context: passage")


@pytest.fixture
def page(qtbot: QtBot, application: Application, tmp_path: Path) -> StudyPage:
    return open_page(qtbot, application, tmp_path, STUDY)


@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_every_field_has_its_words(language: str) -> None:
    assert missing_words(checks_specs(), language) == []


def test_every_check_of_the_study_file_can_be_edited() -> None:
    paths = {spec.path.removeprefix("task.checks.") for spec in checks_specs()}
    forms = next(spec.choices for spec in checks_specs() if spec.path == FORM)
    assert set(forms) - {NO_FORM} == set(FormatCheck.model_fields)
    assert {name for name in Checks.model_fields if name != "format"} <= paths
    for name, model in (("citations", CitationCheck), ("groundedness", GroundednessCheck)):
        assert {f"{name}.{field}" for field in model.model_fields} <= paths


def test_checks_are_there_as_long_as_they_check_anything(page: StudyPage) -> None:
    card, draft = page.checks, page._draft
    card.form.edited.emit(GROUNDEDNESS, True)
    card.form.edited.emit(f"{GROUNDEDNESS}.at_least", 0.5)
    card.form.edited.emit(CITATIONS, True)
    card.form.edited.emit(RE_ASK, True)
    assert draft.study is not None
    assert draft.study.task.checks == Checks(
        citations=CitationCheck(), groundedness=GroundednessCheck(at_least=0.5), re_ask=True
    )
    card.form.edited.emit(GROUNDEDNESS, False)
    card.form.edited.emit(CITATIONS, False)
    assert draft.value("task.checks") is None
    assert not card.form.rows[RE_ASK].shown
    draft.undo_stack.undo()
    assert draft.value("task.checks.citations") == {"required": False, "quotes": True}


def test_a_form_asks_for_what_it_needs_and_tells_there_what_is_wrong(page: StudyPage) -> None:
    card, draft = page.checks, page._draft
    for form, value in (("labels", ["yes", "no"]), ("json_schema", "schema.json"), ("regex", "[A-Z]+")):
        card.form.edited.emit(FORM, form)
        row = card.form.rows[f"{FORMAT}.{form}"]
        assert row.shown
        assert row.problem.text(), "it is still to be written"
        card.form.edited.emit(row.spec.path, value)
        assert row.problem.text() == ""
        assert draft.study is not None
    card.form.edited.emit(f"{FORMAT}.regex", "[A-")
    assert "regular expression" in card.form.rows[f"{FORMAT}.regex"].problem.text()
    assert page.whole_problem.text() == ""
    card.form.edited.emit(FORM, "json_object")
    assert draft.study is not None
    assert draft.study.task.checks == Checks(format=FormatCheck(json_object=True))


def test_a_schema_within_the_study_is_kept_and_left_to_its_file(page: StudyPage) -> None:
    page._draft.edit("task.checks", Checks(format=FormatCheck(json_schema={"type": "object"})).model_dump())
    editor = page.checks.form.rows[FORM].editor
    assert isinstance(editor, ChoiceEditor)
    assert editor.box.currentData() == "json_schema"
    assert not page.checks.form.rows[f"{FORMAT}.json_schema"].shown
    page.checks.form.edited.emit(RE_ASK, True)
    assert page._draft.value("task.checks.format.json_schema") == {"type": "object"}


def test_only_texts_are_checked(page: StudyPage) -> None:
    page.checks.form.edited.emit(CITATIONS, True)
    page.forms["task"].edited.emit("task.kind", "classification")
    assert page._draft.value("task.checks") is None
    assert not page.checks.isVisibleTo(page)
