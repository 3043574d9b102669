"""The candidates under edit as a list: name, role, how each is made, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from core.domain import Role
from gui.i18n import Translator

Index = QModelIndex | QPersistentModelIndex
LINE_ROLE = int(Qt.ItemDataRole.UserRole) + 1


@dataclass(frozen=True)
class CandidateLine:
    """One candidate as the list shows it. `problem` is the first sentence of what is wrong with it, or empty."""

    name: str
    role: Role | None
    text: str
    problem: str = ""


class CandidateListModel(QAbstractListModel):
    """Rows of CandidateLine in the order of the study; `LINE_ROLE` gives the row itself."""

    def __init__(self, translator: Translator, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._translator = translator
        self._lines: list[CandidateLine] = []

    @property
    def lines(self) -> list[CandidateLine]:
        """What is shown."""
        return list(self._lines)

    def set_lines(self, lines: Sequence[CandidateLine]) -> None:
        """Show these rows: in place where there are as many, else all anew."""
        if len(lines) != len(self._lines):
            self.beginResetModel()
            self._lines = list(lines)
            self.endResetModel()
        elif list(lines) != self._lines:
            self._lines = list(lines)
            self.dataChanged.emit(self.index(0, 0), self.index(len(lines) - 1, 0))

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: N802, B008 (Qt's signature)
        """The number of candidates."""
        return 0 if parent.isValid() else len(self._lines)

    def data(self, index: Index, role: int = int(Qt.ItemDataRole.DisplayRole)) -> Any:
        """The name; a whole sentence for screen readers and on hover; the row under `LINE_ROLE`."""
        if not index.isValid() or index.row() >= len(self._lines):
            return None
        line = self._lines[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return line.name
        if role in (Qt.ItemDataRole.AccessibleTextRole, Qt.ItemDataRole.ToolTipRole):
            role_words = self._translator.tr(f"gui.role.{line.role.value}") if line.role is not None else ""
            return "\n".join(part for part in (f"{line.name} · {role_words}", line.text, line.problem) if part)
        return line if role == LINE_ROLE else None
