"""What the report will say: the answer, its reasons, every candidate, the notes."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from gui.context import Context
from gui.models.candidate_rows import candidate_rows
from gui.models.decision_answer import Answer, why_rows
from gui.models.decision_rows import DecisionRows
from gui.theme import GAP_CARDS, GAP_ROWS, GAP_TIGHT
from gui.widgets.card import Card
from gui.widgets.role_mark import RoleMark
from gui.widgets.rows_table import RowsTable
from gui.widgets.sentence import Sentence
from gui.widgets.why_rows import WhyRows

COLUMNS = ("candidate", "quality", "cost", "monthly", "latency", "standing")


class ReportPreview(Card):
    """A short form of the report, from the same decision."""

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__("", parent)
        self._context = context
        self.mark = RoleMark(context.theme, size=13, parent=self)
        self.headline, self.sentence, self.strong, self.notes = (Sentence(self) for _ in range(4))
        self.headline.setProperty("type", "section")
        self.sentence.setProperty("type", "muted")
        self.notes.setProperty("type", "secondary")
        self.reasons = WhyRows(context.theme, self)
        self.table = RowsTable(context.theme, parent=self)
        self._titles = {code: QLabel(self) for code in ("reasons", "candidates", "notes")}
        for label in self._titles.values():
            label.setProperty("type", "strong")
        self._lay_out()

    def show_decision(self, rows: DecisionRows, answer: Answer) -> None:
        """Show another decision."""
        self.headline.setText(answer.title)
        for label, text in ((self.sentence, answer.sentence), (self.strong, answer.strong)):
            label.setText(text)
            label.setVisible(bool(text))
        self.mark.set_role(answer.role)
        self.mark.setVisible(answer.role is not None)
        reasons, waiting = why_rows(rows)
        self.reasons.show_rows(reasons, waiting)
        self.table.set_rows(rows.titles(*COLUMNS), candidate_rows(rows), stretch=0)
        self.table.setAccessibleName(rows.tr("gui_decide.report.candidates"))
        notes = "\n".join(rows.words(note) for note in rows.decision.notes)
        self.notes.setText(notes)
        for code, title in self._titles.items():
            title.setText(rows.tr(f"gui_decide.report.{code}"))
        self._titles["reasons"].setVisible(bool(reasons or waiting))
        for widget in (self.notes, self._titles["notes"]):
            widget.setVisible(bool(notes))

    def _lay_out(self) -> None:
        holder = QVBoxLayout()
        holder.setContentsMargins(0, 2, 0, 0)
        holder.addWidget(self.mark)
        holder.addStretch(1)
        words = QVBoxLayout()
        words.setSpacing(GAP_TIGHT)
        for label in (self.headline, self.sentence, self.strong):
            words.addWidget(label)
        head = QHBoxLayout()
        head.setSpacing(GAP_ROWS)
        head.addLayout(holder)
        head.addLayout(words, 1)
        self.body.addLayout(head)
        for code, widget in (("reasons", self.reasons), ("candidates", self.table), ("notes", self.notes)):
            self.body.addSpacing(GAP_CARDS - GAP_ROWS)
            self.body.addWidget(self._titles[code])
            self.body.addWidget(widget)
        self.body.addStretch(1)
