"""A read-only table of cells: text with a colour token, weight, role mark and tooltip, and the raw value behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import QBrush

from core.domain import Role
from gui.theme import BODY_PX, Theme, font

AnyIndex = QModelIndex | QPersistentModelIndex
ROLE_MARK = int(Qt.ItemDataRole.UserRole)
RAW_VALUE = ROLE_MARK + 1
FADED = ROLE_MARK + 2
NOWHERE = QModelIndex()


@dataclass(frozen=True)
class Cell:
    """One cell. `value` is what stands behind the text; `number` aligns it right with figures of one width."""

    text: str
    value: str | float | None = None
    color: str = "text"
    bold: bool = False
    number: bool = False
    role: Role | None = None
    tip: str = ""
    bar: tuple[float, float, float] | None = None
    faded: bool = False


class CellTable(QAbstractTableModel):
    """Titles and rows of cells, replaced as a whole."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._titles: tuple[str, ...] = ()
        self._rows: list[tuple[Cell, ...]] = []
        theme.theme_changed.connect(self._repaint)

    def set_rows(self, titles: Sequence[str], rows: Sequence[Sequence[Cell]]) -> None:
        """Show other rows."""
        self.beginResetModel()
        self._titles = tuple(titles)
        self._rows = [tuple(row) for row in rows]
        self.endResetModel()

    def append_rows(self, rows: Sequence[Sequence[Cell]]) -> None:
        """Show further rows below."""
        if not rows:
            return
        self.beginInsertRows(QModelIndex(), len(self._rows), len(self._rows) + len(rows) - 1)
        self._rows += [tuple(row) for row in rows]
        self.endInsertRows()

    def cell(self, row: int, column: int) -> Cell:
        """The cell at a place."""
        return self._rows[row][column]

    def rowCount(self, parent: AnyIndex = NOWHERE) -> int:  # noqa: N802 (Qt's name)
        """The number of rows."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: AnyIndex = NOWHERE) -> int:  # noqa: N802 (Qt's name)
        """The number of columns."""
        return 0 if parent.isValid() else len(self._titles)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:  # noqa: N802 (Qt's name)
        """A column's title, aligned as its cells are."""
        if orientation is not Qt.Orientation.Horizontal or not 0 <= section < len(self._titles):
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self._titles[section]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            number = bool(self._rows) and any(row[section].number for row in self._rows)
            return _alignment(number)
        return None

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """A cell's text, colour, weight, alignment, tooltip, role mark or raw value."""
        if not index.isValid():
            return None
        cell = self._rows[index.row()][index.column()]
        if role in (Qt.ItemDataRole.ForegroundRole, Qt.ItemDataRole.FontRole):
            return QBrush(self._theme.color(cell.color)) if role == Qt.ItemDataRole.ForegroundRole else _font(cell)
        plain: dict[int, object] = {
            Qt.ItemDataRole.DisplayRole: cell.text,
            Qt.ItemDataRole.AccessibleTextRole: cell.text,
            Qt.ItemDataRole.ToolTipRole: cell.tip or cell.text,
            Qt.ItemDataRole.TextAlignmentRole: _alignment(cell.number),
            ROLE_MARK: cell.role,
            RAW_VALUE: cell.value,
            FADED: cell.faded,
        }
        return plain.get(role)

    def _repaint(self) -> None:
        if self._rows:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self._rows) - 1, len(self._titles) - 1))


def _font(cell: Cell) -> object:
    return font(BODY_PX, bold=cell.bold, tabular=cell.number)


def _alignment(number: bool) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignRight if number else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter
