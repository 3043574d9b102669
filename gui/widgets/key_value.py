"""Rows of name and value, the names muted, the values elided in the middle."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from gui.theme import GAP_CARDS, GAP_TIGHT, LABEL_WIDTH
from gui.widgets.elided_label import ElidedLabel
from gui.widgets.wrapped_label import WrappedLabel


class KeyValueRows(QWidget):
    """A two-column grid. `set_rows` replaces all rows. With `wrap`, values take the lines that they need."""

    def __init__(self, key_width: int = LABEL_WIDTH, *, wrap: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._wrap = wrap
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(GAP_CARDS)
        self._grid.setVerticalSpacing(GAP_TIGHT)
        self._grid.setColumnMinimumWidth(0, key_width)
        self._grid.setColumnStretch(1, 1)
        self._rows: list[tuple[str, str]] = []

    def set_rows(self, rows: list[tuple[str, str]]) -> None:
        """Show these (name, value) pairs."""
        if rows == self._rows:
            return
        self._rows = list(rows)
        while (item := self._grid.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.setParent(None)
                widget.deleteLater()
        for line, (name, value) in enumerate(rows):
            key = QLabel(name, self)
            key.setProperty("type", "muted")
            self._grid.addWidget(key, line, 0, Qt.AlignmentFlag.AlignTop)
            self._grid.addWidget(WrappedLabel(self, value) if self._wrap else ElidedLabel(value, self), line, 1)
