"""The action search: type a few letters, choose with the arrow keys, run with Return. Escape closes it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QModelIndex, QObject, QPersistentModelIndex, QSortFilterProxyModel, Qt
from PySide6.QtGui import QAction, QKeyEvent, QPainter, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import (
    QFrame,
    QLineEdit,
    QListView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from gui.i18n import Translator
from gui.theme import GAP_ROWS, SECONDARY_PX, Theme, font

WIDTH, HEIGHT = 480, 360
_ACTION_ROLE = int(Qt.ItemDataRole.UserRole) + 1
_SHORTCUT_ROLE = _ACTION_ROLE + 1
_SPOKEN_ROLE = int(Qt.ItemDataRole.AccessibleTextRole)


class _ShortcutDelegate(QStyledItemDelegate):
    """Draws an action's title with its shortcut at the right end of the line."""

    def __init__(self, theme: Theme, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._theme = theme

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        super().paint(painter, option, index)
        painter.save()
        painter.setFont(font(SECONDARY_PX))
        painter.setPen(self._theme.color("muted"))
        place = option.rect.adjusted(0, 0, -12, 0)
        painter.drawText(
            place, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, str(index.data(_SHORTCUT_ROLE))
        )
        painter.restore()


class ActionPalette(QFrame):
    """A frame over the window that lists the enabled actions whose titles hold the typed letters."""

    def __init__(self, theme: Theme, translator: Translator, actions: list[QAction], parent: QWidget) -> None:
        super().__init__(parent)
        self._window = parent
        self.setObjectName("palette")
        self._translator = translator
        self._actions = actions
        self._rows = QStandardItemModel(self)
        self._filter = QSortFilterProxyModel(self)
        self._filter.setSourceModel(self._rows)
        self._filter.setFilterCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.field = QLineEdit(self)
        self.field.setProperty("kind", "bare")
        self.field.textChanged.connect(self._narrow)
        self.field.returnPressed.connect(self._run_chosen)
        self.field.installEventFilter(self)
        self.list = QListView(self)
        self.list.setObjectName("palette-list")
        self.list.setModel(self._filter)
        self.list.setItemDelegate(_ShortcutDelegate(theme, self.list))
        self.list.setEditTriggers(QListView.EditTrigger.NoEditTriggers)
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.clicked.connect(lambda _index: self._run_chosen())
        line = QFrame(self)
        line.setProperty("line", "true")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GAP_ROWS, GAP_ROWS, GAP_ROWS, GAP_ROWS)
        layout.setSpacing(4)
        layout.addWidget(self.field)
        layout.addWidget(line)
        layout.addWidget(self.list, 1)
        self.hide()

    def open(self) -> None:
        """Show the search above the window's middle with nothing typed."""
        self._fill()
        self.field.clear()
        self.field.setPlaceholderText(self._translator.tr("gui.palette.placeholder"))
        self.field.setAccessibleName(self._translator.tr("gui.palette.placeholder"))
        self.list.setAccessibleName(self._translator.tr("gui.palette.list"))
        self.setGeometry((self._window.width() - WIDTH) // 2, 56, WIDTH, min(HEIGHT, self._window.height() - 72))
        self.show()
        self.raise_()
        self.field.setFocus()
        self._choose(0)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 (Qt's name)
        """Arrow keys move in the list, Escape and losing the focus close the search."""
        if event.type() == QEvent.Type.FocusOut:
            self.hide()
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            step = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}.get(Qt.Key(event.key()))
            if step is not None:
                self._choose(self.list.currentIndex().row() + step)
                return True
            if event.key() == Qt.Key.Key_Escape:
                self.hide()
                return True
        return super().eventFilter(watched, event)

    def _fill(self) -> None:
        self._rows.clear()
        for action in self._actions:
            if action.isEnabled() and action.objectName() != "search":
                keys = action.shortcut().toString(action.shortcut().SequenceFormat.NativeText)
                item = QStandardItem(action.text())
                item.setData(action, _ACTION_ROLE)
                item.setData(keys, _SHORTCUT_ROLE)
                item.setData(f"{action.text()}, {keys}" if keys else action.text(), _SPOKEN_ROLE)
                self._rows.appendRow(item)

    def _narrow(self, text: str) -> None:
        self._filter.setFilterFixedString(text.strip())
        self._choose(0)

    def _choose(self, row: int) -> None:
        count = self._filter.rowCount()
        if count:
            self.list.setCurrentIndex(self._filter.index(row % count, 0))

    def _run_chosen(self) -> None:
        index = self.list.currentIndex()
        action = index.data(_ACTION_ROLE) if index.isValid() else None
        self.hide()
        if isinstance(action, QAction):
            action.trigger()
