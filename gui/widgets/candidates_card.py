"""The candidates and where each would run, as readable rows."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from core.domain import Role
from core.spec import (
    BaselineModel,
    Candidate,
    CandidateModel,
    EndpointModel,
    GgufModel,
    HubModel,
    LocalModel,
    PredictionsModel,
    PriceFromList,
    PricePerRequest,
    Prune,
    Quantize,
    SampleModel,
    SelfHosted,
    Study,
    TeacherLayers,
)
from gui.context import Context
from gui.i18n import Translator
from gui.theme import GAP_ROWS
from gui.widgets.card import Card
from gui.widgets.elided_label import ElidedLabel
from gui.widgets.key_value import KeyValueRows
from gui.widgets.role_mark import RoleMark


def candidate_text(translator: Translator, study: Study, candidate: Candidate) -> str:
    """How a candidate is made, in words: `2 layers of teacher, distilled over 10 epochs, int8`."""
    tr = translator.tr
    if candidate.role is Role.HYBRID:
        return tr("gui.candidate.hybrid", teacher=candidate.teacher, student=candidate.student)
    parts = [_model_text(translator, study, candidate)]
    training = study.training_of(candidate)
    if training.method != "none" and not isinstance(candidate.model, BaselineModel):
        parts.append(tr(f"gui.candidate.{training.method}", count=training.epochs))
    for step in candidate.compress:
        match step:
            case Quantize():
                parts.append(tr(f"gui.candidate.{step.quantize}"))
            case Prune():
                parts.append(tr("gui.candidate.prune", share=translator.formats.percent(step.prune)))
            case _:
                parts.append(tr("gui.candidate.trim"))
    return tr("gui.list_separator").join(parts)


def _model_text(translator: Translator, study: Study, candidate: Candidate) -> str:
    tr, model = translator.tr, candidate.model
    match model:
        case HubModel() | SampleModel():
            return model.id
        case LocalModel():
            return model.path
        case GgufModel() | PredictionsModel():
            return tr(f"gui.candidate.{model.source}", file=model.file)
        case EndpointModel():
            return tr("gui.candidate.endpoint", model=model.model, address=model.base_url)
        case BaselineModel():
            if study.training_of(candidate).method == "distill":
                return tr("gui.candidate.baseline_distilled", teacher=study.teacher_of(candidate) or "–")
            return tr("gui.candidate.baseline")
        case TeacherLayers():
            layers = model.layers if isinstance(model.layers, int) else len(model.layers)
            return tr("gui.candidate.layers", count=layers, teacher=study.teacher_of(candidate) or "–")
        case CandidateModel():
            return tr("gui.candidate.from", name=model.name)
        case None:
            return "–"


def profile_text(translator: Translator, study: Study, name: str) -> str:
    """What running on a profile costs, in words."""
    profile, currency = study.profiles[name], study.criteria.cost.currency
    money = translator.formats.stated_money
    if isinstance(profile, SelfHosted):
        return translator.tr(
            "gui.profile.self_hosted",
            capex=money(profile.capex, currency),
            months=translator.formats.number(profile.life_months),
            power=translator.formats.number(profile.power_kw),
            tariff=money(profile.tariff, currency),
        )
    price = profile.price
    if isinstance(price, PriceFromList):
        return translator.tr("gui.profile.price_list", model=price.model)
    if isinstance(price, PricePerRequest):
        return translator.tr("gui.profile.per_request", price=money(price.per_million_requests, currency))
    return translator.tr(
        "gui.profile.per_token",
        input=money(price.per_million_input_tokens, currency),
        output=money(price.per_million_output_tokens, currency),
    )


class CandidatesCard(Card):
    """A row for each candidate with its role's mark, then the profiles."""

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__("…", parent)
        self._context = context
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(GAP_ROWS)
        self._grid.setVerticalSpacing(0)
        self._grid.setColumnStretch(1, 1)
        self.body.addLayout(self._grid)

    def show_study(self, study: Study) -> None:
        """Show a study's candidates."""
        translator = self._context.translator
        self.set_title(translator.tr("gui.candidates.title", count=len(study.candidates)))
        while (item := self._grid.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        for line, candidate in enumerate(study.candidates):
            name = ElidedLabel(candidate.name, self)
            name.setProperty("type", "strong")
            text = ElidedLabel(candidate_text(translator, study, candidate), self, Qt.TextElideMode.ElideRight)
            text.setProperty("type", "secondary")
            text.setAlignment(Qt.AlignmentFlag.AlignTop)
            role = QLabel(translator.tr(f"gui.role.{candidate.role.value}"), self)
            role.setProperty("type", "secondary")
            role.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            mark = RoleMark(self._context.theme, candidate.role, 10, self)
            self._grid.addWidget(mark, 2 * line, 0, Qt.AlignmentFlag.AlignVCenter)
            self._grid.addWidget(name, 2 * line, 1)
            self._grid.addWidget(role, 2 * line, 2)
            self._grid.addWidget(text, 2 * line + 1, 1, 1, 2)
            self._grid.setRowMinimumHeight(2 * line + 1, text.sizeHint().height() + 8)


class ProfilesCard(Card):
    """Where candidates run and what that costs."""

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__("…", parent)
        self._context = context
        self._rows = KeyValueRows(wrap=True, parent=self)
        self.body.addWidget(self._rows)

    def show_study(self, study: Study) -> None:
        """Show a study's profiles."""
        translator = self._context.translator
        self.set_title(translator.tr("gui.profiles.title"))
        self._rows.set_rows([(name, profile_text(translator, study, name)) for name in study.profiles])
