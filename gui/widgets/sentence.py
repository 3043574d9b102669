"""A wrapped text that asks for no more height than its width needs."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QSizePolicy, QWidget

from gui.widgets.wrapped_label import WrappedLabel

LEAST_WIDTH = 80


class Sentence(WrappedLabel):
    """A wrapped label that claims one line at least, where QLabel claims the height it would have at its narrowest.

    That claim would make a scrolling page far higher than what it shows.
    """

    def __init__(self, parent: QWidget | None = None, text: str = "") -> None:
        super().__init__(parent)
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.setText(text)

    def minimumSizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """One line."""
        return QSize(LEAST_WIDTH, self.fontMetrics().height())
