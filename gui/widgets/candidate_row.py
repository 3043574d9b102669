"""A candidate in the list, drawn as a card: its role's mark, its name, and how it is made or what is wrong with it."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QFont, QFontMetrics, QPainter, QPen
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from gui.i18n import Translator
from gui.models.candidates import LINE_ROLE, CandidateLine
from gui.theme import BODY_PX, GAP_ROWS, SECONDARY_PX, Theme, font
from gui.widgets.chart_marks import role_token
from gui.widgets.role_mark import paint_mark

ROW_HEIGHT = 56
MARK = 10


class CandidateRowDelegate(QStyledItemDelegate):
    """Draws rows of a CandidateListModel, all of one height."""

    def __init__(self, theme: Theme, translator: Translator, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._translator = translator

    def sizeHint(self, _option: QStyleOptionViewItem, _index: QModelIndex | QPersistentModelIndex) -> QSize:  # noqa: N802
        """The same for every row, with the gap below it."""
        return QSize(200, ROW_HEIGHT + GAP_ROWS)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """Draw one row."""
        line = index.data(LINE_ROLE)
        if not isinstance(line, CandidateLine):
            return
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        rect: QRect = option.rect.adjusted(0, 0, -1, -GAP_ROWS)
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        focused = selected and bool(option.state & QStyle.StateFlag.State_HasFocus)
        painter.setBrush(self._theme.color("selection" if selected else "surface"))
        painter.setPen(QPen(self._theme.color("accent" if focused else "border"), 2 if focused else 1))
        painter.drawRoundedRect(QRectF(rect).adjusted(0.5, 0.5, -0.5, -0.5), 8, 8)
        self._draw_words(painter, rect.adjusted(12, 8, -12, -8), line)
        painter.restore()

    def _draw_words(self, painter: QPainter, inner: QRect, line: CandidateLine) -> None:
        head = QRect(inner.x(), inner.y(), inner.width(), 18)
        middle = QPointF(inner.x() + MARK / 2 + 1, head.center().y() + 0.5)
        paint_mark(painter, line.role, middle, MARK, self._theme.color(role_token(line.role)))
        words = self._translator.tr(f"gui.role.{line.role.value}") if line.role is not None else ""
        secondary = font(SECONDARY_PX)
        width = QFontMetrics(secondary).horizontalAdvance(words) + 4
        painter.setFont(secondary)
        painter.setPen(self._theme.color("muted"))
        painter.drawText(head, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, words)
        bold = font(BODY_PX, bold=True)
        room = head.adjusted(24, 0, -width - 8, 0)
        self._draw_line(painter, room, line.name, bold, "text", Qt.TextElideMode.ElideMiddle)
        below = QRect(inner.x() + 24, inner.y() + 21, inner.width() - 24, 18)
        if line.problem:
            self._theme.icon("warning", "bad", 12).paint(painter, QRect(below.x(), below.y() + 3, 12, 12))
            below.adjust(18, 0, 0, 0)
        token = "bad" if line.problem else "muted"
        self._draw_line(painter, below, line.problem or line.text, secondary, token, Qt.TextElideMode.ElideRight)

    def _draw_line(
        self, painter: QPainter, room: QRect, text: str, in_font: QFont, token: str, mode: Qt.TextElideMode
    ) -> None:
        painter.setFont(in_font)
        painter.setPen(self._theme.color(token))
        shown = painter.fontMetrics().elidedText(text, mode, room.width())
        painter.drawText(room, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, shown)
