"""The top bar: the study's name and whether it is saved, the running job, the search for actions."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QSize, Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QMenu, QPushButton, QSizePolicy, QWidget

from gui.i18n import Translator
from gui.theme import GAP_ROWS, TOP_BAR_HEIGHT, Theme

PILL_WIDTH = 280


class TopBar(QFrame):
    """`search_asked` opens the action search, `job_asked` the page of the running job."""

    search_asked = Signal()
    job_asked = Signal()

    def __init__(self, theme: Theme, translator: Translator, menu: QMenu, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("top-bar")
        self.setFixedHeight(TOP_BAR_HEIGHT)
        self._theme = theme
        self._translator = translator
        self._full_name = ""
        self.name = QPushButton(self)
        self.name.setProperty("kind", "name")
        self._menu = menu
        self.name.clicked.connect(self._open_menu)
        self._chevron = QLabel(self.name)
        self._chevron.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        inside = QHBoxLayout(self.name)
        inside.setContentsMargins(0, 0, 8, 0)
        inside.addWidget(self._chevron, 0, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.saved = QLabel(self)
        self.saved.setProperty("type", "secondary")
        self.pill = QPushButton(self)
        self.pill.setProperty("kind", "pill")
        self.pill.setMaximumWidth(PILL_WIDTH)
        self.pill.setIconSize(QSize(10, 10))
        self.pill.clicked.connect(self.job_asked)
        self.pill.hide()
        self.search = QPushButton(self)
        self.search.setProperty("kind", "search")
        self.search.setFixedWidth(168)
        self.search.clicked.connect(self.search_asked)
        self._shortcut = QLabel("Ctrl K", self.search)
        self._shortcut.setProperty("type", "caption")
        self._shortcut.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        inner = QHBoxLayout(self.search)
        inner.setContentsMargins(12, 0, 12, 0)
        inner.addWidget(self._shortcut, 0, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._lay_out()
        theme.theme_changed.connect(self._recolour)
        translator.language_changed.connect(self.retranslate)
        self._recolour()
        self.retranslate()

    def set_study(self, name: str, state: str) -> None:
        """Show the study's name and its saving state in words."""
        self._full_name = name
        shown = self.name.fontMetrics().elidedText(name, Qt.TextElideMode.ElideMiddle, 420)
        self.name.setText(shown)
        self.name.setAccessibleName(self._translator.tr("gui.top.study_menu", name=name))
        self.name.setToolTip(name if shown != name else "")
        self.saved.setText(f"· {state}" if state else "")

    def set_job(self, text: str | None) -> None:
        """Show what runs, or hide the pill."""
        self.pill.setVisible(text is not None)
        if text is not None:
            shown = self.pill.fontMetrics().elidedText(text, Qt.TextElideMode.ElideMiddle, PILL_WIDTH - 48)
            self.pill.setText(shown)
            self.pill.setAccessibleName(text)
            self.pill.setToolTip(text)

    def retranslate(self) -> None:
        """Set every text again."""
        self.search.setText(self._translator.tr("gui.top.search"))
        self.search.setAccessibleName(self._translator.tr("gui.top.search"))

    def _open_menu(self) -> None:
        self._menu.popup(self.name.mapToGlobal(QPoint(0, self.name.height() + 4)))

    def _recolour(self) -> None:
        self.pill.setIcon(self._theme.icon("running", "accent", 10))
        chevron = self._theme.icon("chevron_down", "muted", 12)
        self._chevron.setPixmap(chevron.pixmap(QSize(12, 12), self.devicePixelRatioF()))

    def _lay_out(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 0, 16, 0)
        row.setSpacing(GAP_ROWS)
        row.addWidget(self.name)
        row.addWidget(self.saved)
        spacer = QWidget(self)
        spacer.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        row.addWidget(spacer)
        row.addWidget(self.pill)
        row.addSpacing(4)
        row.addWidget(self.search)
