"""A job in the queue, drawn as a card: mark, title, state in words, progress in its own place, a line of detail."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPen
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from core.domain import JobRow, JobState
from gui.models.jobs import DETAIL_ROLE, ROW_ROLE, SHARE_ROLE, STATE_ROLE
from gui.theme import BODY_PX, GAP_ROWS, SECONDARY_PX, Theme, font

CARD_HEIGHT = 56
_QUIET = "muted"
STATE_ICONS: dict[JobState, tuple[str, str]] = {
    JobState.QUEUED: ("clock", "muted"),
    JobState.RUNNING: ("running", "accent"),
    JobState.SUCCEEDED: ("check", "good"),
    JobState.FAILED: ("failed", "bad"),
    JobState.CANCELLED: ("cancelled", "muted"),
    JobState.INTERRUPTED: ("interrupted", "warn"),
}


class JobCardDelegate(QStyledItemDelegate):
    """Draws rows of a JobTableModel. Every card has the same height, so nothing jumps while jobs run."""

    def __init__(self, theme: Theme, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._theme = theme

    def sizeHint(self, _option: QStyleOptionViewItem, _index: QModelIndex | QPersistentModelIndex) -> QSize:  # noqa: N802
        """The same for every card, with the gap below it."""
        return QSize(240, CARD_HEIGHT + GAP_ROWS)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """Draw one card."""
        row = index.data(ROW_ROLE)
        if not isinstance(row, JobRow):
            return
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        rect: QRect = option.rect.adjusted(0, 0, -1, -GAP_ROWS)
        state = option.state
        self._draw_surface(painter, rect, state)
        inner = rect.adjusted(12, 8, -12, -8)
        self._draw_head(painter, inner, row, str(index.data()), str(index.data(STATE_ROLE)))
        self._draw_progress(painter, inner, row, float(index.data(SHARE_ROLE)))
        self._draw_detail(painter, inner, row, str(index.data(DETAIL_ROLE)))
        painter.restore()

    def _draw_surface(self, painter: QPainter, rect: QRect, state: QStyle.StateFlag) -> None:
        selected = bool(state & QStyle.StateFlag.State_Selected)
        focused = selected and bool(state & QStyle.StateFlag.State_HasFocus)
        painter.setBrush(self._theme.color("selection" if selected else "surface"))
        painter.setPen(QPen(self._theme.color("accent" if focused else "border"), 2 if focused else 1))
        painter.drawRoundedRect(QRectF(rect).adjusted(0.5, 0.5, -0.5, -0.5), 8, 8)

    def _draw_head(self, painter: QPainter, inner: QRect, row: JobRow, title: str, state: str) -> None:
        name, token = STATE_ICONS[row.state]
        icon = self._theme.icon(name, token)
        icon.paint(painter, QRect(inner.x(), inner.y() + 1, 16, 16))
        words_font = font(SECONDARY_PX)
        words_width = QFontMetrics(words_font).horizontalAdvance(state) + 4
        painter.setFont(words_font)
        painter.setPen(self._theme.color(token))
        line = QRect(inner.x(), inner.y(), inner.width(), 18)
        painter.drawText(line, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, state)
        title_font = font(BODY_PX, bold=True)
        room = line.adjusted(24, 0, -words_width - 8, 0)
        shown = QFontMetrics(title_font).elidedText(title, Qt.TextElideMode.ElideMiddle, room.width())
        painter.setFont(title_font)
        painter.setPen(self._theme.color("text"))
        painter.drawText(room, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, shown)

    def _draw_progress(self, painter: QPainter, inner: QRect, row: JobRow, share: float) -> None:
        """A thin bar at the bottom, for what runs or stopped on the way: what is done or waits says so in words."""
        if row.state in (JobState.SUCCEEDED, JobState.QUEUED) or (share == 0 and row.state is not JobState.RUNNING):
            return
        groove = QRectF(inner.x() + 24, inner.bottom() - 1, inner.width() - 24, 3)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.color("track"))
        painter.drawRoundedRect(groove, 1.5, 1.5)
        color = STATE_ICONS[row.state][1]
        painter.setBrush(self._theme.color(color if color != _QUIET else "axis"))
        groove.setWidth(max(3.0, groove.width() * share))
        painter.drawRoundedRect(groove, 1.5, 1.5)

    def _draw_detail(self, painter: QPainter, inner: QRect, row: JobRow, detail: str) -> None:
        detail_font = font(SECONDARY_PX, tabular=True)
        line = QRect(inner.x() + 24, inner.y() + 18, inner.width() - 24, 18)
        shown = QFontMetrics(detail_font).elidedText(
            " ".join(detail.split()), Qt.TextElideMode.ElideRight, line.width()
        )
        painter.setFont(detail_font)
        painter.setPen(self._theme.color("bad" if row.state is JobState.FAILED else "muted"))
        painter.drawText(line, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, shown)
