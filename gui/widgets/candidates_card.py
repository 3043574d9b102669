"""The candidates and where each would run, as readable rows."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QPushButton, QWidget

from core.spec import PriceFromList, PricePerRequest, SelfHosted, Study
from gui.candidate_words import candidate_text
from gui.context import Context
from gui.i18n import Translator
from gui.theme import GAP_ROWS
from gui.widgets.card import Card
from gui.widgets.elided_label import ElidedLabel
from gui.widgets.role_mark import RoleMark


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
        self.edit_button = QPushButton(self)
        self.edit_button.setProperty("kind", "link")
        self.add_corner(self.edit_button)
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(GAP_ROWS)
        self._grid.setVerticalSpacing(0)
        self._grid.setColumnStretch(1, 1)
        self.body.addLayout(self._grid)

    def show_study(self, study: Study) -> None:
        """Show a study's candidates."""
        translator = self._context.translator
        self.set_title(translator.tr("gui.candidates.title", count=len(study.candidates)))
        self.edit_button.setText(translator.tr("gui.candidates.edit"))
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
