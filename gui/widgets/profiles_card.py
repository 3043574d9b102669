"""Where candidates run and what that costs: every profile in a line, and the chosen one as a form."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from PySide6.QtWidgets import QPushButton, QWidget

from core.errors import UserError
from core.spec import PriceFromList, PricePerRequest, PricePerToken, SelfHosted, Study
from gui.context import Context
from gui.study_edits.lists import free_name
from gui.study_edits.profiles import (
    PRICES,
    figures_of,
    fresh_profile,
    model_of,
    pricing_of,
    renamed_profile,
    users_of_profile,
    with_figure,
)
from gui.study_edits.shapes import Document
from gui.undo import StudyDraft
from gui.widgets.candidates_card import profile_text
from gui.widgets.editors import ChoiceEditor
from gui.widgets.fields import FieldKind, FieldSpec, Presentation, fields_of
from gui.widgets.key_value import KeyValueRows
from gui.widgets.part_card import PartCard
from gui.widgets.problems import name_problem

PATH = "profiles"
CHOSEN, NAME, KIND, PRICING = (f"{PATH}.{name}" for name in ("chosen", "name", "kind", "pricing"))
_HEAD = (CHOSEN, NAME, KIND)
_UNITS = {
    "capex": "money", "tariff": "money_kwh", "staff_month": "money_month", "software_month": "money_month",
    "life_months": "months", "power_kw": "kilowatts", "memory_gib": "gibibytes",
    "per_million_input_tokens": "money_million", "per_million_output_tokens": "money_million",
    "per_million_requests": "money_million",
}  # fmt: skip


def profile_specs() -> list[FieldSpec]:
    """The fields of a profile in the order of the form."""
    specs = [
        FieldSpec(CHOSEN, FieldKind.CHOICE, optional=False),
        FieldSpec(NAME, FieldKind.TEXT, optional=False, presentation=Presentation(wide=True)),
        FieldSpec(KIND, FieldKind.CHOICE, optional=False, choices=("self_hosted", "api")),
        FieldSpec(PRICING, FieldKind.CHOICE, optional=False, choices=tuple(PRICES)),
    ]
    known = {spec.path for spec in specs}
    for model in (PriceFromList, PricePerToken, PricePerRequest, SelfHosted):
        own = [spec for spec in fields_of(model, PATH) if spec.kind is not FieldKind.CHOICE]
        dated = FieldSpec(f"{PATH}.as_of", FieldKind.TEXT, optional=True)
        for spec in [*own, *([dated] if "as_of" in model.model_fields else [])]:
            if spec.path not in known:
                known.add(spec.path)
                specs.append(_shown(spec))
    last = (f"{PATH}.source", f"{PATH}.as_of")
    return [*(spec for spec in specs if spec.path not in last), *(spec for spec in specs if spec.path in last)]


def _shown(spec: FieldSpec) -> FieldSpec:
    unit = _UNITS.get(spec.path.rpartition(".")[2])
    wide = spec.kind is FieldKind.TEXT
    return replace(spec, optional=spec.optional or wide, presentation=Presentation(unit, wide=wide))


class ProfilesCard(PartCard):
    """A line for each profile, and a form over the chosen one."""

    def __init__(self, context: Context, draft: StudyDraft, parent: QWidget | None = None) -> None:
        self._name = ""
        super().__init__(context, draft, PATH, profile_specs(), parent)
        self._rows = KeyValueRows(wrap=True, parent=self)
        self.body.insertWidget(self.body.indexOf(self.form), self._rows)
        self.add_button, self.remove_button = QPushButton(self), QPushButton(self)
        for button in (self.add_button, self.remove_button):
            button.setProperty("kind", "link")
            self.add_corner(button)
        self.add_button.clicked.connect(self.add)
        self.remove_button.clicked.connect(self.remove)
        self.retranslate()

    def show_study(self, study: Study) -> None:
        """Show what each profile of a valid study costs."""
        self._rows.set_rows([(name, profile_text(self._context.translator, study, name)) for name in study.profiles])

    def refresh(self) -> None:
        """Show the chosen profile, the first one at first."""
        names = list(self._profiles())
        if self._name not in names:
            self._name = names[0] if names else ""
        chooser = self.form.rows[CHOSEN].editor
        if isinstance(chooser, ChoiceEditor) and chooser.options != [(name, name) for name in names]:
            chooser.set_options([(name, name) for name in names])
        super().refresh()
        self.form.set_currency(str(self._draft.value("criteria.cost.currency") or ""))
        self.add_button.setVisible(self.writable)
        self.remove_button.setVisible(self.writable and len(names) > 1 and not self._users())

    def add(self) -> None:
        """Add a profile, of a vendor at first, and show it."""
        profiles = self._profiles()
        self._name = free_name([{"name": name} for name in profiles], "vendor")
        self._draft.seal()
        self._draft.edit(PATH, {**profiles, self._name: fresh_profile("api")}, "add profile")
        self._draft.seal()

    def remove(self) -> None:
        """Remove the chosen profile, which nobody uses."""
        rest = {name: profile for name, profile in self._profiles().items() if name != self._name}
        self._draft.seal()
        self._draft.edit(PATH, rest, "remove profile")
        self._draft.seal()

    def retranslate(self) -> None:
        """Set every word again."""
        super().retranslate()
        self.add_button.setText(self._context.translator.tr("gui.profiles.add"))
        self.remove_button.setText(self._context.translator.tr("gui.profiles.remove", name=self._name))

    def show_problems(self, problems: dict[str, UserError | ErrorDetails]) -> set[str]:  # type: ignore[override]
        """What is wrong with the chosen profile, told by its own model: of a price every kind complains at once."""
        own = {path for path in problems if f"{path}.".startswith(f"{PATH}.{self._name}.")}
        found: dict[str, UserError | ErrorDetails] = {}
        if own and self._name in self._profiles():
            profile = self._profiles()[self._name]
            try:
                model_of(profile).model_validate(figures_of(profile))
            except ValidationError as error:
                for detail in error.errors(include_url=False):
                    found.setdefault(".".join((PATH, *map(str, detail["loc"][:1]))) if detail["loc"] else KIND, detail)
            else:
                found[PRICING if pricing_of(profile) else KIND] = problems[min(own)]
        self.form.show_problems(found)
        return own

    def _profiles(self) -> dict[str, Document]:
        return dict(self._draft.value(PATH) or {})

    def _users(self) -> list[str]:
        candidates, judge = self._draft.value("candidates") or [], self._draft.value("task.judge")
        return users_of_profile(candidates, judge, self._name, len(self._profiles()))

    def _edited(self, path: str) -> None:
        if path in ("candidates", "task.judge", "criteria.cost.currency"):
            self.refresh()
        super()._edited(path)
        self.remove_button.setText(self._context.translator.tr("gui.profiles.remove", name=self._name))

    def _value(self, path: str) -> Any:
        profile = self._profiles().get(self._name, {})
        named = {CHOSEN: self._name, NAME: self._name, KIND: profile.get("kind"), PRICING: pricing_of(profile)}
        return named[path] if path in named else figures_of(profile).get(path.rpartition(".")[2])

    def _wanted(self) -> set[str]:
        profile = self._profiles().get(self._name)
        if profile is None:
            return {CHOSEN}
        shown = {f"{PATH}.{name}" for name in model_of(profile).model_fields if name != "kind"}
        listed = pricing_of(profile) == "genai-prices"
        heads = {*_HEAD} | (set() if pricing_of(profile) is None else {PRICING})
        return (shown - {f"{PATH}.source"} if listed else shown) | heads

    def _edit(self, path: str, value: Any) -> None:
        profiles, key = self._profiles(), f"{PATH}.{self._name}.{path}"
        if path == CHOSEN:
            self._name = str(value)
            self.refresh()
            self.retranslate()
        elif path == NAME:
            self._rename(str(value or "").strip())
        elif path == KIND:
            if value != profiles[self._name].get("kind"):
                self._draft.edit(PATH, {**profiles, self._name: fresh_profile(str(value))}, key)
        elif path == PRICING:
            if value != pricing_of(profiles[self._name]):
                self._draft.edit(PATH, {**profiles, self._name: fresh_profile("api", str(value))}, key)
        else:
            changed = with_figure(profiles[self._name], path.rpartition(".")[2], value)
            self._draft.edit(PATH, {**profiles, self._name: changed}, key)

    def _rename(self, name: str) -> None:
        """Take a name as soon as it may stand; until then the old one stays, and the field says why."""
        translator, profiles = self._context.translator, self._profiles()
        taken = name in profiles and name != self._name
        wrong = translator.tr("gui.profiles.name_taken", name=name) if taken else name_problem(translator, name)
        self.form.rows[NAME].show_problem(wrong)
        if not wrong and name != self._name:
            old, self._name = self._name, name
            parts = {path: self._draft.value(path) for path in (PATH, "candidates", "task.judge")}
            self._draft.edit_together(renamed_profile(parts, old, name), NAME)
