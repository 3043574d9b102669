"""The tabs under the answer: what would change it, how the candidates compare, and what the answer rests on."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from core.charts import learning_curve_chart, routing_curve_chart
from core.decide.data_notes import cut_notes
from core.decide.outcome import Decision
from core.decide.unanswered import unanswered_notes
from gui.context import Context
from gui.models.candidate_rows import compared_rows, retrieval_sentences
from gui.models.class_slice_rows import class_slice_rows, slices_not_compared
from gui.models.data_rows import (
    curve_sentences,
    expected_sentence,
    learning_rows,
    noise_sentence,
    suspect_notes,
    suspect_rows,
)
from gui.models.decision_rows import DecisionRows
from gui.models.evidence_rows import complexity_rows, measure_next_words, policy_row
from gui.models.load_rows import load_columns, load_rows, saturation_sentences
from gui.models.table import Cell
from gui.theme import GAP_CARDS, GAP_ROWS
from gui.widgets.card import Card
from gui.widgets.chart import ChartView
from gui.widgets.rows_table import RowsTable
from gui.widgets.sentence import Sentence
from gui.widgets.wrapped_tabs import WrappedTabs

FLIPS, CANDIDATES, BREAK_EVEN, ROUTER, COMPLIANCE, ASSUMPTIONS, COMPLEXITY, PARTS, DATA, LOAD = range(10)
COMPARED = ("candidate", "quality", "kept", "speed", "size", "latency", "cost", "standing")
TAB_CODES = (
    "flips", "candidates", "break_even", "router", "compliance", "assumptions", "complexity", "parts", "data", "load",
)  # fmt: skip
CURVE_HEIGHT = 320
ONE_OFF_WORTH_TELLING = 0.01


class _Tab(QWidget):
    """One tab: a sentence, a table, notes under it. Empty parts take no room."""

    def __init__(self, context: Context, parent: QWidget) -> None:
        super().__init__(parent)
        self.sentence, self.notes = Sentence(self), Sentence(self)
        self.notes.setProperty("type", "secondary")
        self.table = RowsTable(context.theme, parent=self)
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(0, 0, 0, 0)
        self.column.setSpacing(GAP_ROWS)
        for widget in (self.sentence, self.table, self.notes):
            self.column.addWidget(widget)
        self.column.addStretch(1)

    def fill(
        self, sentence: str, titles: list[str], rows: list[list[Cell]], notes: str = "", stretch: int | None = None
    ) -> None:
        """Show a sentence, rows under titles, and notes."""
        self.sentence.setText(sentence)
        self.sentence.setVisible(bool(sentence))
        self.table.setVisible(bool(rows))
        if rows:
            self.table.set_rows(titles, rows, stretch=stretch)
        self.notes.setText(notes)
        self.notes.setVisible(bool(notes))


class DecisionTabs(Card):
    """Shows one tab of a decision at a time; as high as that tab needs."""

    message = Signal(str, object)
    examples_asked = Signal(str)

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__("", parent)
        self._context = context
        self._decision: Decision | None = None
        self.bar = WrappedTabs(len(TAB_CODES), self)
        self.tabs = [_Tab(context, self) for _ in TAB_CODES]
        self.curve = ChartView(context.theme, context.translator, self.tabs[ROUTER])
        self.curve.setFixedHeight(CURVE_HEIGHT)
        self.curve.message.connect(self.message)
        self.tabs[ROUTER].column.insertWidget(1, self.curve)
        self.learning = ChartView(context.theme, context.translator, self.tabs[COMPLEXITY])
        self.learning.setFixedHeight(CURVE_HEIGHT)
        self.learning.message.connect(self.message)
        self.tabs[COMPLEXITY].column.insertWidget(1, self.learning)
        self.benefit_caption = QLabel(self.tabs[FLIPS])
        self.benefit_caption.setProperty("type", "caption")
        self.benefit_caption.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.tabs[FLIPS].column.insertWidget(2, self.benefit_caption)
        self.examples_button = QPushButton(self.tabs[CANDIDATES])
        self.examples_button.setProperty("kind", "link")
        self.examples_button.clicked.connect(self._ask_for_examples)
        self.tabs[CANDIDATES].table.activated.connect(self._ask_for_examples)
        side = Qt.AlignmentFlag.AlignLeft
        self.tabs[CANDIDATES].column.insertWidget(2, self.examples_button, 0, side)
        self.body.setSpacing(GAP_CARDS)
        self.body.addWidget(self.bar)
        for index, tab in enumerate(self.tabs):
            tab.setVisible(index == 0)
            self.body.addWidget(tab)
        self.bar.current_changed.connect(self._choose)
        self.retranslate()

    def show_decision(self, decision: Decision) -> None:
        """Show another decision; the tab stays."""
        self._decision = decision
        rows = DecisionRows(decision, self._context.translator)
        self._fill_flips(rows)
        self._fill_candidates(rows)
        self._fill_break_even(rows)
        self._fill_router(rows)
        self._fill_compliance(rows)
        self._fill_assumptions(rows)
        self._fill_complexity(rows)
        self._fill_parts(rows)
        self._fill_data(rows)
        self._fill_load(rows)

    def retranslate(self) -> None:
        """Set every text again."""
        tr = self._context.translator.tr
        self.bar.setAccessibleName(tr("gui_decide.tabs.name"))
        self.examples_button.setText(tr("gui_examples.open"))
        self.examples_button.setToolTip(tr("gui_examples.open.help"))
        for index, code in enumerate(TAB_CODES):
            title = tr(f"gui_decide.tab.{code}")
            self.bar.set_text(index, title)
            self.tabs[index].table.setAccessibleName(title)
        if self._decision is not None:
            self.show_decision(self._decision)

    def _choose(self, index: int) -> None:
        for position, tab in enumerate(self.tabs):
            tab.setVisible(position == index)

    def _ask_for_examples(self) -> None:
        """Of the chosen row's candidate, else of the one that the answer names."""
        decision, chosen = self._decision, self.tabs[CANDIDATES].table.currentIndex()
        if decision is None:
            return
        named = decision.candidate or decision.leading or decision.candidates[0].name
        self.examples_asked.emit(decision.candidates[chosen.row()].name if chosen.isValid() else named)

    def _fill_flips(self, rows: DecisionRows) -> None:
        flips = rows.flips()
        with_bars = any(row[-1].bar is not None for row in flips)
        shown = flips if with_bars else [row[:-1] for row in flips]
        titles = rows.titles("assumption", "value", "flips_at", "flips_to", "benefit")[: len(shown[0]) if shown else 5]
        sentence = "" if flips else rows.tr("gui_decide.flips.none")
        self.tabs[FLIPS].fill(sentence, titles, shown, measure_next_words(rows))
        self.benefit_caption.setText(rows.tr("gui_decide.flips.caption"))
        self.benefit_caption.setVisible(with_bars)

    def _fill_candidates(self, rows: DecisionRows) -> None:
        shown = rows.decision.candidates
        told = "\n".join(rows.words(note) for note in (*unanswered_notes(shown), *cut_notes(shown)))
        self.tabs[CANDIDATES].fill(
            told, rows.titles(*COMPARED), compared_rows(rows), retrieval_sentences(rows), stretch=0
        )

    def _fill_break_even(self, rows: DecisionRows) -> None:
        table = rows.break_even()
        chosen = rows.decision.chosen
        one_off = chosen.cost.one_off if chosen is not None and chosen.cost is not None else None
        if not table or chosen is None:
            sentence = rows.tr("gui_decide.break_even.none")
        elif one_off is None or one_off < ONE_OFF_WORTH_TELLING:
            sentence = rows.tr("gui_decide.break_even.no_one_off", candidate=chosen.name)
        else:
            amount = rows.formats.money(one_off, rows.decision.currency)
            sentence = rows.tr("gui_decide.break_even.one_off", candidate=chosen.name, amount=amount)
        self.tabs[BREAK_EVEN].fill(sentence, rows.titles("against", "after_requests", "after_time"), table, stretch=1)

    def _fill_router(self, rows: DecisionRows) -> None:
        policies = rows.decision.policies
        self.curve.setVisible(bool(policies))
        if not policies:
            self.tabs[ROUTER].fill(rows.tr("gui_decide.router.none"), [], [])
            return
        self.curve.set_spec(routing_curve_chart(rows.decision, policies[0].candidate))
        titles = rows.titles("policy", "apgr", "apgr_random", "apgr_length", "cpt50", "cpt80", "verdict")
        reasons = "\n".join(f"{rows.tr(f'gui_decide.policy.{p.kind.value}')}: {rows.words(p.reason)}" for p in policies)
        self.tabs[ROUTER].fill("", titles, [policy_row(policy, rows) for policy in policies], reasons)

    def _fill_compliance(self, rows: DecisionRows) -> None:
        table = rows.compliance()
        sentence = "" if table else rows.tr("gui_decide.compliance.none")
        self.tabs[COMPLIANCE].fill(sentence, rows.titles("candidate", "rule", "verdict", "reason"), table)

    def _fill_assumptions(self, rows: DecisionRows) -> None:
        notes = "\n".join(rows.words(note) for note in rows.decision.notes)
        titles = rows.titles("assumption", "value", "source", "as_of")
        self.tabs[ASSUMPTIONS].fill("", titles, rows.assumptions(), notes, stretch=2)

    def _fill_load(self, rows: DecisionRows) -> None:
        table = load_rows(rows)
        if not table:
            self.tabs[LOAD].fill(rows.tr("gui_decide.load.none"), [], [])
            return
        titles = rows.titles(*load_columns(rows))
        self.tabs[LOAD].fill(saturation_sentences(rows), titles, table, rows.tr("report.load.how"))

    def _fill_complexity(self, rows: DecisionRows) -> None:
        profile = rows.decision.complexity
        measured = (
            rows.tr(f"gui_decide.level.{profile.measured}") if profile.measured else rows.tr("gui_decide.level.unknown")
        )
        sentence = rows.tr(
            "gui_decide.complexity.sentence", stated=rows.tr(f"gui_decide.level.{profile.stated}"), measured=measured
        )
        if profile.contradiction is not None:
            sentence = f"{sentence} {rows.words(profile.contradiction)}"
        sentence = "\n".join(filter(None, (sentence, expected_sentence(rows))))
        chart = learning_curve_chart(rows.decision)
        self.learning.setVisible(chart is not None)
        if chart is not None:
            self.learning.set_spec(chart)
        titles = rows.titles("figure", "value", "meaning")
        table = [*complexity_rows(profile, rows), *learning_rows(rows)]
        notes = "\n".join(filter(None, (curve_sentences(rows), slices_not_compared(rows))))
        self.tabs[COMPLEXITY].fill(sentence, titles, table, notes)

    def _fill_data(self, rows: DecisionRows) -> None:
        noise = rows.decision.label_noise
        if noise is None:
            self.tabs[DATA].fill(rows.tr("gui_decide.data.none"), [], [])
            return
        titles = rows.titles("row", "text", "label", "suggested", "confidence", "agreeing")
        sentence = noise_sentence(self._context.translator, noise)
        self.tabs[DATA].fill(sentence, titles, suspect_rows(rows), suspect_notes(rows, noise), stretch=1)

    def _fill_parts(self, rows: DecisionRows) -> None:
        parts = class_slice_rows(rows)
        self.tabs[PARTS].fill(parts.sentence, parts.titles, parts.rows, parts.notes, stretch=0)
