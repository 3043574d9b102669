"""One job's log as a list in the language in force, newest at the end, read in pages by sequence number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from core.domain import LogLine
from gui.i18n import Translator

Index = QModelIndex | QPersistentModelIndex
LEVEL_ROLE = int(Qt.ItemDataRole.UserRole) + 1
MAX_LINES = 5000


class LogModel(QAbstractListModel):
    """Log lines in order; appending skips lines already shown, and the oldest go beyond `MAX_LINES`."""

    def __init__(self, translator: Translator, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._translator = translator
        self._lines: list[LogLine] = []

    @property
    def last_sequence(self) -> int:
        """The sequence number of the newest line, 0 where there is none."""
        return self._lines[-1].sequence if self._lines else 0

    def clear(self) -> None:
        """Show no line."""
        self.beginResetModel()
        self._lines = []
        self.endResetModel()

    def append(self, lines: Sequence[LogLine]) -> None:
        """Add the lines that are newer than the newest shown."""
        fresh = [line for line in lines if line.sequence > self.last_sequence]
        if not fresh:
            return
        self.beginInsertRows(QModelIndex(), len(self._lines), len(self._lines) + len(fresh) - 1)
        self._lines.extend(fresh)
        self.endInsertRows()
        surplus = len(self._lines) - MAX_LINES
        if surplus > 0:
            self.beginRemoveRows(QModelIndex(), 0, surplus - 1)
            del self._lines[:surplus]
            self.endRemoveRows()

    def text(self) -> str:
        """All lines, for the clipboard."""
        return "\n".join(self._line(line) for line in self._lines)

    def retranslate(self) -> None:
        """Tell every line in the language in force."""
        if self._lines:
            self.dataChanged.emit(self.index(0), self.index(len(self._lines) - 1))

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: N802, B008 (Qt's signature)
        """The number of lines."""
        return 0 if parent.isValid() else len(self._lines)

    def data(self, index: Index, role: int = int(Qt.ItemDataRole.DisplayRole)) -> Any:
        """The line with its local time; its level under `LEVEL_ROLE`."""
        if not index.isValid() or index.row() >= len(self._lines):
            return None
        line = self._lines[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return self._line(line)
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._words(line)
        return line.level if role == LEVEL_ROLE else None

    def _line(self, line: LogLine) -> str:
        return f"{line.at.astimezone():%H:%M:%S}  {self._words(line)}"

    def _words(self, line: LogLine) -> str:
        return self._translator.stored(line.code, line.values, line.text)
