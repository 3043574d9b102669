"""One candidate as a form in sections: what it is, its model, its training, its compression.

Rarer fields stand under "More options", unless they are set.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic_core import ErrorDetails
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from core.errors import UserError
from gui.i18n import Translator
from gui.study_edits.shapes import Document, stage_of, step_kind, step_of
from gui.theme import GAP_CARDS, GAP_ROWS, Theme
from gui.widgets.candidate_fields import (
    SECTIONS,
    narrowed_choices,
    path_in_candidate,
    stage_fields,
    step_choices,
    step_fields,
    value_of,
)
from gui.widgets.editors import ChoiceEditor, Editor
from gui.widgets.field_section import FieldSection
from gui.widgets.form import FieldRow
from gui.widgets.parts_editor import PartKinds, PartsEditor
from gui.widgets.path_editor import PathEditor
from gui.widgets.problems import name_problem
from gui.widgets.words_editor import WordsEditor

FIELD_LABEL_WIDTH = 152
STEPS = PartKinds("candidate.compress", step_fields(), step_kind, step_of)
STAGES = PartKinds("candidate.train.stages", stage_fields(), lambda _stage: "assistant", lambda _kind: stage_of())
_OTHERS = ("candidate.model.candidate.name", "candidate.train.teacher", "candidate.teacher", "candidate.student")
_FORMS = "candidate.model.sweep.quantize"


class CandidateEditor(QWidget):
    """Shows one candidate. `edited` carries (path within the candidate, value); `renamed` a new name."""

    edited = Signal(str, object)
    renamed = Signal(str)
    sealed = Signal()

    def __init__(self, translator: Translator, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._translator = translator
        self._candidate: Document = {}
        self._others: list[Document] = []
        self._kind = "classification"
        self._read_only = False
        self._refused_name = ""
        self.steps = PartsEditor(STEPS, translator, theme)
        self.stages = PartsEditor(STAGES, translator, theme)
        editors: dict[str, Editor] = {"candidate.compress": self.steps, "candidate.train.stages": self.stages}
        self.sections: dict[str, FieldSection] = {}
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GAP_CARDS + GAP_ROWS)
        for name in SECTIONS:
            own = editors if name in ("compress", "train") else {}
            section = FieldSection(name, translator, FIELD_LABEL_WIDTH, own, self)
            section.title.setHidden(name == SECTIONS[0])  # the card's own title says it
            section.form.edited.connect(self._field_edited)
            section.form.sealed.connect(self.sealed)
            self.sections[name] = section
            column.addWidget(section)
        column.addStretch(1)
        translator.language_changed.connect(self.retranslate)
        self.retranslate()

    def editor(self, path: str) -> Editor:
        """The editor of a field, such as `candidate.train.epochs`. Raises KeyError."""
        section = next(section for section in self.sections.values() if path in section.form.rows)
        return section.form.rows[path].editor

    def show_candidate(
        self, candidate: Document, others: Sequence[Document], kind: str, profiles: Sequence[str], base: Path
    ) -> None:
        """Show a candidate beside the others of its study, in a study of a kind of task."""
        if candidate.get("name") != self._candidate.get("name"):
            self._refused_name = ""
        self._candidate, self._others, self._kind = candidate, list(others), kind
        self._offer(profiles)
        for section in self.sections.values():
            for row in section.form.rows.values():
                if isinstance(row.editor, PathEditor):
                    row.editor.base = base
            kept = ("candidate.name",) if self._refused_name else ()  # what the user is still typing
            section.form.show_values(lambda path: value_of(path, candidate, kind), kept)
        self._show_fields()

    def show_problems(self, problems: Mapping[str, UserError | ErrorDetails]) -> set[str]:
        """Show what is wrong, by paths within the candidate; the paths that are shown at a field."""
        shown: set[str] = set()
        for section in self.sections.values():
            own = {path: path_in_candidate(path) for path in section.form.rows}
            by_field = {
                field + key.removeprefix(path): problem
                for key, problem in problems.items()
                for field, path in own.items()
                if (key == path or key.startswith(f"{path}.")) and section.form.rows[field].shown
            }
            for told in section.form.show_problems(by_field):
                field = next(name for name in own if told == name or told.startswith(f"{name}."))
                shown.add(own[field] + told.removeprefix(field))
        if self._refused_name:
            self._name_row().show_problem(self._refused_name)
        return shown

    def set_currency(self, currency: str) -> None:
        """Name the study's currency in every unit of money."""
        for section in self.sections.values():
            section.form.set_currency(currency)

    def focus_problem(self) -> bool:
        """Put the focus into the first field with a problem; false where there is none."""
        rows = [row for section in self.sections.values() for row in section.form.rows.values()]
        wrong = next((row for row in rows if row.shown and row.problem.text()), None)
        if wrong is not None:
            wrong.editor.setFocus(Qt.FocusReason.OtherFocusReason)
        return wrong is not None

    def set_read_only(self, read_only: bool) -> None:
        """Allow or refuse changes."""
        self._read_only = read_only
        for section in self.sections.values():
            section.form.set_read_only(read_only)

    def retranslate(self) -> None:
        """Set every word again."""
        for section in self.sections.values():
            section.retranslate()

    def _field_edited(self, path: str, value: Any) -> None:
        if path == "candidate.name":
            self._rename(str(value or "").strip())
            return
        optional_list = path == "candidate.train.lora.targets" and not value
        self.edited.emit(path_in_candidate(path), None if optional_list else value)

    def _rename(self, name: str) -> None:
        """Take a name as soon as it may stand: until then the old one stays, and the field says why."""
        tr, row = self._translator.tr, self._name_row()
        taken = any(other.get("name") == name for other in self._others)
        if taken:
            self._refused_name = tr("gui.candidate.name_taken", name=name)
        else:
            self._refused_name = name_problem(self._translator, name)
        row.show_problem(self._refused_name)
        if not self._refused_name:
            self.renamed.emit(name)

    def _name_row(self) -> FieldRow:
        return self.sections["candidate"].form.rows["candidate.name"]

    def _offer(self, profiles: Sequence[str]) -> None:
        tr = self._translator.tr
        only = [(None, tr("gui.candidate.only_profile"))] if len(profiles) == 1 else []
        self._set_options("candidate.profile", [*only, *((name, name) for name in profiles)])
        plain = [str(other.get("name")) for other in self._others if other.get("role") != "hybrid"]
        teachers = [other for other in self._others if other.get("role") == "teacher"]
        for path in _OTHERS:
            options: list[tuple[Any, str]] = [(name, name) for name in plain]
            if path == "candidate.train.teacher" and len(teachers) == 1:
                options.insert(0, (None, tr("gui.candidate.only_teacher", name=str(teachers[0].get("name")))))
            self._set_options(path, options)
        source = str((self._candidate.get("model") or {}).get("source"))
        for path in ("candidate.train.method", "candidate.train.technique"):
            choices = narrowed_choices(path, source, self._kind)
            if choices is not None:
                self.sections["train"].form.set_choices(path, choices)
        forms = self.editor(_FORMS)
        if isinstance(forms, WordsEditor):
            forms.offer(narrowed_choices(_FORMS, source, self._kind) or ())
        self.steps.offer(step_choices(self._kind, self._candidate))

    def _set_options(self, path: str, options: Sequence[tuple[Any, str]]) -> None:
        editor = self.editor(path)
        if isinstance(editor, ChoiceEditor) and editor.options != list(options):
            editor.set_options(options)

    def _show_fields(self) -> None:
        for section in self.sections.values():
            section.setVisible(section.show_fields(self._candidate, self._kind))
            section.form.set_read_only(self._read_only)
