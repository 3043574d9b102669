"""The card "Why": the reasons for the answer, what is excluded and by which gate and rule, what waits for an answer."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QWidget

from gui.context import Context
from gui.models.decision_answer import WhyRow
from gui.widgets.card import Card
from gui.widgets.why_rows import WhyRows


class WhyCard(Card):
    """Rows of reasons under the title."""

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__("", parent)
        self.rows = WhyRows(context.theme, self)
        self.body.addWidget(self.rows)
        self.body.addStretch(1)

    def show_rows(self, rows: Sequence[WhyRow], waiting: Sequence[WhyRow]) -> None:
        """Replace all rows."""
        self.rows.show_rows(rows, waiting)

    def texts(self) -> list[str]:
        """Every sentence shown, in order."""
        return self.rows.texts()
