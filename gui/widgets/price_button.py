"""A button that tells what the waiting jobs will ask of endpoints and what that costs, before anything is sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QPushButton, QWidget

from core.domain import JobRow, JobState
from core.jobs.job_parts import JobPart
from core.lazy import load
from core.spec import EndpointModel, Study
from gui.context import Context
from gui.i18n import Translator, words_of_error
from gui.models.jobs import job_title

KnownJob = tuple[JobRow, JobPart | None]


def asks_endpoints(study: Study) -> bool:
    """Whether a candidate or the judge answers behind an address."""
    judge = study.task.judge
    models = [candidate.model for candidate in study.candidates]
    return any(isinstance(model, EndpointModel) for model in [*models, judge.model if judge else None])


class PriceButton(QPushButton):
    """In sight where endpoints will be asked. `message` carries (level, `Words`)."""

    message = Signal(str, object)

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
        refusing = any(job["refused_by"] is not None for job in priced["jobs"])
        parts = self._context.document.parts
        rows = {row.job_id: (row, parts.get(row.job_id)) for row in self._context.document.jobs}
        self.message.emit("warn" if refusing else "info", lambda translator: price_sentence(translator, priced, rows))

    def _refused(self, error: Exception) -> None:
        self._done()
        self.message.emit("bad", words_of_error(error))

    def _done(self) -> None:
        self._busy = False
        self.refresh()


def price_sentence(translator: Translator, priced: dict[str, Any], jobs: Mapping[str, KnownJob]) -> str:
    """What `tercet run --dry-run --json` says in words: requests, money, and each of the `jobs` that a cap refuses."""
    if not priced["jobs"]:
        return translator.tr("gui.price.none")
    money = {name: translator.formats.money(priced[name], priced["currency"]) for name in ("money", "most_money")}
    told = [translator.tr("gui.price.total", requests=priced["requests"], **money)]
    if priced["unpriced_jobs"]:
        told.append(translator.tr("gui.price.unpriced", count=priced["unpriced_jobs"]))
    refused = [job for job in priced["jobs"] if job["refused_by"] is not None]
    return " ".join([*told, *(_refusal(translator, job, *jobs[job["id"]]) for job in refused)])


def _refusal(translator: Translator, priced: dict[str, Any], row: JobRow, part: JobPart | None) -> str:
    """That a cap refuses a job, or may refuse it where only a bound is known."""
    return translator.tr(
        f"gui.price.{'may_be_refused' if priced['bounded'] else 'refused'}",
        job=job_title(translator, row, part),
        cap=translator.tr(f"field.candidate.model.endpoint.{priced['refused_by']}"),
    )
