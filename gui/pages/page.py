"""The frame of every page: a heading with one sentence on where the user stands, one main button, a scrolling body."""

from __future__ import annotations

from enum import Enum

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from core.i18n import Value
from gui.context import Context
from gui.theme import CONTROL_HEIGHT, GAP_CARDS, GAP_ROWS, MARGIN_PAGE, SCROLL_BAR_WIDTH


class PageMark(Enum):
    """A page's state in the rail, shown with a mark and told in words to screen readers."""

    NONE = "none"
    DONE = "done"
    RUNNING = "running"
    MISSING = "missing"
    ATTENTION = "attention"


class Page(QWidget):
    """A page of the window. Subclasses fill `body`, set their words in `retranslate` and their rows in `refresh`.

    `refresh` runs whenever the open study's rows changed and the page is in sight, or on the next showing.
    `go_to` asks the window for another page by id; `message` asks it for a line in the message bar (level, `Words`).
    """

    page_id = ""
    go_to = Signal(str)
    message = Signal(str, object)
    mark_changed = Signal()

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.context = context
        self.setObjectName("page")
        self.heading = QLabel(self)
        self.heading.setProperty("type", "page")
        self.sentence = QLabel(self)
        self.sentence.setProperty("type", "secondary")
        self.sentence.setWordWrap(True)
        self.main_button = QPushButton(self)
        self.main_button.setProperty("kind", "primary")
        self.main_button.setMinimumHeight(CONTROL_HEIGHT)
        self.main_button.hide()
        self.body = QVBoxLayout()
        self._lay_out_frame()
        self._dirty = True
        context.translator.language_changed.connect(self._words_changed)
        context.document.rows_changed.connect(self.invalidate)

    @property
    def mark(self) -> PageMark:
        """The page's state in the rail."""
        return PageMark.NONE

    @property
    def mark_text(self) -> str:
        """A short count beside the name in the rail in place of the mark, such as `3`; usually empty."""
        return ""

    def tr(self, code: str, **values: Value) -> str:  # type: ignore[override]  # the catalogue's signature
        """The text of a code in the language in force."""
        return self.context.translator.tr(code, **values)

    def retranslate(self) -> None:
        """Set every text again."""

    def refresh(self) -> None:
        """Show the open study's rows."""

    def invalidate(self) -> None:
        """Note that rows changed; shows them at once if the page is in sight."""
        self._dirty = True
        if self.isVisible():
            self._refresh_now()

    def showEvent(self, event: object) -> None:  # noqa: N802 (Qt's name)
        """Catch up with rows that changed while the page was out of sight."""
        if self._dirty:
            self._refresh_now()

    def _refresh_now(self) -> None:
        self._dirty = False
        self.refresh()

    def _words_changed(self) -> None:
        self.retranslate()
        self.invalidate()

    def _lay_out_frame(self) -> None:
        titles = QVBoxLayout()
        titles.setSpacing(2)
        titles.addWidget(self.heading)
        titles.addWidget(self.sentence)
        self.header = header = QHBoxLayout()
        header.setContentsMargins(MARGIN_PAGE, 16, MARGIN_PAGE, GAP_CARDS)
        header.setSpacing(GAP_CARDS)
        header.addLayout(titles, 1)
        header.addWidget(self.main_button, 0, Qt.AlignmentFlag.AlignVCenter)
        self.body.setContentsMargins(MARGIN_PAGE, 0, MARGIN_PAGE, MARGIN_PAGE)
        self.body.setSpacing(GAP_CARDS)
        content = QWidget()
        content.setObjectName("page-content")
        content.setLayout(self.body)
        self.scroll_area = QScrollArea(self)
        self.scroll_area.setFrameShape(QFrame.Shape.NoFrame)
        self.scroll_area.setWidgetResizable(True)
        self.scroll_area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.scroll_area.setWidget(content)
        self.scroll_area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.scroll_area.verticalScrollBar().rangeChanged.connect(self._keep_right_edge)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(GAP_ROWS)
        outer.addLayout(header)
        outer.addWidget(self.scroll_area, 1)

    def _keep_right_edge(self, _least: int, most: int) -> None:
        """The scroll bar takes its room from the margin, so that cards end where the header ends."""
        right = MARGIN_PAGE - (SCROLL_BAR_WIDTH if most > 0 else 0)
        self.body.setContentsMargins(MARGIN_PAGE, 0, right, MARGIN_PAGE)
