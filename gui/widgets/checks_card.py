"""Checks that every answer must keep to: its form, citations and groundedness; and a second request for what fails.

The form of an answer is one choice here; in the study file it is which of the four keys of `format` is given.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pydantic import BaseModel
from pydantic_core import ErrorDetails
from PySide6.QtWidgets import QWidget

from core.errors import UserError
from core.spec import CitationCheck, FormatCheck, GroundednessCheck
from gui.context import Context
from gui.study_edits.shapes import Document, defaults_of
from gui.undo import StudyDraft
from gui.widgets.fields import FieldKind, FieldSpec, Presentation, fields_of
from gui.widgets.part_card import PartCard

PATH = "task.checks"
FORM, RE_ASK = f"{PATH}.form", f"{PATH}.re_ask"
FORMAT, CITATIONS, GROUNDEDNESS = (f"{PATH}.{name}" for name in ("format", "citations", "groundedness"))
NO_FORM = "any"
_FIRST_FORMS: dict[str, Any] = {"regex": "", "json_object": True, "json_schema": "", "labels": []}
_SWITCHED: dict[str, type[BaseModel]] = {CITATIONS: CitationCheck, GROUNDEDNESS: GroundednessCheck}
_KINDS = {"regex": FieldKind.TEXT, "json_schema": FieldKind.PATH, "labels": FieldKind.WORDS}
_SHOWN_AS = {
    "regex": Presentation(wide=True),
    "json_schema": Presentation(wide=True, files="*.json"),
    "at_least": Presentation("percent", 100),
}


def checks_specs() -> list[FieldSpec]:
    """The fields of the checks in the order of the form."""
    forms = [
        FieldSpec(f"{FORMAT}.{name}", kind, optional=False, presentation=_SHOWN_AS.get(name, Presentation()))
        for name, kind in _KINDS.items()
    ]
    return [
        FieldSpec(FORM, FieldKind.CHOICE, optional=False, choices=(NO_FORM, *_FIRST_FORMS)),
        *forms,
        FieldSpec(CITATIONS, FieldKind.FLAG, optional=False),
        *fields_of(CitationCheck, CITATIONS),
        FieldSpec(GROUNDEDNESS, FieldKind.FLAG, optional=False),
        *(replace(spec, presentation=_SHOWN_AS["at_least"]) for spec in fields_of(GroundednessCheck, GROUNDEDNESS)),
        FieldSpec(RE_ASK, FieldKind.FLAG, optional=False),
    ]


class ChecksCard(PartCard):
    """A form over `task.checks`; a study without any check has none of it."""

    def __init__(self, context: Context, draft: StudyDraft, parent: QWidget | None = None) -> None:
        super().__init__(context, draft, PATH, checks_specs(), parent)
        self.retranslate()

    def _checks(self) -> Document:
        return self._draft.value(PATH) or {}

    def _form(self) -> str:
        """Which of the forms is asked for."""
        given = self._checks().get("format") or {}
        return next((name for name in _FIRST_FORMS if given.get(name) not in (None, False)), NO_FORM)

    def _value(self, path: str) -> Any:
        if path == FORM:
            return self._form()
        value = super()._value(path)
        return value is not None if path in _SWITCHED else value

    def _wanted(self) -> set[str]:
        checks, form = self._checks(), self._form()
        wanted = {FORM, CITATIONS, GROUNDEDNESS}
        # A schema that stands in the study itself is left to the study file.
        if form in _KINDS and not isinstance((checks.get("format") or {}).get(form), dict):
            wanted.add(f"{FORMAT}.{form}")
        for part in (path for path in _SWITCHED if self._value(path)):
            wanted |= {path for path in self.form.rows if path.startswith(f"{part}.")}
        return wanted | ({RE_ASK} if checks else set())

    def _edit(self, path: str, value: Any) -> None:
        """Every edit is one of the whole part, which is there only as long as it checks anything."""
        checks = {"format": None, "citations": None, "groundedness": None, "re_ask": False, **self._checks()}
        *parents, last = path.removeprefix(f"{PATH}.").split(".")
        if path == FORM:
            first = {value: _FIRST_FORMS[value]} if value != NO_FORM else None
            checks["format"] = None if first is None else {**defaults_of(FormatCheck), **first}
        elif path in _SWITCHED:
            checks[last] = defaults_of(_SWITCHED[path]) if value else None
        elif parents:
            checks[parents[0]] = {**(checks[parents[0]] or {}), last: value}
        else:
            checks[last] = value
        needed = any(checks[name] is not None for name in ("format", "citations", "groundedness"))
        self._draft.edit(PATH, checks if needed else None, path)

    def _place_of(self, path: str, problem: UserError | ErrorDetails) -> str:
        """What is wrong with the format as a whole stands at what its form asks for."""
        if path != FORMAT:
            return super()._place_of(path, problem)
        asked = f"{FORMAT}.{self._form()}"
        return asked if asked in self.form.rows and self.form.rows[asked].shown else FORM
