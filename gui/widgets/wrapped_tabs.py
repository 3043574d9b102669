"""A bar of tabs that goes on in a second line where the first has no more room, so that none is out of sight."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QFont, QFontMetrics
from PySide6.QtWidgets import QButtonGroup, QPushButton, QWidget

from gui.theme import GAP_ROWS
from gui.widgets.flow_layout import FlowLayout

_GAP = 20
_PADDING = 8


class WrappedTabs(QWidget):
    """One tab is current; arrow keys move between them. Indices are in the order of adding."""

    current_changed = Signal(int)

    def __init__(self, count: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._group = QButtonGroup(self)
        flow = FlowLayout(self, spacing=_GAP)
        for index in range(count):
            tab = QPushButton(self)
            tab.setProperty("kind", "tab")
            tab.setCheckable(True)
            self._group.addButton(tab, index)
            flow.addWidget(tab)
        self._group.button(0).setChecked(True)
        self._group.idToggled.connect(self._toggled)
        self.setContentsMargins(0, 0, 0, GAP_ROWS // 2)

    def set_text(self, index: int, text: str) -> None:
        """The words on a tab; each keeps the room that it needs as the current one, so that none moves."""
        tab = self._group.button(index)
        tab.setText(text)
        font = tab.font()
        font.setWeight(QFont.Weight.DemiBold)
        tab.setMinimumWidth(QFontMetrics(font).horizontalAdvance(text) + _PADDING)

    def text(self, index: int) -> str:
        """The words on a tab."""
        return self._group.button(index).text()

    def current(self) -> int:
        """The index of the current tab."""
        return self._group.checkedId()

    def set_current(self, index: int) -> None:
        """Make another tab the current one."""
        self._group.button(index).setChecked(True)

    def _toggled(self, index: int, on: bool) -> None:
        if on:
            self.current_changed.emit(index)
