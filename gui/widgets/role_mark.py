"""The mark of a role, painted in its colour: teacher ■, student ●, hybrid ◆."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPaintEvent, QPixmap, QTransform
from PySide6.QtWidgets import QSizePolicy, QWidget

from core.domain import Role
from gui.theme import Theme
from gui.widgets.chart_marks import role_symbol, role_token


def paint_mark(painter: QPainter, role: Role | None, centre: QPointF, size: float, color: QColor) -> None:
    """Paint a role's mark of `size` pixels around `centre`."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(color)
    painter.drawPath(QTransform().translate(centre.x(), centre.y()).scale(size, size).map(role_symbol(role)))
    painter.restore()


def role_icon(theme: Theme, role: Role | None, size: int = 12) -> QIcon:
    """A role's mark as an icon in the theme's colour, sharp at 1× to 3×."""
    icon = QIcon()
    for ratio in (1, 2, 3):
        pixmap = QPixmap(QSize(size, size) * ratio)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        middle = QPointF(size * ratio / 2, size * ratio / 2)
        paint_mark(painter, role, middle, 0.75 * size * ratio, theme.color(role_token(role)))
        painter.end()
        pixmap.setDevicePixelRatio(ratio)
        icon.addPixmap(pixmap)
    return icon


class RoleMark(QWidget):
    """A role's mark beside a text that says the same; `size` is its extent in pixels."""

    def __init__(self, theme: Theme, role: Role | None = None, size: int = 10, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._role = role
        self._size = size
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        theme.theme_changed.connect(self.update)

    def set_role(self, role: Role | None) -> None:
        """Show another role's mark; null shows a muted disc."""
        self._role = role
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """A square with room for the diamond's corners."""
        return QSize(round(self._size * 1.4), round(self._size * 1.4))

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 (Qt's name)
        """Paint the mark in the theme's colour."""
        painter = QPainter(self)
        middle = QRectF(self.rect()).center()
        paint_mark(painter, self._role, middle, self._size, self._theme.color(role_token(self._role)))
        painter.end()
