"""The Decide page: the answer, the chart and the reasons behind it, what would change it, and what if."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QWidget

from core.charts import quality_cost_chart
from core.decide.decision import decide
from core.decide.outcome import Decision
from gui.context import Context
from gui.i18n import words_of_error
from gui.jobs.redecide import Redecider
from gui.jobs.stored_decision import Decided, StoredDecision
from gui.models.decision_answer import answer_of, why_rows
from gui.models.decision_rows import DecisionRows
from gui.pages.page import Page, PageMark
from gui.theme import GAP_CARDS
from gui.widgets.answer_card import AnswerCard
from gui.widgets.card import Card
from gui.widgets.chart import ChartView
from gui.widgets.decision_tabs import FLIPS, DecisionTabs
from gui.widgets.sentence import Sentence
from gui.widgets.what_if import WhatIfCard
from gui.widgets.why_card import WhyCard

WIDE_FROM = 900
CHART_SHARE, SIDE_SHARE = 62, 38
CHART_HEIGHT = 320


class DecidePage(Page):
    """Shows the decision on the stored rows; the sliders decide the same rows again under other criteria."""

    page_id = "decide"
    examples_asked = Signal(str)
    """The test rows of a candidate are asked for, by its name."""

    def __init__(self, context: Context, stored: StoredDecision, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self._decided: Decided | None = None
        self._shown: Decision | None = None
        self.stored = stored
        self.empty = Card(parent=self)
        self.empty_words = Sentence(self.empty)
        self.empty.body.addWidget(self.empty_words)
        self.answer = AnswerCard(context, self)
        self.chart_card = Card(parent=self)
        self.chart = ChartView(context.theme, context.translator, self.chart_card)
        self.chart.setMinimumHeight(CHART_HEIGHT)
        self.chart_card.body.addWidget(self.chart, 1)
        self.why = WhyCard(context, self)
        self.what_if = WhatIfCard(context, self)
        self.tabs = DecisionTabs(context, self)
        self.redecider = Redecider(context.background, decide, self)
        self._place()
        self._connect()
        self.retranslate()
        self._show_state()

    @property
    def mark(self) -> PageMark:
        """Done once the page has an answer."""
        answered = self._decided is not None and self._decided.decision.candidate is not None
        return PageMark.DONE if answered else PageMark.NONE

    @property
    def decision(self) -> Decision | None:
        """The decision in sight: the study's own, or the one under the sliders' criteria."""
        return self._shown

    def refresh(self) -> None:
        """Decide on the stored rows, off the UI thread, where results have changed."""
        self.stored.refresh()
        self._show_state()

    def retranslate(self) -> None:
        """Set every text again."""
        self.heading.setText(self.tr("gui_decide.page.title"))
        self.answer.retranslate()
        self.why.set_title(self.tr("gui_decide.why.title"))
        self.what_if.retranslate()
        self.tabs.retranslate()
        self._show_state()

    def show_decided(self, decided: Decided | None) -> None:
        """Show a decision on stored rows; sliders go back to the study's own values."""
        self._decided = decided
        self._shown = decided.decision if decided is not None else None
        self.redecider.set_evidence(decided.evidence if decided is not None else None)
        if decided is not None:
            self.what_if.set_study(decided.evidence.study, decided.decision)
        self._show_state()
        self.mark_changed.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 (Qt's name)
        """Put reasons and sliders under the chart where the window is narrow."""
        super().resizeEvent(event)
        self._arrange(wide=event.size().width() >= WIDE_FROM)

    def _show(self, decision: Decision) -> None:
        self._shown = decision
        self._show_state()

    def _show_state(self) -> None:
        decided, decision = self._decided, self._shown
        ready = decided is not None and decided.is_measured
        for part in (self.answer, self.chart_card, self.why, self.what_if, self.tabs):
            part.setVisible(ready)
        self.empty.setVisible(not ready and not self.stored.deciding)
        self.sentence.setText(self._sentence())
        self._show_main_button(ready)
        if decided is None or decision is None or not decided.is_measured:
            self.empty_words.setText(self._empty_words())
            return
        rows = DecisionRows(decision, self.context.translator)
        self.answer.show_answer(answer_of(rows, decided.evidence.study, what_if=decision is not decided.decision))
        self.chart.set_spec(quality_cost_chart(decision))
        self.why.show_rows(*why_rows(rows))
        self.tabs.show_decision(decision)

    def _sentence(self) -> str:
        decision = self._shown
        if self._decided is None or decision is None or not self._decided.is_measured:
            return self.tr(f"gui_decide.page.{'deciding' if self.stored.deciding else 'unmeasured'}")
        rows = self._decided.evidence.test
        count = len(rows.example_ids) if rows is not None else 0
        if decision.decided_on is None:
            return self.tr("gui_decide.page.rows", count=count)
        day = self.context.translator.formats.day(decision.decided_on)
        return self.tr("gui_decide.page.measured", count=count, day=day)

    def _empty_words(self) -> str:
        if self.stored.problem is not None:
            return self.context.translator.error(self.stored.problem)
        return self.tr("gui_decide.page.empty")

    def _show_main_button(self, ready: bool) -> None:
        code, page = ("report", "report") if ready else ("runs", "runs")
        self.main_button.setText(self.tr(f"gui_decide.page.to_{code}"))
        self.main_button.setProperty("page", page)
        self.main_button.setVisible(self.context.document.is_open and (ready or not self.stored.deciding))

    def _what_if_moved(self) -> None:
        settings = self.what_if.settings
        if settings:
            self.redecider.wish(settings)
        else:
            self._back_to_study()

    def _back_to_study(self) -> None:
        self.redecider.forget()
        if self._decided is not None:
            self._show(self._decided.decision)

    def _show_flips(self) -> None:
        self.tabs.bar.set_current(FLIPS)
        QTimer.singleShot(0, self, lambda: self.scroll_area.ensureWidgetVisible(self.tabs))
        self.tabs.bar.setFocus(Qt.FocusReason.OtherFocusReason)

    def _connect(self) -> None:
        self.stored.outdated.connect(self.invalidate)
        self.stored.changed.connect(lambda: self.show_decided(self.stored.decided))
        self.main_button.clicked.connect(lambda: self.go_to.emit(self.main_button.property("page")))
        self.answer.flips_asked.connect(self._show_flips)
        self.what_if.changed.connect(self._what_if_moved)
        self.what_if.reset_asked.connect(self._back_to_study)
        self.redecider.decided.connect(self._show)
        self.redecider.failed.connect(lambda error: self.message.emit("bad", words_of_error(error)))
        self.chart.message.connect(self.message)
        self.tabs.message.connect(self.message)
        self.tabs.examples_asked.connect(self.examples_asked)

    def _place(self) -> None:
        self._side = QBoxLayout(QBoxLayout.Direction.TopToBottom)
        self._side.setSpacing(GAP_CARDS)
        self._side.addWidget(self.why, 1)
        self._side.addWidget(self.what_if, 0)
        self._row = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._row.setSpacing(GAP_CARDS)
        self._row.addWidget(self.chart_card, CHART_SHARE)
        self._row.addLayout(self._side, SIDE_SHARE)
        self.body.addWidget(self.empty)
        self.body.addWidget(self.answer)
        self.body.addLayout(self._row, 1)
        self.body.addWidget(self.tabs)
        self.body.addStretch(0)

    def _arrange(self, *, wide: bool) -> None:
        """Beside the chart there is room for reasons and sliders, or they stand side by side under it."""
        across, down = QBoxLayout.Direction.LeftToRight, QBoxLayout.Direction.TopToBottom
        self._row.setDirection(across if wide else down)
        self._side.setDirection(down if wide else across)
        self._side.setStretchFactor(self.what_if, 0 if wide else 1)
        self._row.setStretchFactor(self._side, SIDE_SHARE if wide else 0)
