"""Load tests of the study's candidates: how many clients ask, how requests come, for how long, and of whom."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from PySide6.QtWidgets import QWidget

from core.spec import LoadPlan
from gui.context import Context
from gui.study_edits.references import testable_under_load
from gui.study_edits.shapes import Document, defaults_of
from gui.undo import StudyDraft
from gui.widgets.fields import FieldKind, FieldSpec, Presentation, fields_of
from gui.widgets.part_card import OptionalPartCard
from gui.widgets.words_editor import WordsEditor

PATH = "load"
CANDIDATES = f"{PATH}.candidates"
RATES = f"{PATH}.rates"
_SHOWN_AS = {
    "concurrency": Presentation(wide=True),
    "rates": Presentation("per_second"),
    "requests": Presentation("a_level"),
    "seconds": Presentation("seconds_a_level"),
    "candidates": Presentation(closed=True),
}
_LISTS = {"concurrency": FieldKind.INTEGERS, "rates": FieldKind.NUMBERS}


def load_specs() -> list[FieldSpec]:
    """The fields of a load test in the order of the form."""
    return [_shown(spec, spec.path.removeprefix(f"{PATH}.")) for spec in fields_of(LoadPlan, PATH)]


def _shown(spec: FieldSpec, name: str) -> FieldSpec:
    return replace(spec, kind=_LISTS.get(name, spec.kind), presentation=_SHOWN_AS.get(name, spec.presentation))


class LoadCard(OptionalPartCard):
    """A form over `load` of the study, and a link that adds or removes it."""

    def __init__(self, context: Context, draft: StudyDraft, parent: QWidget | None = None) -> None:
        super().__init__(context, draft, PATH, load_specs(), parent)
        self.retranslate()

    def refresh(self) -> None:
        """Show what the draft says, and the candidates that can be tested."""
        editor = self.form.rows[CANDIDATES].editor
        if isinstance(editor, WordsEditor):
            editor.offer(testable_under_load(self._draft.value("candidates") or []))
        super().refresh()

    def _fresh(self) -> Document:
        return defaults_of(LoadPlan)

    def _edited(self, path: str) -> None:
        if path == "candidates":
            self.refresh()
        super()._edited(path)

    def _wanted(self) -> set[str]:
        names = super()._wanted()
        # Rates that the study gives stay in sight where they are of no use: that is what is wrong then.
        idle = self._draft.value(f"{PATH}.arrivals") == "none" and self._draft.value(RATES) is None
        return names - {RATES} if idle else names

    def _edit(self, path: str, value: Any) -> None:
        super()._edit(path, (value or None) if path == CANDIDATES else value)
