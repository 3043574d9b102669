"""The page without a study: try the sample, open a study, or begin one on one's own data."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from gui.context import Context
from gui.pages.page import Page
from gui.theme import GAP_CARDS, GAP_ROWS
from gui.widgets.card import Card
from gui.widgets.elided_label import ElidedLabel
from gui.widgets.wrapped_label import WrappedLabel

WIDTH = 560
MOST_RECENT = 6


class ChoiceButton(QPushButton):
    """A large button: an icon, what it does, and one line on what follows."""

    def __init__(self, context: Context, icon: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._context = context
        self._icon = icon
        self.setProperty("kind", "choice")
        self._mark = QLabel(self)
        self._title = QLabel(self)
        self._title.setProperty("type", "strong")
        self._text = QLabel(self)
        self._text.setProperty("type", "secondary")
        self._text.setWordWrap(True)
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addStretch(1)
        words.addWidget(self._title)
        words.addWidget(self._text)
        words.addStretch(1)
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 0, 16, 0)
        row.setSpacing(16)
        row.addWidget(self._mark)
        row.addLayout(words, 1)
        for label in (self._mark, self._title, self._text):
            label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        context.theme.theme_changed.connect(self._recolour)
        self._recolour()

    def set_words(self, title: str, text: str) -> None:
        """Set both lines."""
        self._title.setText(title)
        self._text.setText(text)
        self.setAccessibleName(title)
        self.setAccessibleDescription(text)

    def _recolour(self) -> None:
        icon = self._context.theme.icon(self._icon, "accent", 20)
        self._mark.setPixmap(icon.pixmap(QSize(20, 20), self.devicePixelRatioF()))


class WelcomePage(Page):
    """Three ways in, and the studies opened lately."""

    page_id = "welcome"
    sample_asked = Signal()
    open_asked = Signal()
    new_asked = Signal()
    recent_asked = Signal(Path)

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self.sample_button = ChoiceButton(context, "sample", self)
        self.open_button = ChoiceButton(context, "folder", self)
        self.new_button = ChoiceButton(context, "plus", self)
        self.sample_button.clicked.connect(self.sample_asked)
        self.open_button.clicked.connect(self.open_asked)
        self.new_button.clicked.connect(self.new_asked)
        self.big = QLabel(self)
        self.big.setProperty("type", "page")
        self.intro = WrappedLabel(self)
        self.intro.setProperty("type", "muted")
        self.busy_text = QLabel(self)
        self.busy_text.setProperty("type", "secondary")
        self.busy_bar = QProgressBar(self)
        self.busy_bar.setRange(0, 0)
        self.busy_bar.setTextVisible(False)
        self.recent = Card("…", self)
        self.recent.body.setSpacing(0)
        self._lay_out()
        self.set_busy(None)
        context.preferences.changed.connect(self.invalidate)
        self.retranslate()

    def set_busy(self, text: str | None) -> None:
        """Say what is being done, and refuse other ways in meanwhile."""
        self.busy_text.setText(text or "")
        self.busy_text.setVisible(text is not None)
        self.busy_bar.setVisible(text is not None)
        self.busy_bar.setAccessibleName(text or "")
        for button in (self.sample_button, self.open_button, self.new_button):
            button.setEnabled(text is None)

    def retranslate(self) -> None:
        """Set every word again."""
        self.big.setText(self.tr("gui.welcome.heading"))
        self.intro.setText(self.tr("gui.welcome.intro"))
        self.sample_button.set_words(self.tr("gui.welcome.sample"), self.tr("gui.welcome.sample_text"))
        self.new_button.set_words(self.tr("gui.welcome.new"), self.tr("gui.welcome.new_text"))
        self.open_button.set_words(self.tr("gui.welcome.open"), self.tr("gui.welcome.open_text"))
        self.recent.set_title(self.tr("gui.welcome.recent"))

    def refresh(self) -> None:
        """Show the recent studies that are still there."""
        while (item := self.recent.body.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        paths = [Path(text) for text in self.context.preferences.settings.recent_files]
        there = [path for path in paths if path.is_file()][:MOST_RECENT]
        for path in there:
            self.recent.body.addWidget(self._recent_row(path))
        self.recent.setVisible(bool(there))

    def _recent_row(self, path: Path) -> QWidget:
        row = QWidget(self.recent)
        button = QPushButton(path.stem, row)
        button.setProperty("kind", "link")
        button.setAccessibleName(self.tr("gui.welcome.open_recent", name=path.stem))
        button.clicked.connect(lambda: self.recent_asked.emit(path))
        folder = ElidedLabel(str(path.parent), row)
        folder.setProperty("type", "secondary")
        layout = QHBoxLayout(row)
        layout.setContentsMargins(0, 2, 0, 2)
        layout.addWidget(button)
        layout.addWidget(folder, 1)
        return row

    def _lay_out(self) -> None:
        self.heading.hide()
        self.sentence.hide()
        column = QWidget(self)
        column.setFixedWidth(WIDTH)
        inside = QVBoxLayout(column)
        inside.setContentsMargins(0, 24, 0, 24)
        inside.setSpacing(GAP_CARDS)
        inside.addWidget(self.big)
        inside.addWidget(self.intro)
        inside.addSpacing(GAP_ROWS)
        for button in (self.sample_button, self.new_button, self.open_button):
            inside.addWidget(button)
        inside.addWidget(self.busy_bar)
        inside.addWidget(self.busy_text)
        inside.addWidget(self.recent)
        inside.addStretch(1)
        self.body.addWidget(column, 1, Qt.AlignmentFlag.AlignHCenter)
