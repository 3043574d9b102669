from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from gui.widgets.log_slider import STEPS, LogSlider, NullEnd


def slider(qtbot: QtBot, stated: float | None, null_end: NullEnd = None, centre: float = 100.0) -> LogSlider:
    made = LogSlider(null_end)
    qtbot.addWidget(made)
    made.set_words("Budget a month", lambda value: "no limit" if value is None else f"${value:g}")
    made.set_stated(stated, centre)
    return made


def test_the_stated_value_is_given_back_exactly(qtbot: QtBot) -> None:
    made = slider(qtbot, 1234.567)

    assert made.value == 1234.567
    assert not made.changed


def test_the_slider_reaches_a_thirtieth_and_thirty_times_the_stated_value(qtbot: QtBot) -> None:
    made = slider(qtbot, 3000)
    made.slider.setValue(0)
    assert made.value == 100
    made.slider.setValue(STEPS)
    assert made.value == 90_000


@pytest.mark.parametrize(("end", "position"), [("high", STEPS), ("low", 0)])
def test_the_null_end_takes_the_figure_away(qtbot: QtBot, end: NullEnd, position: int) -> None:
    made = slider(qtbot, 200, end)
    made.slider.setValue(position)

    assert made.value is None
    assert made.changed
    assert made.figure.text() == "no limit"


def test_a_figure_that_was_not_stated_rests_at_its_null_end(qtbot: QtBot) -> None:
    made = slider(qtbot, None, "high", centre=500)
    assert (made.value, made.changed) == (None, False)

    made.set_value(500)
    assert made.value == 500
    assert made.changed


def test_reset_is_silent_and_goes_back_to_the_stated_value(qtbot: QtBot) -> None:
    made = slider(qtbot, 200)
    made.set_value(900)
    with qtbot.assertNotEmitted(made.moved):
        made.reset()

    assert made.value == 200


def test_the_keyboard_moves_the_slider_and_its_words_follow(qtbot: QtBot) -> None:
    made = slider(qtbot, 200)
    with qtbot.waitSignal(made.moved):
        QTest.keyClick(made.slider, Qt.Key.Key_Right)

    assert made.figure.text() == f"${made.value:g}"
    assert made.slider.accessibleDescription() == made.figure.text()
    assert made.slider.accessibleName() == "Budget a month"
