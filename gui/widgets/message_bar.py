"""Lines under the top bar that say what happened: a mark, a sentence, perhaps one action, and a way to dismiss."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from gui.i18n import Translator, Words
from gui.theme import GAP_ROWS, MARGIN_PAGE, Theme
from gui.widgets.wrapped_label import WrappedLabel

Level = Literal["info", "good", "warn", "bad"]
MOST_LINES = 3
_ICONS: dict[str, tuple[str, str]] = {
    "info": ("info", "accent"),
    "good": ("check", "good"),
    "warn": ("warning", "warn"),
    "bad": ("failed", "bad"),
}


class MessageLine(QFrame):
    """One line. `level` names its mark and colour, never colour alone."""

    def __init__(self, theme: Theme, translator: Translator, level: Level, words: Words) -> None:
        super().__init__()
        self.setObjectName("message")
        self.setProperty("level", level)
        self.level = level
        self._theme = theme
        self._translator = translator
        self._words = words
        self._action: tuple[QPushButton, Words] | None = None
        self._mark = QLabel(self)
        self.label = WrappedLabel(self)
        self.label.setAlignment(Qt.AlignmentFlag.AlignVCenter)
        self.row = QHBoxLayout(self)
        self.row.setContentsMargins(12, 4, 4, 4)
        self.row.setSpacing(GAP_ROWS)
        self.row.addWidget(self._mark)
        self.row.addWidget(self.label, 1)
        self.dismiss = QPushButton(self)
        self.dismiss.setProperty("kind", "quiet")
        self.row.addWidget(self.dismiss, 0, Qt.AlignmentFlag.AlignTop)
        theme.theme_changed.connect(self._recolour)
        translator.language_changed.connect(self._reword)
        self._recolour()
        self._reword()

    def offer(self, words: Words, run: Callable[[], None]) -> QPushButton:
        """Add a button that calls `run`."""
        button = QPushButton(self)
        button.setProperty("kind", "link")
        button.clicked.connect(run)
        self.row.insertWidget(2, button)
        self._action = (button, words)
        self._reword()
        return button

    def _reword(self) -> None:
        tr = self._translator.tr
        self.label.setText(self._words(self._translator))
        self._mark.setAccessibleName(tr(f"gui.message.{self.level}"))
        self.dismiss.setAccessibleName(tr("gui.message.dismiss"))
        self.dismiss.setToolTip(tr("gui.message.dismiss"))
        if self._action is not None:
            button, words = self._action
            button.setText(words(self._translator))

    def _recolour(self) -> None:
        name, token = _ICONS[self.level]
        self._mark.setPixmap(self._theme.icon(name, token).pixmap(QSize(16, 16)))
        self.dismiss.setIcon(self._theme.icon("close"))


class MessageBar(QWidget):
    """The newest messages, three at most, in the language in force; the same text is not shown twice."""

    def __init__(self, theme: Theme, translator: Translator, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._translator = translator
        self._lines: list[MessageLine] = []
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(MARGIN_PAGE, GAP_ROWS, MARGIN_PAGE, 0)
        self._layout.setSpacing(4)
        self.hide()

    @property
    def texts(self) -> list[str]:
        """The sentences in sight, oldest first."""
        return [line.label.text() for line in self._lines]

    def show_message(
        self, level: Level, words: Words, action: Words | None = None, run: Callable[[], None] | None = None
    ) -> None:
        """Add a line; with `action`, a button of that title that calls `run` and removes the line."""
        text = words(self._translator)
        for line in [line for line in self._lines if line.label.text() == text]:
            self._remove(line)
        line = MessageLine(self._theme, self._translator, level, words)
        line.dismiss.clicked.connect(lambda: self._remove(line))
        if action is not None and run is not None:
            line.offer(action, run).clicked.connect(lambda: self._remove(line))
        self._lines.append(line)
        self._layout.addWidget(line)
        while len(self._lines) > MOST_LINES:
            self._remove(self._lines[0])
        self.show()

    def clear(self) -> None:
        """Remove every line."""
        for line in list(self._lines):
            self._remove(line)

    def _remove(self, line: MessageLine) -> None:
        if line in self._lines:
            self._lines.remove(line)
            self._layout.removeWidget(line)
            line.hide()
            line.deleteLater()
        self.setVisible(bool(self._lines))
