"""The answer first: the role's mark, what to deploy in one sentence, and four figures with their intervals."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from gui.context import Context
from gui.models.decision_answer import Answer, Figure
from gui.theme import FIGURE_PX, GAP_ROWS, GAP_TIGHT, PADDING_CARD, Theme, font
from gui.widgets.card import Card
from gui.widgets.elided_label import ElidedLabel
from gui.widgets.role_mark import RoleMark
from gui.widgets.sentence import Sentence

FIGURES = 4
FIGURE_WIDTH = 132
WIDEST_FIGURE = 184
SIDE_BY_SIDE_FROM = 880
MARK_SIZE = 16


class FigureBlock(QFrame):
    """A caption, a large figure, a caption under it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._wide, self._least = True, FIGURE_WIDTH
        self.caption, self.under = ElidedLabel(parent=self), ElidedLabel(parent=self)
        for label in (self.caption, self.under):
            label.setProperty("type", "caption")
        self.value = QLabel(self)
        self.value.setProperty("type", "figure")
        self.value.setFont(font(FIGURE_PX, bold=True, tabular=True))
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 0, 8, 0)
        column.setSpacing(GAP_TIGHT)
        column.addWidget(self.caption)
        column.addWidget(self.value)
        column.addWidget(self.under)
        column.addStretch(1)

    def set_wide(self, wide: bool) -> None:
        """Claim the room that the texts need, or take what is left."""
        self._wide = wide
        self.setMinimumWidth(self._least if wide else 0)

    def show_figure(self, figure: Figure) -> None:
        """Show another figure."""
        self.caption.setText(figure.caption)
        self.value.setText(figure.value)
        self.under.setText(figure.under)
        self.setToolTip(figure.tip)
        widest = max(self.caption.sizeHint().width(), self.under.sizeHint().width())
        self._least = min(max(FIGURE_WIDTH, widest + 24), WIDEST_FIGURE)
        self.set_wide(self._wide)
        self.value.setAccessibleName(f"{figure.caption}: {figure.value}, {figure.under}")


class Divider(QWidget):
    """A thin vertical line between two figures."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setFixedWidth(1)
        theme.theme_changed.connect(self.update)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 (Qt's name)
        """Paint the line in the border's colour."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), self._theme.color("border"))
        painter.end()


class AnswerCard(Card):
    """The recommendation. `flips_asked` fires on "What would change this?"."""

    flips_asked = Signal()

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__("", parent)
        self._context = context
        self.mark = RoleMark(context.theme, size=MARK_SIZE, parent=self)
        self.headline = Sentence(self)
        self.headline.setProperty("type", "figure")
        self.sentence, self.strong = Sentence(self), Sentence(self)
        self.sentence.setProperty("type", "muted")
        self.flips_button = QPushButton(self)
        self.flips_button.setProperty("kind", "chip")
        self.flips_button.clicked.connect(self.flips_asked)
        self.note = QLabel(self)
        self.note.setProperty("type", "secondary")
        self.note.setProperty("state", "warn")
        self.figures = [FigureBlock(self) for _ in range(FIGURES)]
        self._lay_out()

    def show_answer(self, answer: Answer) -> None:
        """Show another answer."""
        self.headline.setText(answer.title)
        self.sentence.setText(answer.sentence)
        self.sentence.setVisible(bool(answer.sentence))
        self.strong.setText(answer.strong)
        self.strong.setVisible(bool(answer.strong))
        self.mark.set_role(answer.role)
        self.mark.setVisible(answer.role is not None)
        self.note.setText(answer.note)
        self.note.setVisible(bool(answer.note))
        self.flips_button.setVisible(answer.has_flips)
        self._figures_frame.setVisible(bool(answer.figures))
        for block, figure in zip(self.figures, answer.figures, strict=False):
            block.show_figure(figure)

    def retranslate(self) -> None:
        """Set every text again."""
        self.flips_button.setText(self._context.translator.tr("gui_decide.answer.what_changes"))

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 (Qt's name)
        """Put the figures under the sentence where there is no room beside it."""
        super().resizeEvent(event)
        wide = event.size().width() >= SIDE_BY_SIDE_FROM
        direction = QBoxLayout.Direction.LeftToRight if wide else QBoxLayout.Direction.TopToBottom
        if self._row.direction() != direction:
            self._row.setDirection(direction)
            for block in self.figures:
                block.set_wide(wide)

    def _lay_out(self) -> None:
        words = QVBoxLayout()
        words.setSpacing(GAP_TIGHT)
        for label in (self.headline, self.sentence, self.strong):
            words.addWidget(label)
        chips = QHBoxLayout()
        chips.setContentsMargins(0, GAP_TIGHT, 0, 0)
        chips.setSpacing(GAP_ROWS)
        chips.addWidget(self.flips_button)
        chips.addWidget(self.note)
        chips.addStretch(1)
        words.addLayout(chips)
        words.addStretch(1)
        mark = QVBoxLayout()
        mark.setContentsMargins(0, 6, 0, 0)
        mark.addWidget(self.mark)
        mark.addStretch(1)
        left = QHBoxLayout()
        left.setSpacing(GAP_ROWS)
        left.addLayout(mark)
        left.addLayout(words, 1)
        self._figures_frame = QWidget(self)
        figures = QHBoxLayout(self._figures_frame)
        figures.setContentsMargins(0, 0, 0, 0)
        figures.setSpacing(0)
        for block in self.figures:
            figures.addWidget(Divider(self._context.theme, self._figures_frame))
            figures.addWidget(block, 1)
        self._row = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._row.setSpacing(PADDING_CARD)
        self._row.addLayout(left, 1)
        self._row.addWidget(self._figures_frame)
        self.body.addLayout(self._row)
