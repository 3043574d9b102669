from __future__ import annotations

import pytest
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from gui.app import Application
from gui.i18n import Words, words_of
from gui.widgets.message_bar import MOST_LINES, MessageBar


@pytest.fixture
def bar(qtbot: QtBot, application: Application) -> MessageBar:
    made = MessageBar(application.context.theme, application.context.translator)
    qtbot.addWidget(made)
    return made


def plain(text: str) -> Words:
    return lambda _translator: text


def test_the_newest_messages_stay(bar: MessageBar) -> None:
    for number in range(MOST_LINES + 2):
        bar.show_message("info", plain(f"message {number}"))
    assert bar.texts == ["message 2", "message 3", "message 4"]


def test_the_same_sentence_is_not_shown_twice(bar: MessageBar) -> None:
    bar.show_message("bad", plain("It broke."))
    bar.show_message("bad", plain("It broke."))
    assert bar.texts == ["It broke."]


def test_an_action_runs_once_and_takes_its_line_along(bar: MessageBar) -> None:
    runs: list[int] = []
    bar.show_message("warn", plain("Go on?"), plain("Go on"), lambda: runs.append(1))
    button = next(button for button in bar.findChildren(QPushButton) if button.text() == "Go on")
    button.click()
    assert runs == [1]
    assert bar.texts == []
    assert bar.isHidden()


def test_what_a_message_says_is_plain_text(bar: MessageBar) -> None:
    bar.show_message("info", plain("<b>not bold</b>"))
    assert bar.texts == ["<b>not bold</b>"]


def test_what_was_told_follows_the_language(bar: MessageBar, application: Application) -> None:
    bar.show_message("warn", words_of("gui.message.interrupted", count=2), words_of("gui.message.go_on"), lambda: None)
    assert bar.texts == ["2 jobs were interrupted; their checkpoints were kept."]
    application.context.preferences.change(language="zh_CN")
    translator = application.context.translator
    assert bar.texts == [translator.tr("gui.message.interrupted", count=2)]
    assert bar.texts[0].startswith("有 2 个任务")
    assert translator.tr("gui.message.go_on") in [button.text() for button in bar.findChildren(QPushButton)]
    application.context.preferences.change(language="en")
    assert bar.texts == ["2 jobs were interrupted; their checkpoints were kept."]
