"""The list of candidates beside the form of the chosen one, each scrolling by itself."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QListView, QScrollArea, QVBoxLayout, QWidget

from gui.context import Context
from gui.models.candidates import CandidateListModel
from gui.theme import GAP_CARDS
from gui.widgets.candidate_row import CandidateRowDelegate

LIST_WIDTH = 264


class CandidateSides(QWidget):
    """`scroll_range_changed` tells how far the form scrolls (least, most)."""

    scroll_range_changed = Signal(int, int)

    def __init__(self, context: Context, model: CandidateListModel, form: QWidget, parent: QWidget) -> None:
        super().__init__(parent)
        self.list = QListView(self)
        self.list.setObjectName("jobs")
        self.list.setModel(model)
        self.list.setItemDelegate(CandidateRowDelegate(context.theme, context.translator, self.list))
        self.list.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setUniformItemSizes(True)
        self.list.setFixedWidth(LIST_WIDTH)
        self._scroll = QScrollArea(self)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setWidgetResizable(True)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._scroll.verticalScrollBar().rangeChanged.connect(self.scroll_range_changed)
        inside = QWidget()
        inside.setObjectName("page-content")
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(form)
        column.addStretch(1)
        self._scroll.setWidget(inside)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GAP_CARDS)
        row.addWidget(self.list)
        row.addWidget(self._scroll, 1)

    def hasHeightForWidth(self) -> bool:  # noqa: N802 (Qt's name)
        """Each side scrolls, whatever the width."""
        return False

    def scroll_to_top(self) -> None:
        """Show the beginning of the form."""
        self._scroll.verticalScrollBar().setValue(0)
