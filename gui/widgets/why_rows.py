"""Sentences, each with the mark of the candidate it speaks of; those after the line wait for an answer."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from gui.models.decision_answer import WhyRow
from gui.theme import GAP_ROWS, Theme
from gui.widgets.role_mark import RoleMark
from gui.widgets.sentence import Sentence

MARK_SIZE = 9


class WhyRows(QWidget):
    """Reasons, exclusions and open questions; `show_rows` replaces all."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._rows = QVBoxLayout(self)
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._rows.setSpacing(GAP_ROWS)

    def show_rows(self, rows: Sequence[WhyRow], waiting: Sequence[WhyRow]) -> None:
        """Show rows, and after a line those that wait."""
        while (item := self._rows.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        for row in rows:
            self._rows.addWidget(self._row(row))
        if waiting:
            line = QFrame(self)
            line.setProperty("line", "true")
            self._rows.addWidget(line)
        for row in waiting:
            self._rows.addWidget(self._row(row))

    def texts(self) -> list[str]:
        """Every sentence shown, in order."""
        items = (self._rows.itemAt(index) for index in range(self._rows.count()))
        widgets = (item.widget() for item in items if item is not None)
        labels = (widget.findChild(Sentence) for widget in widgets if widget is not None)
        return [label.text() for label in labels if label is not None]

    def _row(self, row: WhyRow) -> QWidget:
        box = QWidget(self)
        label = Sentence(box, row.text)
        label.setToolTip(row.tip)
        if row.state:
            label.setProperty("state", row.state)
        layout = QHBoxLayout(box)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GAP_ROWS)
        if row.role is not None:
            holder = QVBoxLayout()
            holder.setContentsMargins(0, 3, 0, 0)
            holder.addWidget(RoleMark(self._theme, row.role, MARK_SIZE, box))
            holder.addStretch(1)
            layout.addLayout(holder)
        layout.addWidget(label, 1)
        return box
