"""A calm table: rows of 32, no grid, role marks before names, an optional tornado bar in the last column."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QItemSelection, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QKeySequence, QPainter, QPen
from PySide6.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QHeaderView,
    QSizePolicy,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from gui.models.table import AnyIndex, Cell, CellTable
from gui.theme import ROW_HEIGHT, Theme
from gui.widgets.chart_marks import EXCLUDED_OPACITY, role_token
from gui.widgets.role_mark import paint_mark

MARK = 10
MARK_ROOM = 18
CELL_MARGIN = 5
BAR_HEIGHT = 13
BAR_MARGIN = 16
HEADER_HEIGHT = 28


class RowsTable(QTableView):
    """Shows cells; as high as its rows where `grow` is set, so that the page scrolls and not the table.

    Ctrl+C copies the selected rows, tab-separated. `set_rows` replaces everything. `cells` may be a table of one's own.
    """

    def __init__(
        self,
        theme: Theme,
        name: str = "",
        *,
        grow: bool = True,
        cells: CellTable | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._grow = grow
        self.cells = CellTable(theme) if cells is None else cells
        self.setModel(self.cells)
        self.setItemDelegate(_CellDelegate(theme, self))
        self.setAccessibleName(name)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.horizontalHeader().setHighlightSections(False)
        self.horizontalHeader().setMinimumSectionSize(48)
        self.horizontalHeader().setFixedHeight(HEADER_HEIGHT)
        self.horizontalHeader().setTextElideMode(Qt.TextElideMode.ElideRight)
        if grow:
            self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
            self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
            self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def set_rows(self, titles: Sequence[str], rows: Sequence[Sequence[Cell]], *, stretch: int | None = None) -> None:
        """Show rows under titles; `stretch` is the column that takes the room left over (the last one by default).

        Empty titles hide the header.
        """
        self.cells.set_rows(titles, rows)
        header = self.horizontalHeader()
        header.setVisible(any(titles))
        widest = len(titles) - 1 if stretch is None else stretch
        for column in range(len(titles)):
            mode = QHeaderView.ResizeMode.Stretch if column == widest else QHeaderView.ResizeMode.ResizeToContents
            header.setSectionResizeMode(column, mode)
        if self._grow:
            self.setFixedHeight(self.sizeHint().height())

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """As high as all rows."""
        head = HEADER_HEIGHT if self.horizontalHeader().isVisibleTo(self) else 0
        return QSize(320, head + ROW_HEIGHT * max(1, self.cells.rowCount()) + 4)

    def event(self, event: QEvent) -> bool:
        """Let the page scroll under a table that has no scroll bar of its own."""
        if self._grow and event.type() == QEvent.Type.Wheel:
            event.ignore()
            return False
        return super().event(event)

    def viewportEvent(self, event: QEvent) -> bool:  # noqa: N802 (Qt's name)
        """Let the page scroll under a table that has no scroll bar of its own."""
        if self._grow and event.type() == QEvent.Type.Wheel:
            event.ignore()
            return False
        return super().viewportEvent(event)

    def keyPressEvent(self, event: object) -> None:  # noqa: N802 (Qt's name)
        """Copy the selected rows."""
        if event.matches(QKeySequence.StandardKey.Copy):  # type: ignore[attr-defined]  # QKeyEvent; stubs narrow it
            QApplication.clipboard().setText(self.selected_text())
            return
        super().keyPressEvent(event)  # type: ignore[arg-type]

    def selected_text(self) -> str:
        """The selected rows, or all where none is selected, tab-separated."""
        chosen: QItemSelection = self.selectionModel().selection()
        rows = sorted({index.row() for index in chosen.indexes()}) or range(self.cells.rowCount())
        columns = range(self.cells.columnCount())
        return "\n".join("\t".join(self.cells.cell(row, column).text for column in columns) for row in rows)


class _CellDelegate(QStyledItemDelegate):
    """Paints a role's mark before the text, and a tornado bar in place of it."""

    def __init__(self, theme: Theme, table: RowsTable) -> None:
        super().__init__(table)
        self._theme = theme
        self._table = table

    def initStyleOption(self, option: QStyleOptionViewItem, index: AnyIndex) -> None:  # noqa: N802 (Qt's name)
        super().initStyleOption(option, index)
        option.state &= ~option.state.__class__.State_HasFocus

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        cell = self._table.cells.cell(index.row(), index.column())
        if cell.bar is not None:
            self._paint_bar(painter, QRectF(option.rect), cell.bar)
            return
        marked = cell.role is not None
        shifted = QStyleOptionViewItem(option)
        shifted.rect = option.rect.adjusted(CELL_MARGIN + (MARK_ROOM if marked else 0), 0, -CELL_MARGIN, 0)
        super().paint(painter, shifted, index)
        if not marked:
            return
        color = self._theme.color(role_token(cell.role))
        color.setAlphaF(EXCLUDED_OPACITY if cell.faded else 1.0)
        middle = QPointF(option.rect.left() + CELL_MARGIN + MARK, option.rect.center().y() + 0.5)
        paint_mark(painter, cell.role, middle, MARK, color)

    def sizeHint(self, option: QStyleOptionViewItem, index: AnyIndex) -> QSize:  # noqa: N802 (Qt's name)
        cell = self._table.cells.cell(index.row(), index.column())
        size = super().sizeHint(option, index)
        return QSize(size.width() + 16 + (MARK_ROOM if cell.role is not None else 0), ROW_HEIGHT)

    def _paint_bar(self, painter: QPainter, rect: QRectF, bar: tuple[float, float, float]) -> None:
        """`bar` holds where the low end, the origin and the high end lie, 0 to 1 of the column."""
        left, width = rect.left() + BAR_MARGIN, rect.width() - 2 * BAR_MARGIN
        low, origin, high = (left + share * width for share in bar)
        top = rect.center().y() - BAR_HEIGHT / 2
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        for end, token in ((high, "control_border"), (low, "accent")):
            painter.setBrush(self._theme.color(token))
            painter.drawRoundedRect(QRectF(min(end, origin), top, abs(end - origin), BAR_HEIGHT), 2, 2)
        painter.setPen(QPen(self._theme.color("axis"), 1, Qt.PenStyle.DashLine))
        painter.drawLine(QPointF(origin, rect.top()), QPointF(origin, rect.bottom()))
        painter.restore()
