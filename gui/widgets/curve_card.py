"""The learning curve of one student: which one, on which shares of the train rows, by which seeds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from PySide6.QtWidgets import QWidget

from core.spec import CurvePlan
from gui.context import Context
from gui.study_edits.shapes import Document, defaults_of, training_of
from gui.undo import StudyDraft
from gui.widgets.editors import ChoiceEditor
from gui.widgets.fields import FieldKind, FieldSpec, fields_of
from gui.widgets.part_card import PartCard

PATH = "learning_curve"
STUDENT, SIZES, SEEDS = (f"{PATH}.{name}" for name in ("student", "sizes", "seeds"))
_KINDS = {STUDENT: FieldKind.CHOICE, SIZES: FieldKind.NUMBERS, SEEDS: FieldKind.INTEGERS}


def curve_specs() -> list[FieldSpec]:
    """The fields of the card in the order of the form."""
    return [replace(spec, kind=_KINDS[spec.path]) for spec in fields_of(CurvePlan, PATH)]


class CurveCard(PartCard):
    """A form over `learning_curve` of the study; without a student there is none."""

    def __init__(self, context: Context, draft: StudyDraft, parent: QWidget | None = None) -> None:
        super().__init__(context, draft, PATH, curve_specs(), parent)
        self.retranslate()

    @property
    def students(self) -> list[str]:
        """The students that the draft trains."""
        kind = str((self._draft.value("task") or {}).get("kind"))
        students: list[Document] = [
            one for one in self._draft.value("candidates") or [] if one.get("role") == "student"
        ]
        return [str(one.get("name")) for one in students if training_of(one, kind)["method"] != "none"]

    def refresh(self) -> None:
        """Show what the draft says, and the students that can have a curve; of no use where none is trained."""
        names, editor = self.students, self.form.rows[STUDENT].editor
        if isinstance(editor, ChoiceEditor):
            nobody = self._context.translator.tr("gui.learning_curve.nobody")
            editor.set_options([("", nobody), *((name, name) for name in names)])
        super().refresh()
        self.setVisible(self.is_set or bool(names))

    def retranslate(self) -> None:
        """Set every word again."""
        super().retranslate()
        self.refresh()

    def _value(self, path: str) -> Any:
        value = super()._value(path) if self.is_set else None
        return value or "" if path == STUDENT else value

    def _wanted(self) -> set[str]:
        return super()._wanted() if self.is_set else {STUDENT}

    def _edited(self, path: str) -> None:
        if path.startswith("candidates") or path == "task.kind":
            self.refresh()
        super()._edited(path)

    def _edit(self, path: str, value: Any) -> None:
        plan: Document = self._draft.value(PATH) or defaults_of(CurvePlan)
        if path == STUDENT:
            self._draft.edit(PATH, {**plan, "student": value} if value else None, path)
        else:
            super()._edit(path, value)
