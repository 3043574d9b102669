"""The rail: the pages in the order of the work, each with a mark of its state; settings at the bottom."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QButtonGroup, QFrame, QPushButton, QVBoxLayout, QWidget

from gui.i18n import Translator
from gui.pages.page import PageMark
from gui.theme import CAPTION_PX, GAP_ROWS, RAIL_WIDTH, Theme, font

_MARK_ICONS = {
    PageMark.DONE: ("check", "good"),
    PageMark.RUNNING: ("running", "accent"),
    PageMark.ATTENTION: ("warning", "warn"),
}


class RailButton(QPushButton):
    """One page's entry. The mark is drawn at the right and told in words to screen readers."""

    def __init__(self, theme: Theme, page_id: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.page_id = page_id
        self._theme = theme
        self._mark = PageMark.NONE
        self._count = ""
        self.setProperty("kind", "rail")
        self.setCheckable(True)
        self.setMinimumHeight(34)
        theme.theme_changed.connect(self.update)

    def set_mark(self, mark: PageMark, count: str) -> None:
        """Show a mark, or a count in its place."""
        if (mark, count) != (self._mark, self._count):
            self._mark, self._count = mark, count
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 (Qt's name)
        """The entry, the bar of the chosen one, and the mark."""
        super().paintEvent(event)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self.isChecked():
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self._theme.color("accent"))
            painter.drawRoundedRect(QRectF(0, 6, 3, self.height() - 12), 1.5, 1.5)
        if self._count:
            painter.setFont(font(CAPTION_PX, tabular=True))
            painter.setPen(self._theme.color("muted"))
            place = self.rect().adjusted(0, 0, -14, 0)
            painter.drawText(place, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, self._count)
        elif self._mark in _MARK_ICONS:
            name, token = _MARK_ICONS[self._mark]
            pixmap = self._theme.icon(name, token, 12).pixmap(QSize(12, 12), self.devicePixelRatioF())
            painter.drawPixmap(self.width() - 14 - 12, (self.height() - 12) // 2, pixmap)
        painter.end()


class Rail(QFrame):
    """The list of pages. `chosen` carries a page's id when the user picks it."""

    chosen = Signal(str)

    def __init__(
        self, theme: Theme, translator: Translator, pages: list[str], bottom: list[str], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("rail")
        self.setFixedWidth(RAIL_WIDTH)
        self._translator = translator
        self._group = QButtonGroup(self)
        self.buttons: dict[str, RailButton] = {}
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GAP_ROWS, 18, GAP_ROWS, GAP_ROWS)
        layout.setSpacing(4)
        for page_id in pages:
            layout.addWidget(self._add(theme, page_id))
        layout.addStretch(1)
        for page_id in bottom:
            layout.addWidget(self._add(theme, page_id))
        translator.language_changed.connect(self.retranslate)
        self.retranslate()

    def select(self, page_id: str) -> None:
        """Show which page is open; an id that is no page here leaves none chosen."""
        if page_id in self.buttons:
            self.buttons[page_id].setChecked(True)
            return
        self._group.setExclusive(False)
        for button in self.buttons.values():
            button.setChecked(False)
        self._group.setExclusive(True)

    def set_mark(self, page_id: str, mark: PageMark, count: str = "") -> None:
        """Set the state mark of a page."""
        button = self.buttons[page_id]
        button.set_mark(mark, count)
        name = self._translator.tr(f"gui.page.{page_id}")
        state = self._translator.tr(f"gui.mark.{mark.value}") if mark is not PageMark.NONE else ""
        parts = (part for part in (name, state, count) if part)
        button.setAccessibleName(self._translator.tr("gui.list_separator").join(parts))

    def retranslate(self) -> None:
        """Set every name again."""
        for page_id, button in self.buttons.items():
            name = self._translator.tr(f"gui.page.{page_id}")
            button.setText(name)
            button.setAccessibleName(name)

    def _add(self, theme: Theme, page_id: str) -> RailButton:
        button = RailButton(theme, page_id, self)
        button.clicked.connect(lambda: self.chosen.emit(page_id))
        self._group.addButton(button)
        self.buttons[page_id] = button
        return button
