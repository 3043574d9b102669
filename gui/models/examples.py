"""Test rows with answers side by side as a table that grows as it is scrolled, a page at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import Signal

from core.domain import RIGHT_FROM, Answer, ComparedExample
from core.store.question import RoutedSide, Side, SortKey
from gui.i18n import Translator
from gui.models.table import NOWHERE, AnyIndex, Cell, CellTable
from gui.theme import Theme

DASH = "–"
_SHOWN_SIGNS = 300  # more than any column is wide; the whole text stands in the details
_INPUT_WIDTH, _TEXT_WIDTH, _FIGURE_WIDTH = 200, 112, 76
_ARROWS = {False: "▲", True: "▼"}


@dataclass(frozen=True)
class ExampleColumn:
    """One column: its title, what a click on it sorts by, its least width; without its `figure` it is hidden."""

    title: str
    sort: SortKey
    width: int
    figure: str = ""

    def titled(self, sort: SortKey) -> str:
        """The title, with an arrow where the rows are sorted by this column."""
        by_this = (sort.name, sort.side) == (self.sort.name, self.sort.side)
        return f"{self.title} {_ARROWS[sort.descending]}" if by_this else self.title


def example_columns(sides: Sequence[Side], translator: Translator) -> list[ExampleColumn]:
    """Input and target, then each side's output with its score, and its figures."""
    tr = translator.tr
    columns = [
        ExampleColumn(tr("gui_examples.column.input"), SortKey("input"), _INPUT_WIDTH),
        ExampleColumn(tr("gui_examples.column.target"), SortKey("target"), _TEXT_WIDTH),
    ]
    for place, side in enumerate(sides):
        columns.append(ExampleColumn(side.name, SortKey("score", place), _TEXT_WIDTH))
        for figure in () if isinstance(side, RoutedSide) else ("confidence", "latency_ms"):
            title = tr(f"gui_examples.column.{figure}")
            columns.append(ExampleColumn(title, SortKey(figure, place), _FIGURE_WIDTH, figure))
    return columns


def example_cells(row: ComparedExample, columns: Sequence[ExampleColumn], translator: Translator) -> list[Cell]:
    """The cells of one row under `example_columns`."""
    return [_cell(row, column.sort, translator) for column in columns]


def _cell(row: ComparedExample, key: SortKey, translator: Translator) -> Cell:
    if key.side is None:
        text = row.example.input if key.name == "input" else row.example.target
        return Cell(one_line(text), row.example.example_id)
    answer = row.answers[key.side]
    number = key.name != "score"
    if answer is None or getattr(answer.prediction, key.name) is None:
        return Cell(DASH, color="muted", number=number)
    if key.name == "score":
        return _said(answer, translator)
    value = float(getattr(answer.prediction, key.name))
    formats = translator.formats
    text = formats.number(value, 2) if key.name == "confidence" else formats.milliseconds(value)
    return Cell(text, value, number=True)


def _said(answer: Answer, translator: Translator) -> Cell:
    """The output behind a mark, or behind the score where it is neither 0 nor 1: colour never means anything alone."""
    score = answer.prediction.score
    right = score >= RIGHT_FROM
    mark = ("✓" if right else "✗") if score in (0.0, 1.0) else translator.formats.number(score, 2)
    output = one_line(answer.prediction.output or "")
    whole = output if answer.answered is None else f"{output} ({answer.answered})"
    words = translator.tr(
        "gui_examples.right" if right else "gui_examples.wrong", score=translator.formats.number(score)
    )
    return Cell(f"{mark} {whole}".strip(), score, color="text" if right else "bad", tip=f"{whole}\n{words}".strip())


def one_line(text: str) -> str:
    """The beginning of a text on one line."""
    line = " ".join(text[: _SHOWN_SIGNS * 2].split())
    return line if len(line) <= _SHOWN_SIGNS else line[: _SHOWN_SIGNS - 1] + "…"


class ExampleTable(CellTable):
    """Rows so far; `more_wanted` asks for the next page once the view comes near the last one."""

    more_wanted = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme)
        self._examples: list[ComparedExample] = []
        self._more = False

    @property
    def examples(self) -> Sequence[ComparedExample]:
        """The rows behind the cells."""
        return self._examples

    def begin(self, titles: Sequence[str]) -> None:
        """Show no row under other titles."""
        self._examples, self._more = [], False
        self.set_rows(titles, [])

    def add(self, examples: Sequence[ComparedExample], rows: Sequence[Sequence[Cell]], *, more: bool) -> None:
        """Show further rows; `more` says whether others follow."""
        self._examples += examples
        self._more = more
        self.append_rows(rows)

    def canFetchMore(self, parent: AnyIndex = NOWHERE) -> bool:  # noqa: N802 (Qt's name)
        """Whether rows follow that were not asked for yet."""
        return not parent.isValid() and self._more

    def fetchMore(self, parent: AnyIndex = NOWHERE) -> None:  # noqa: N802 (Qt's name)
        """Ask for them once: Qt asks again while the answer is on its way."""
        if self.canFetchMore(parent):
            self._more = False
            self.more_wanted.emit()
