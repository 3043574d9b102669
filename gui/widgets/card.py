"""A card: a rounded surface with an optional section title and corner widgets, and a vertical body."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from gui.theme import GAP_ROWS, PADDING_CARD


class Card(QFrame):
    """A surface with padding 16, corner 8, border 1. Add rows to `body`, corner links with `add_corner`."""

    def __init__(self, title: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("card")
        self.title = QLabel(title, self)
        self.title.setProperty("type", "section")
        self.title.setVisible(bool(title))
        self._head = QHBoxLayout()
        self._head.setSpacing(GAP_ROWS)
        self._head.addWidget(self.title, 1, Qt.AlignmentFlag.AlignVCenter)
        self.body = QVBoxLayout()
        self.body.setSpacing(GAP_ROWS)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(PADDING_CARD, PADDING_CARD - 4, PADDING_CARD, PADDING_CARD)
        outer.setSpacing(GAP_ROWS)
        outer.addLayout(self._head)
        outer.addLayout(self.body)

    def set_title(self, title: str) -> None:
        """Set or clear the section title."""
        self.title.setText(title)
        self.title.setVisible(bool(title))

    def add_corner(self, widget: QWidget) -> None:
        """Put a widget at the right end of the title's line."""
        self._head.addWidget(widget, 0, Qt.AlignmentFlag.AlignVCenter)
