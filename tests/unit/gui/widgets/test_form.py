from __future__ import annotations

import pytest
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from core.spec import Complexity, Cost, Service
from gui.app import Application
from gui.undo import StudyDraft
from gui.widgets.editors import ChoiceEditor, LineEditor
from gui.widgets.fields import fields_of
from gui.widgets.form import FieldForm, bind

REQUESTS = "criteria.cost.monthly_requests"
QUALITY = "criteria.service.min_quality"


@pytest.fixture
def form(qtbot: QtBot, open_study: Application) -> FieldForm:
    specs = [
        *fields_of(Cost, "criteria.cost"),
        *fields_of(Service, "criteria.service"),
        *fields_of(Complexity, "criteria.complexity"),
    ]
    made = FieldForm(open_study.context.translator, specs)
    made.show_values(open_study.window.draft.value)
    made.set_currency("EUR")
    qtbot.addWidget(made)
    return made


def line(form: FieldForm, path: str) -> LineEditor:
    editor = form.rows[path].editor
    assert isinstance(editor, LineEditor)
    return editor


def test_every_field_has_a_label_a_name_and_help(form: FieldForm) -> None:
    for row in form.rows.values():
        target = row.editor.focusProxy() or row.editor
        assert row.label.text()
        assert target.accessibleName() == row.label.text()
        assert row.label.toolTip()


def test_money_is_named_with_its_currency_and_period(form: FieldForm) -> None:
    assert line(form, "criteria.cost.monthly_budget").unit.text() == "EUR a month"


def test_choices_are_told_in_words(form: FieldForm) -> None:
    editor = form.rows["criteria.complexity.stated"].editor
    assert isinstance(editor, ChoiceEditor)
    assert [editor.box.itemText(i) for i in range(editor.box.count())] == ["low", "moderate", "high"]
    assert editor.box.currentText() == "moderate"


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        (REQUESTS, None, "Needed: write a value."),
        (REQUESTS, "many", "Write a number, such as 3,000,000 or 3M."),
        (REQUESTS, -1.0, "Must be above 0."),
        (QUALITY, 1.2, "Must be at most 100."),
        ("criteria.cost.horizon_months", 1.5, "Write a whole number."),
        ("criteria.cost.currency", "euro", "Write three capital letters, such as USD."),
    ],
)
def test_what_is_wrong_stands_below_its_field(
    form: FieldForm, open_study: Application, path: str, value: object, sentence: str
) -> None:
    draft: StudyDraft = open_study.window.draft
    draft.edit(path, value)
    assert form.show_problems(draft.problems) == {path}
    assert form.rows[path].problem.text() == sentence
    draft.undo_stack.undo()
    form.show_problems(draft.problems)
    assert form.rows[path].problem.text() == ""


def test_edits_reach_the_draft(qtbot: QtBot, form: FieldForm, open_study: Application) -> None:
    bind(form, open_study.window.draft)
    editor = line(form, REQUESTS)
    editor.line.clear()
    QTest.keyClicks(editor.line, "2M")
    assert open_study.window.draft.value(REQUESTS) == 2e6
