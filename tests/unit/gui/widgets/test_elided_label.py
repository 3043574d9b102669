from __future__ import annotations

from pytestqt.qtbot import QtBot

from gui.widgets.elided_label import ElidedLabel

PATH = "/home/someone/projects/2026/a very long folder name/messages.csv"


def test_a_long_text_gives_way_in_the_middle_and_tells_all_on_hover(qtbot: QtBot) -> None:
    label = ElidedLabel(PATH)
    qtbot.addWidget(label)
    label.resize(160, 20)
    label.show()
    assert label.text().startswith("/home")
    assert label.text().endswith(".csv")
    assert label.text() != PATH
    assert label.toolTip() == PATH
    assert label.accessibleName() == PATH


def test_a_short_text_stands_whole(qtbot: QtBot) -> None:
    label = ElidedLabel("short")
    qtbot.addWidget(label)
    label.resize(300, 20)
    label.show()
    assert (label.text(), label.toolTip()) == ("short", "")
