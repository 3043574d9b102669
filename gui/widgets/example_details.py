"""The chosen test row in full: its input, its target, and each candidate's whole answer with its figures."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QGridLayout, QLabel, QPlainTextEdit, QSizePolicy, QWidget

from core.domain import Answer, ComparedExample
from core.store.question import Side
from gui.context import Context
from gui.theme import GAP_CARDS, GAP_TIGHT
from gui.widgets.card import Card

_MOST_PARTS = 5  # input, target, three candidates
_INPUT_SHARE, _OTHER_SHARE = 3, 2
_LEAST_HEIGHT = 72


class _Part(QWidget):
    """One text under its caption, with a line of figures below."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.caption, self.figures = QLabel(self), QLabel(self)
        self.caption.setProperty("type", "strong")
        self.figures.setProperty("type", "secondary")
        self.figures.setWordWrap(True)
        self.text = QPlainTextEdit(self)
        self.text.setReadOnly(True)
        self.text.setTabChangesFocus(True)
        self.text.setMinimumHeight(_LEAST_HEIGHT)
        self.text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Ignored)
        self.caption.setBuddy(self.text)
        column = QGridLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setVerticalSpacing(GAP_TIGHT)
        for line, widget in enumerate((self.caption, self.text, self.figures)):
            column.addWidget(widget, line, 0)
        column.setRowStretch(1, 1)

    def show_text(self, caption: str, text: str, figures: str = "") -> None:
        """Show a text; the caption names it for screen readers too."""
        self.caption.setText(caption)
        self.text.setAccessibleName(caption)
        self.text.setPlainText(text)
        self.figures.setText(figures or "\u00a0")  # all texts end at the same height


class ExampleDetails(Card):
    """Stands under the rows; says what to do where none is chosen."""

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__("", parent)
        self._context = context
        self.hint = QLabel(self)
        self.hint.setProperty("type", "secondary")
        self.parts = [_Part(self) for _ in range(_MOST_PARTS)]
        self._row = QGridLayout()
        self._row.setHorizontalSpacing(GAP_CARDS)
        for column, part in enumerate(self.parts):
            self._row.addWidget(part, 0, column)
        self.body.addWidget(self.hint)
        self.body.addLayout(self._row, 1)
        self.show_row(None, ())

    def show_row(self, row: ComparedExample | None, sides: Sequence[Side]) -> None:
        """Show a row with the answers of `sides`; null shows none."""
        tr = self._context.translator.tr
        self.hint.setVisible(row is None)
        self.hint.setText(tr("gui_examples.details.none"))
        shown = 0 if row is None else 2 + len(sides)
        for column, part in enumerate(self.parts):
            part.setVisible(column < shown)
            share = _INPUT_SHARE if column == 0 else _OTHER_SHARE
            self._row.setColumnStretch(column, share if column < shown else 0)
        if row is None:
            return
        example = row.example
        slices = " · ".join(tr("gui_examples.slice.one", column=name, value=value) for name, value in example.slices)
        identity = tr("gui_examples.details.id", id=example.example_id)
        self.parts[0].show_text(tr("gui_examples.column.input"), example.input, f"{identity} · {slices}".strip(" ·"))
        self.parts[1].show_text(tr("gui_examples.column.target"), example.target)
        for part, side, answer in zip(self.parts[2:], sides, row.answers, strict=False):
            text = "" if answer is None else answer.prediction.output or ""
            part.show_text(side.name, text, self._figures(answer))

    def _figures(self, answer: Answer | None) -> str:
        """Score, confidence, latency and tokens, as far as they are known."""
        tr, formats = self._context.translator.tr, self._context.translator.formats
        if answer is None:
            return tr("gui_examples.details.no_answer")
        said = answer.prediction
        words = [tr("gui_examples.details.score", score=formats.number(said.score, 2 if said.score % 1 else 0))]
        if answer.answered is not None:
            words.append(tr("gui_examples.details.answered", name=answer.answered))
        if said.confidence is not None:
            words.append(tr("gui_examples.details.confidence", confidence=formats.number(said.confidence, 2)))
        if said.latency_ms is not None:
            words.append(formats.milliseconds(said.latency_ms))
        for code, count in (("input_tokens", said.input_tokens), ("output_tokens", said.output_tokens)):
            if count is not None:
                words.append(tr(f"gui_examples.details.{code}", count=count))
        return " · ".join(words)
