"""The Examples page: the test rows with two candidates' answers side by side, and the hybrid of both."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from PySide6.QtCore import QModelIndex, QSize, Qt, Signal
from PySide6.QtGui import QKeySequence, QResizeEvent, QShortcut
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from core.drill_down import DrillDown, Overview, sides_with, usual_sides
from core.store.question import ExamplePage, Place, Question, RoutedSide, SortKey
from gui.context import Context
from gui.i18n import words_of_error
from gui.jobs.stored_answers import StoredAnswers
from gui.jobs.stored_decision import StoredDecision
from gui.models.answered_examples import Answered, answered, same_pair, same_rows
from gui.models.examples import ExampleColumn, ExampleTable, example_cells, example_columns
from gui.pages.page import Page, PageMark
from gui.theme import GAP_CARDS, GAP_ROWS
from gui.widgets.card import Card
from gui.widgets.example_details import ExampleDetails
from gui.widgets.example_filters import ExampleFilters
from gui.widgets.rows_table import RowsTable
from gui.widgets.sentence import Sentence

PAGE_ROWS = 200
_TABLE_SHARE, _DETAILS_SHARE = 5, 2
_LEAST_TABLE_HEIGHT = 220


class _PagedRows(RowsTable):
    """Takes the height that the page has: the rows scroll here, and their number is no height to ask for.

    `resized` is told of a new width or height, also where only the table has it: it is laid out once it has rows."""

    resized = Signal()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 (Qt's name)
        super().resizeEvent(event)
        self.resized.emit()

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        return QSize(320, _LEAST_TABLE_HEIGHT)


class ExamplesPage(Page):
    """Reads its rows from the store a page at a time, off the UI thread, as they are scrolled into sight."""

    page_id = "examples"

    def __init__(self, context: Context, stored: StoredDecision, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self.stored = stored
        self.answers = StoredAnswers(context.document, stored, self)
        self._found: DrillDown | None = None
        self._question: Question | None = None
        self._shown: Question | None = None
        self._columns: list[ExampleColumn] = []
        self._next: Place | None = None
        self._wanted = ""
        self._overview: Overview | None = None
        self.empty = Card(parent=self)
        self.empty_words = Sentence(self.empty)
        self.empty.body.addWidget(self.empty_words)
        self.filters = ExampleFilters(context, self)
        self.table = ExampleTable(context.theme)
        self.view = _PagedRows(context.theme, grow=False, cells=self.table, parent=self)
        self.view.setMinimumHeight(_LEAST_TABLE_HEIGHT)
        self.shown = QLabel(self)
        self.shown.setProperty("type", "secondary")
        self.pending = QLabel(self)
        self.pending.setProperty("type", "secondary")
        self.details = ExampleDetails(context, self)
        self._place()
        self._connect()
        self.retranslate()
        self._show_state()

    @property
    def mark(self) -> PageMark:
        """Nothing is to be done here."""
        return PageMark.NONE

    @property
    def question(self) -> Question | None:
        """What the rows in sight answer; null where there are none."""
        return self._question

    def show_candidate(self, name: str) -> None:
        """Compare a candidate with the one beside whom it is best judged; at once, or once the rows are there."""
        self._wanted = name
        self._choose_wanted()

    def refresh(self) -> None:
        """Read what can be compared, where results have changed."""
        self.answers.refresh()
        self._show_state()

    def retranslate(self) -> None:
        """Set every text again."""
        self.heading.setText(self.tr("gui.page.examples"))
        self.main_button.setText(self.tr("gui.runs.decide"))
        self.view.setAccessibleName(self.tr("gui_examples.table"))
        self.pending.setText(self.tr("gui_examples.hybrids_to_come"))
        self.filters.retranslate()
        if self._found is not None:
            self._offer(self._found)
            self._ask()
        self._show_state()

    def _answers_changed(self) -> None:
        found = self.answers.found
        if found is None:
            self._found, self._question, self._shown, self._columns = None, None, None, []
        elif found != self._found:
            self._found = found
            self._offer(found)
            if not self._choose_wanted():
                self._ask()
        self._show_state()

    def _offer(self, found: DrillDown) -> None:
        usual = usual_sides(self.context.document.study, found.sides)
        names = [side.name for side in usual if not isinstance(side, RoutedSide)] or [side.name for side in usual]
        self.filters.offer(found, names)

    def _choose_wanted(self) -> bool:
        """Whether a candidate was wanted; its rows are asked for then."""
        if self._found is None or not self._wanted:
            return False
        name, self._wanted = self._wanted, ""
        sides = sides_with(self.context.document.study, self._found.sides, name)
        self.filters.choose([side.name for side in sides[:2]])
        return True

    def _ask(self) -> None:
        """Ask for the first rows of what the filters mean."""
        if self._found is None:
            return
        question, before = self.filters.question(self._found.data_job), self._question
        sort = before.sort if before is not None and same_pair(before, question) else SortKey()
        if sort.side is not None and sort.side >= len(question.sides):  # its column is gone
            sort = SortKey()
        self._put(replace(question, sort=sort))

    def _put(self, question: Question) -> None:
        before, self._question, self._next = self._question, question, None
        if before is None or not same_pair(before, question) or not self._columns:
            self._overview = None
        known, rows = self._overview, PAGE_ROWS
        beside = self._shown is not None and same_rows(self._shown, question)
        if beside:  # only a column comes or goes, and whoever reads the rows keeps their place
            rows = max(rows, self.table.rowCount())
        self.context.document.query(
            lambda store: answered(store, question, rows, known),
            partial(self._show_answer, question, beside),
            self._refused,
        )

    def _show_answer(self, question: Question, beside: bool, answered: Answered) -> None:
        if question is not self._question:
            return
        self._shown = question
        chosen, scrolled = self.view.currentIndex(), self.view.verticalScrollBar().value()
        self._overview = answered.overview
        self._columns = example_columns(question.sides, self.context.translator)
        self.table.begin([column.titled(question.sort) for column in self._columns])
        self._lay_out_columns()
        self._add(question, answered.page)
        self._hide_unknown_figures(answered.page)
        self.shown.setText(self.tr("gui_examples.shown", count=answered.count, rows=self._number(answered.count)))
        self.details.show_row(None, question.sides)
        self._say(question, answered.overview)
        self._show_state()
        if beside:
            self.view.setCurrentIndex(self.table.index(chosen.row(), chosen.column()))
            self.view.verticalScrollBar().setValue(scrolled)

    def _add(self, question: Question, page: ExamplePage) -> None:
        if question is self._question:
            self._next = page.next
            cells = [example_cells(row, self._columns, self.context.translator) for row in page.rows]
            self.table.add(page.rows, cells, more=page.next is not None)

    def _fetch(self) -> None:
        question, place = self._question, self._next
        if question is not None and place is not None:
            self.context.document.query(
                lambda store: store.examples(question, place, PAGE_ROWS), partial(self._add, question), self._refused
            )

    def _refused(self, error: Exception) -> None:
        self.message.emit("bad", words_of_error(error))

    def _sort_by(self, column: int) -> None:
        """By a column, the smallest first; a second click on it turns the order round."""
        if self._question is not None:
            key, now = self._columns[column].sort, self._question.sort
            again = (key.name, key.side) == (now.name, now.side)
            self._put(replace(self._question, sort=replace(key, descending=again and not now.descending)))

    def _row_chosen(self, index: QModelIndex, _before: QModelIndex) -> None:
        sides = self._question.sides if self._question is not None else ()
        self.details.show_row(self.table.examples[index.row()] if index.isValid() else None, sides)

    def _lay_out_columns(self) -> None:
        for place, column in enumerate(self._columns):
            self.view.setColumnWidth(place, column.width)

    def _widen_input(self) -> None:
        """The input takes the room that the others leave, and never less than its own."""
        if self._columns:
            others = sum(self.view.columnWidth(place) for place in range(1, len(self._columns)))
            self.view.setColumnWidth(0, max(self._columns[0].width, self.view.viewport().width() - others))

    def _hide_unknown_figures(self, page: ExamplePage) -> None:
        for place, column in enumerate(self._columns):
            side = column.sort.side
            known = (
                side is None
                or not column.figure
                or any(
                    answer is not None and getattr(answer.prediction, column.figure) is not None
                    for row in page.rows
                    if (answer := row.answers[side]) is not None
                )
            )
            self.view.setColumnHidden(place, not known)
        self._widen_input()

    def _say(self, question: Question, overview: Overview) -> None:
        """Where the two stand, in one sentence."""
        names = [side.name for side in question.sides]
        if len(names) < 2:
            right, rows = self._number(overview.only_first), self._number(overview.rows)
            self.sentence.setText(self.tr("gui_examples.sentence.one", name=names[0], right=right, rows=rows))
            return
        self.sentence.setText(
            self.tr(
                "gui_examples.sentence.two",
                first=names[0],
                second=names[1],
                rows=self._number(overview.rows),
                both=self._number(overview.both_right),
                only_first=self._number(overview.only_first),
                only_second=self._number(overview.only_second),
            )
        )

    def _number(self, count: int) -> str:
        return self.context.translator.formats.number(count, 0)

    def _show_state(self) -> None:
        ready = self._found is not None and bool(self._columns)
        for widget in (self._rows, self.details):
            widget.setVisible(ready)
        self.main_button.setVisible(ready)
        self.empty.setVisible(not ready)
        self.pending.setVisible(ready and self.answers.hybrids_to_come)
        if ready:
            return
        self.sentence.setText("")
        waiting = self.answers.reading or self._found is not None
        self.empty_words.setText(self.tr("gui_examples.reading" if waiting else "gui_examples.empty"))

    def _connect(self) -> None:
        self.stored.outdated.connect(self.invalidate)
        self.answers.changed.connect(self._answers_changed)
        self.answers.failed.connect(self._refused)
        self.filters.changed.connect(self._ask)
        self.table.more_wanted.connect(self._fetch)
        self.view.resized.connect(self._widen_input)
        self.view.selectionModel().currentRowChanged.connect(self._row_chosen)
        header = self.view.horizontalHeader()
        header.setSectionsClickable(True)
        header.sectionClicked.connect(self._sort_by)
        self.main_button.clicked.connect(lambda: self.go_to.emit("decide"))
        find = QShortcut(QKeySequence(QKeySequence.StandardKey.Find), self)
        find.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        find.activated.connect(self.filters.search.setFocus)

    def _place(self) -> None:
        rows = Card(parent=self)
        rows.body.addWidget(self.filters)
        rows.body.addWidget(self.view, 1)
        below = QHBoxLayout()
        below.addWidget(self.shown)
        below.addWidget(self.pending, 1, Qt.AlignmentFlag.AlignRight)
        rows.body.addLayout(below)
        column = QVBoxLayout()
        column.setSpacing(GAP_CARDS)
        rows.body.setSpacing(GAP_ROWS)
        column.addWidget(rows, _TABLE_SHARE)
        column.addWidget(self.details, _DETAILS_SHARE)
        self._rows = rows
        self.body.addWidget(self.empty)
        self.body.addLayout(column, 1)
        self.body.addStretch(0)
