"""A button that tells what the waiting jobs will ask of endpoints and what that costs, before anything is sent."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QPushButton, QWidget

from core.domain import JobState
from core.lazy import load
from core.spec import EndpointModel, Study
from gui.context import Context


def asks_endpoints(study: Study) -> bool:
    """Whether a candidate or the judge answers behind an address."""
    judge = study.task.judge
    models = [candidate.model for candidate in study.candidates]
    return any(isinstance(model, EndpointModel) for model in [*models, judge.model if judge else None])


class PriceButton(QPushButton):
    """In sight where endpoints will be asked. `message` carries (level, words)."""

    message = Signal(str, str)

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._context = context
        self._busy = False
        self.setProperty("kind", "link")
        self.clicked.connect(self._price)
        self.retranslate()

    def retranslate(self) -> None:
        """Set every word again."""
        self.setText(self._context.translator.tr("gui.price.ask"))
        self.setToolTip(self._context.translator.tr("gui.price.ask_help"))

    def refresh(self) -> None:
        """Show the button where there is something to price."""
        document = self._context.document
        waiting = any(row.state is not JobState.SUCCEEDED for row in document.jobs)
        self.setVisible(document.is_open and waiting and asks_endpoints(document.study))
        self.setEnabled(not self._busy and document.is_open and document.snapshot.plan_problem is None)

    def _price(self) -> None:
        document = self._context.document
        if document.path is None:
            return
        study, base, path = document.study, document.snapshot.base, document.path
        states = {row.job_id: row.state for row in document.jobs}
        self._busy = True
        self.setEnabled(False)
        document.compute(
            lambda: load("core.commands.dry_run").price_document(study, base, path, states), self._tell, self._refused
        )

    def _tell(self, priced: dict[str, Any]) -> None:
        self._done()
        self.message.emit("warn" if self._caps(priced) else "info", " ".join(self._sentences(priced)))

    def _refused(self, error: Exception) -> None:
        self._done()
        self.message.emit("bad", self._context.translator.error(error))

    def _done(self) -> None:
        self._busy = False
        self.refresh()

    def _sentences(self, priced: dict[str, Any]) -> list[str]:
        translator, jobs = self._context.translator, priced["jobs"]
        if not jobs:
            return [translator.tr("gui.price.none")]
        money = {name: translator.formats.money(priced[name], priced["currency"]) for name in ("money", "most_money")}
        told = [translator.tr("gui.price.total", requests=priced["requests"], **money)]
        if priced["unpriced_jobs"]:
            told.append(translator.tr("gui.price.unpriced", count=priced["unpriced_jobs"]))
        return told + self._caps(priced)

    def _caps(self, priced: dict[str, Any]) -> list[str]:
        """The jobs that a cap of their candidate refuses, or may refuse where only a bound is known."""
        translator = self._context.translator
        return [
            translator.tr(
                f"gui.price.{'may_be_refused' if job['bounded'] else 'refused'}",
                names=translator.tr("gui.list_separator").join(job["candidates"]),
                cap=translator.tr(f"field.candidate.model.endpoint.{job['refused_by']}"),
            )
            for job in priced["jobs"]
            if job["refused_by"] is not None
        ]
