"""The card "What if": four sliders whose values decide again, live, on the stored rows."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Signal
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QGridLayout, QToolButton, QWidget

from core.decide.outcome import Decision
from core.spec import Study
from gui.context import Context
from gui.theme import BODY_PX, GAP_CARDS, GAP_ROWS, font
from gui.widgets.card import Card
from gui.widgets.log_slider import LogSlider

REQUESTS, VALUE, BUDGET, LATENCY = "requests", "value", "budget", "latency"
PATHS = {
    REQUESTS: "criteria.cost.monthly_requests",
    VALUE: "criteria.cost.value_per_success",
    BUDGET: "criteria.cost.monthly_budget",
    LATENCY: "criteria.service.p95_latency_ms",
}
WIDEST_FIGURE = "US$100,000.00"


class WhatIfCard(Card):
    """Sliders for requests, value, budget and p95 limit. `changed` fires when one moves, `reset_asked` on Reset."""

    changed = Signal()
    reset_asked = Signal()

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__("", parent)
        self._context = context
        self._currency = "USD"
        self.sliders = {
            REQUESTS: LogSlider(None, self),
            VALUE: LogSlider("low", self),
            BUDGET: LogSlider("high", self),
            LATENCY: LogSlider("high", self),
        }
        self.reset_button = QToolButton(self)
        self.reset_button.setProperty("kind", "link")
        self.reset_button.clicked.connect(self._reset)
        self.add_corner(self.reset_button)
        grid = QGridLayout()
        grid.setHorizontalSpacing(GAP_CARDS)
        grid.setVerticalSpacing(GAP_ROWS)
        grid.setColumnStretch(1, 1)
        grid.setColumnMinimumWidth(2, QFontMetrics(font(BODY_PX, bold=True)).horizontalAdvance(WIDEST_FIGURE) * 2 // 3)
        for row, slider in enumerate(self.sliders.values()):
            slider.hide()
            slider.place(grid, row)
            slider.moved.connect(self._moved)
        self.body.addLayout(grid)
        self.body.addStretch(1)
        self.retranslate()

    @property
    def settings(self) -> tuple[str, ...]:
        """One `PATH=VALUE` for each slider that stands elsewhere than the study says."""
        return tuple(
            f"{PATHS[name]}={'null' if slider.value is None else repr(slider.value)}"
            for name, slider in self.sliders.items()
            if slider.changed
        )

    def set_study(self, study: Study, decision: Decision) -> None:
        """Put every slider at the study's own value."""
        cost, service = study.criteria.cost, study.criteria.service
        self._currency = cost.currency
        monthly = [
            c.cost.monthly.value for c in decision.candidates if c.cost is not None and c.cost.monthly is not None
        ]
        latencies = [c.latency.p95 for c in decision.candidates if c.latency is not None and c.latency.p95 is not None]
        per_success = [c.cost.per_success.value for c in decision.candidates if c.cost and c.cost.per_success]
        self.sliders[REQUESTS].set_stated(cost.monthly_requests, 1e5)
        self.sliders[VALUE].set_stated(cost.value_per_success, max(per_success, default=0.001) * 4 or 0.01)
        self.sliders[BUDGET].set_stated(cost.monthly_budget, max(monthly, default=0.0) or 1000.0)
        self.sliders[LATENCY].set_stated(service.p95_latency_ms, max(latencies, default=0.0) or 200.0)
        self.retranslate()

    def retranslate(self) -> None:
        """Set every text again."""
        tr = self._context.translator.tr
        formats = self._context.translator.formats
        self.set_title(tr("gui_decide.what_if.title"))
        self.reset_button.setText(tr("gui_decide.what_if.reset"))
        self.reset_button.setToolTip(tr("gui_decide.what_if.reset.tip"))
        no_limit = tr("gui_decide.what_if.no_limit")

        def write_money(value: float) -> str:
            return formats.stated_money(value, self._currency)

        for name, write, empty in (
            (REQUESTS, formats.count, ""),
            (VALUE, write_money, tr("gui_decide.what_if.not_given")),
            (BUDGET, write_money, no_limit),
            (LATENCY, formats.milliseconds, no_limit),
        ):
            self.sliders[name].set_words(tr(f"gui_decide.what_if.{name}"), _writer(write, empty))
        self._show_reset()

    def reset(self) -> None:
        """Put every slider back, silently."""
        for slider in self.sliders.values():
            slider.reset()
        self._show_reset()

    def _reset(self) -> None:
        self.reset()
        self.reset_asked.emit()

    def _moved(self) -> None:
        self._show_reset()
        self.changed.emit()

    def _show_reset(self) -> None:
        self.reset_button.setEnabled(bool(self.settings))


def _writer(write: Callable[[float], str], empty: str) -> Callable[[float | None], str]:
    return lambda value: empty if value is None else write(value)
