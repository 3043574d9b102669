"""The 3C criteria and the service levels: a card of fields for each."""

from __future__ import annotations

from pydantic import BaseModel
from PySide6.QtWidgets import QWidget

from core.i18n import listed
from core.spec import Compliance, Cost, Service
from gui.context import Context
from gui.undo import StudyDraft
from gui.widgets.card import Card
from gui.widgets.fields import fields_of
from gui.widgets.form import FieldForm, bind
from gui.widgets.wrapped_label import WrappedLabel

SERVICE_FIELDS = (
    "min_quality",
    "quality_margin",
    "p95_latency_ms",
    "time_to_first_token_ms",
    "time_per_output_token_ms",
)
COST_FIELDS = ("monthly_requests", "monthly_budget", "value_per_success", "horizon_months", "currency")
COMPLIANCE_FIELDS = ("data_classes", "jurisdictions", "on_premises", "facts", "packs")
# Each card's model and fields in the order of the form; its name is that of its part of the criteria.
CRITERIA: dict[str, tuple[type[BaseModel], tuple[str, ...]]] = {
    "cost": (Cost, COST_FIELDS),
    "service": (Service, SERVICE_FIELDS),
    "compliance": (Compliance, COMPLIANCE_FIELDS),
}
PACKS = "criteria.compliance.packs"


class CriteriaCard(Card):
    """A form over one part of `criteria`. Its title is `gui.study.section.<name>`."""

    def __init__(self, name: str, context: Context, draft: StudyDraft, parent: QWidget | None = None) -> None:
        super().__init__("…", parent)
        self._name = name
        self._context = context
        self._draft = draft
        model, names = CRITERIA[name]
        specs = {spec.path: spec for spec in fields_of(model, f"criteria.{name}", names)}
        self.form = FieldForm(context.translator, [specs[f"criteria.{name}.{field}"] for field in names], self)
        bind(self.form, draft)
        self.body.addWidget(self.form)
        context.translator.language_changed.connect(self.retranslate)
        self.retranslate()

    def retranslate(self) -> None:
        """Set the title again."""
        self.set_title(self._context.translator.tr(f"gui.study.section.{self._name}"))


class ComplianceCard(CriteriaCard):
    """The compliance criteria. Chosen packs are named in a note as not evaluated, as the decision does it too."""

    def __init__(self, context: Context, draft: StudyDraft, parent: QWidget | None = None) -> None:
        self.note = WrappedLabel()
        super().__init__("compliance", context, draft, parent)
        self.note.setProperty("type", "caption")
        self.body.addWidget(self.note)
        draft.changed.connect(lambda path: self._show_note() if path == PACKS else None)
        draft.replaced.connect(self._show_note)

    def retranslate(self) -> None:
        """Set title and note again."""
        super().retranslate()
        self._show_note()

    def _show_note(self) -> None:
        packs = self._draft.value(PACKS) or []
        self.note.setText(self._context.translator.tr("decide.note.packs_not_evaluated", packs=listed(packs)))
        self.note.setVisible(bool(packs))
