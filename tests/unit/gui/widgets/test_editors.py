from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from core.spec import Compliance, Cost, Service
from gui.app import Application
from gui.formatting import Formats
from gui.widgets.editors import FlagEditor, LineEditor, parse_number
from gui.widgets.facts_editor import FactsEditor
from gui.widgets.fields import FieldKind, FieldSpec, fields_of
from gui.widgets.words_editor import WordsEditor


def spec_of(path: str) -> FieldSpec:
    specs = [
        *fields_of(Cost, "criteria.cost"),
        *fields_of(Service, "criteria.service"),
        *fields_of(Compliance, "criteria.compliance"),
    ]
    return next(spec for spec in specs if spec.path == path)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("3,000,000", 3e6),
        ("3M", 3e6),
        ("2.5 k", 2500.0),
        ("300万", 3e6),
        ("85 %", 85.0),
        ("", None),
        ("  ", None),
        ("many", "many"),
        ("1e5", 1e5),
        ("−3", -3.0),
        ("3 apples", "3 apples"),
        ("nan", "nan"),
        ("inf", "inf"),
    ],
)
def test_numbers_are_read_as_people_write_them(text: str, number: float | str | None) -> None:
    assert parse_number(text) == number


@given(st.floats(min_value=-1e9, max_value=1e9).map(lambda value: float(f"{value:.9g}")))
def test_a_number_that_the_window_wrote_is_read_back_equal(value: float) -> None:
    assert parse_number(Formats("en").number(value, 9)) == pytest.approx(value, abs=1e-9)


def test_the_kind_of_each_field_follows_from_its_type() -> None:
    kinds = {spec.path.rpartition(".")[2]: spec.kind for spec in fields_of(Compliance, "criteria.compliance")}
    assert kinds == {
        "data_classes": FieldKind.WORDS,
        "jurisdictions": FieldKind.WORDS,
        "on_premises": FieldKind.FLAG,
        "facts": FieldKind.FACTS,
        "packs": FieldKind.WORDS,
    }
    assert spec_of("criteria.cost.horizon_months").kind is FieldKind.INTEGER
    assert spec_of("criteria.cost.monthly_budget").optional


def test_a_share_is_shown_and_edited_in_percent(qtbot: QtBot) -> None:
    editor = LineEditor(spec_of("criteria.service.min_quality"))
    qtbot.addWidget(editor)
    editor.set_value(0.85)
    assert editor.line.text() == "85"
    editor.line.clear()
    with qtbot.waitSignal(editor.edited) as told:
        QTest.keyClicks(editor.line, "9")
    assert told.args == [0.09]


def test_what_is_typed_stays_as_typed_until_the_field_is_left(qtbot: QtBot) -> None:
    editor = LineEditor(spec_of("criteria.cost.monthly_requests"))
    qtbot.addWidget(editor)
    editor.show()
    editor.line.setFocus()
    QTest.keyClicks(editor.line, "3M")
    editor.set_value(3e6)
    assert editor.line.text() == "3M"
    QTest.keyClick(editor.line, Qt.Key.Key_Return)
    assert editor.line.text() == "3,000,000"


def test_an_emptied_line_is_null(qtbot: QtBot) -> None:
    editor = LineEditor(spec_of("criteria.cost.monthly_budget"))
    qtbot.addWidget(editor)
    editor.set_value(5.0)
    with qtbot.waitSignal(editor.edited) as told:
        editor.line.setFocus()
        editor.line.selectAll()
        QTest.keyClick(editor.line, Qt.Key.Key_Delete)
    assert told.args == [None]


def test_a_flag_tells_its_new_value(qtbot: QtBot) -> None:
    editor = FlagEditor()
    qtbot.addWidget(editor)
    with qtbot.waitSignal(editor.edited) as told:
        editor.box.click()
    assert told.args == [True]


def test_chips_add_and_remove_words(qtbot: QtBot, application: Application) -> None:
    editor = WordsEditor(spec_of("criteria.compliance.jurisdictions"), application.context.translator)
    qtbot.addWidget(editor)
    values: list[list[str]] = []
    editor.edited.connect(values.append)
    editor.set_value(["EU"])
    assert editor.line is not None
    QTest.keyClicks(editor.line, "JP")
    QTest.keyClick(editor.line, Qt.Key.Key_Return)
    editor.chips["EU"].click()
    assert values == [["EU", "JP"], ["JP"]]


def test_a_fact_that_is_not_known_is_not_stored(qtbot: QtBot, application: Application) -> None:
    editor = FactsEditor(spec_of("criteria.compliance.facts"), application.context.translator)
    qtbot.addWidget(editor)
    values: list[dict[str, bool]] = []
    editor.edited.connect(values.append)
    editor.set_value({"contract.dpa": False})
    choice = editor.rows["contract.dpa"]
    assert choice.box.currentText() == "no"
    for position in (1, 0):
        choice.box.setCurrentIndex(position)
        choice.box.activated.emit(position)
    assert values == [{"contract.dpa": True}, {}]
