"""The Examples page: the test rows with two candidates' answers side by side, and the hybrid of both."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

from PySide6.QtCore import QModelIndex, QSize, Qt, QTimer
from PySide6.QtGui import QKeySequence, QResizeEvent, QShortcut
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from core.drill_down import DrillDown, drill_down_of, sides_with, usual_sides
from core.evidence import StudyEvidence
from core.store import StudyStore
from core.store.drill_down import ExamplePage, Place, Question, RoutedSide, Show, SortKey
from gui.context import Context
from gui.jobs.stored_decision import StoredDecision
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


@dataclass(frozen=True)
class _Overview:
    """How two candidates compare on all test rows, as counts; those of one candidate where there is one."""

    rows: int
    both_right: int
    only_first: int
    only_second: int


@dataclass(frozen=True)
class _Answered:
    """The first rows of a question, how many it means, and how the candidates compare where that was asked."""

    page: ExamplePage
    count: int
    overview: _Overview


class _PagedRows(RowsTable):
    """Takes the height that the page has: the rows scroll here, and their number is no height to ask for."""

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        return QSize(320, _LEAST_TABLE_HEIGHT)


class ExamplesPage(Page):
    """Reads its rows from the store a page at a time, off the UI thread, as they are scrolled into sight."""

    page_id = "examples"

    def __init__(self, context: Context, stored: StoredDecision, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self.stored = stored
        self._found: DrillDown | None = None
        self._evidence: StudyEvidence | None = None
        self._question: Question | None = None
        self._columns: list[ExampleColumn] = []
        self._next: Place | None = None
        self._wanted = ""
        self._overview: _Overview | None = None
        self.empty = Card(parent=self)
        self.empty_words = Sentence(self.empty)
        self.empty.body.addWidget(self.empty_words)
        self.filters = ExampleFilters(context, self)
        self.table = ExampleTable(context.theme)
        self.view = _PagedRows(context.theme, grow=False, cells=self.table, parent=self)
        self.view.setMinimumHeight(_LEAST_TABLE_HEIGHT)
        self.shown = QLabel(self)
        self.shown.setProperty("type", "secondary")
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
        self.stored.refresh()
        self._show_state()

    def retranslate(self) -> None:
        """Set every text again."""
        self.heading.setText(self.tr("gui.page.examples"))
        self.main_button.setText(self.tr("gui.runs.decide"))
        self.view.setAccessibleName(self.tr("gui_examples.table"))
        self.filters.retranslate()
        if self._found is not None:
            self._offer(self._found)
            self._ask()
        self._show_state()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 (Qt's name)
        """Give the input's column the new room."""
        super().resizeEvent(event)
        QTimer.singleShot(0, self, self._widen_input)

    def _decision_changed(self) -> None:
        """Hybrids depend on the decision, which also holds the evidence that they rest on."""
        decided = self.stored.decided
        if decided is None or not decided.is_measured:
            self._evidence, self._found, self._question = None, None, None
            self._show_state()
        elif decided.evidence is not self._evidence:
            self._evidence = evidence = decided.evidence
            self.context.document.query(
                lambda store: drill_down_of(store, evidence), partial(self._received, evidence), self._refused
            )

    def _received(self, evidence: StudyEvidence, found: DrillDown | None) -> None:
        if evidence is not self._evidence:
            return
        self._found = found
        if found is not None:
            self._offer(found)
            self._choose_wanted()
            self._ask()
        self._show_state()

    def _offer(self, found: DrillDown) -> None:
        usual = usual_sides(self.context.document.study, found.sides)
        names = [side.name for side in usual if not isinstance(side, RoutedSide)] or [side.name for side in usual]
        self.filters.offer(found, names)

    def _choose_wanted(self) -> None:
        if self._found is None or not self._wanted:
            return
        name, self._wanted = self._wanted, ""
        sides = sides_with(self.context.document.study, self._found.sides, name)
        self.filters.choose([side.name for side in sides[:2]])

    def _ask(self) -> None:
        """Ask for the first rows of what the filters mean."""
        if self._found is None:
            return
        question = self.filters.question(self._found.data_job)
        sort = self._question.sort if self._question is not None else SortKey()
        if self._question is None or self._question.sides != question.sides:  # its columns are others
            sort = SortKey()
        self._put(replace(question, sort=sort))

    def _put(self, question: Question) -> None:
        before, self._question = self._question, question
        if before is None or before.sides != question.sides or not self._columns:
            self._overview = None
        known = self._overview
        self.context.document.query(
            lambda store: _answer(store, question, known), partial(self._show_answer, question), self._refused
        )

    def _show_answer(self, question: Question, answered: _Answered) -> None:
        if question is not self._question:
            return
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
        self.message.emit("bad", self.context.translator.error(error))

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

    def _say(self, question: Question, overview: _Overview) -> None:
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
        if ready:
            return
        self.sentence.setText("")
        problem = self.stored.problem
        waiting = self.stored.deciding or self._evidence is not None
        words = self.tr("gui_examples.reading" if waiting else "gui_examples.empty")
        self.empty_words.setText(words if problem is None else self.context.translator.error(problem))

    def _connect(self) -> None:
        self.stored.outdated.connect(self.invalidate)
        self.stored.changed.connect(self._decision_changed)
        self.filters.changed.connect(self._ask)
        self.table.more_wanted.connect(self._fetch)
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
        rows.body.addWidget(self.shown)
        column = QVBoxLayout()
        column.setSpacing(GAP_CARDS)
        rows.body.setSpacing(GAP_ROWS)
        column.addWidget(rows, _TABLE_SHARE)
        column.addWidget(self.details, _DETAILS_SHARE)
        self._rows = rows
        self.body.addWidget(self.empty)
        self.body.addLayout(column, 1)
        self.body.addStretch(0)


def _answer(store: StudyStore, question: Question, known: _Overview | None) -> _Answered:
    page = store.examples(question, None, PAGE_ROWS)
    return _Answered(page, store.example_count(question), known or _compared(store, question))


def _compared(store: StudyStore, question: Question) -> _Overview:
    whole = Question(question.data_job, question.sides)
    two = len(question.sides) > 1
    counts = {
        show: store.example_count(replace(whole, show=show))
        for show in (Show.ALL, Show.ONLY_FIRST, *((Show.ONLY_SECOND, Show.BOTH_RIGHT) if two else ()))
    }
    return _Overview(
        rows=counts[Show.ALL],
        both_right=counts.get(Show.BOTH_RIGHT, 0),
        only_first=counts[Show.ONLY_FIRST],
        only_second=counts.get(Show.ONLY_SECOND, 0),
    )
