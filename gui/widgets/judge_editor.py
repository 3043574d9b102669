"""Who judges the answers: nobody, the model of a candidate, or another one, whose fields stand below the choice."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic_core import ErrorDetails
from PySide6.QtWidgets import QVBoxLayout, QWidget

from core.errors import UserError
from gui.i18n import Translator
from gui.study_edits.edits import changed
from gui.study_edits.shapes import Document, model_of_source
from gui.theme import GAP_ROWS
from gui.widgets.candidate_fields import path_in_candidate, section_specs, value_of
from gui.widgets.editors import ChoiceEditor, Editor
from gui.widgets.field_section import FieldSection
from gui.widgets.path_editor import PathEditor

JUDGES = ("endpoint", "gguf", "hub", "local", "sample")
"""Sources of models that can be asked as they are, the first one offered first."""
ANOTHER = "another"
LABEL_WIDTH = 104
_SOURCE = "candidate.model.source"
_KIND = "generation"
# A judge always answers in text.
_UNSAID = ("candidate.model.hub.language_model", "candidate.model.local.language_model")


def judge_paths() -> list[str]:
    """The fields of a judge's own model, as those of a candidate's."""
    specs = [spec.path for spec in section_specs("model") if spec.path not in _UNSAID]
    return [path for path in specs if path == _SOURCE or path.split(".")[2] in JUDGES]


class JudgeModelEditor(Editor):
    """A choice of models; its value is a model as the study file writes it, null for nobody."""

    def __init__(self, translator: Translator, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._translator = translator
        self._value: Document | None = None
        self._own = False
        self._candidates: list[Document] = []
        self.choice = ChoiceEditor(self)
        left_out = {spec.path for spec in section_specs("model")} - set(judge_paths())
        self.section = FieldSection("model", translator, LABEL_WIDTH, parent=self, left_out=left_out)
        self.section.title.hide()
        self.section.form.set_choices(_SOURCE, JUDGES)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GAP_ROWS)
        column.addWidget(self.choice)
        column.addWidget(self.section)
        self.setFocusProxy(self.choice)
        self.choice.edited.connect(self._chosen)
        self.choice.sealed.connect(self.sealed)
        self.section.form.edited.connect(self._field_edited)
        self.section.form.sealed.connect(self.sealed)

    def offer(self, candidates: Sequence[Document], base: Path) -> None:
        """Offer the candidates' models that answer as they are; `base` is the folder that paths refer to."""
        self._candidates = [one for one in candidates if (one.get("model") or {}).get("source") in JUDGES]
        for row in self.section.form.rows.values():
            if isinstance(row.editor, PathEditor):
                row.editor.base = base
        self._name_choices()

    def set_value(self, value: Any) -> None:
        """Show a model. One that is typed in below stays there, even where it becomes like a candidate's."""
        self._value = value if isinstance(value, dict) else None
        key = None if self._value is None else _key(self._value)
        known = key in [option for option, _ in self.choice.options]
        self._own = self._value is not None and (self._own or not known)
        self.choice.set_value(ANOTHER if self._own else key)
        self.section.setVisible(self._own)
        if self._own:
            judge = self._as_candidate
            self.section.form.show_values(lambda path: value_of(path, judge, _KIND))
            self.section.show_fields(judge, _KIND)

    def set_read_only(self, read_only: bool) -> None:
        """Allow or refuse changes."""
        self.choice.set_read_only(read_only)
        self.section.form.set_read_only(read_only)

    def set_currency(self, currency: str) -> None:
        """Name the study's currency in every unit of money."""
        self.section.form.set_currency(currency)

    def show_problems(self, problems: Mapping[str, UserError | ErrorDetails]) -> set[str]:
        """Show what is wrong with a field of the model, by its name in it; the names that are shown here."""
        names = {path_in_candidate(path).removeprefix("model."): path for path in self._paths_in_sight()}
        own = {
            names[head] + key.removeprefix(head): key for key in problems if (head := key.partition(".")[0]) in names
        }
        shown = self.section.form.show_problems({path: problems[key] for path, key in own.items()})
        return {own[path] for path in shown}

    def describe(self, name: str, help_text: str) -> None:
        """Name the choice, and set the words of what can be chosen again."""
        super().describe(name, help_text)
        self.choice.describe(name, help_text)
        self.section.retranslate()
        self._name_choices()

    def _name_choices(self) -> None:
        # Of candidates with one and the same model the first one names it.
        models = {_key(one["model"]): str(one.get("name")) for one in reversed(self._candidates)}
        tr = self._translator.tr
        nobody, another = (None, tr("gui.judge.nobody")), (ANOTHER, tr("gui.judge.another"))
        self.choice.set_options([nobody, *reversed(models.items()), another])
        self.set_value(self._value)

    @property
    def _as_candidate(self) -> Document:
        return {"role": "teacher", "model": dict(self._value or {})}

    def _paths_in_sight(self) -> list[str]:
        return [path for path, row in self.section.form.rows.items() if row.shown and self._own]

    def _chosen(self, key: str | None) -> None:
        self._own = key == ANOTHER
        if self._own:
            # What judged until now is what the other one begins as.
            self.set_value(self._value if self._value is not None else model_of_source(JUDGES[0]))
            self.edited.emit(self._value)
        else:
            self.edited.emit(None if key is None else json.loads(key))

    def _field_edited(self, path: str, value: Any) -> None:
        self.edited.emit(changed([self._as_candidate], 0, path_in_candidate(path), value, _KIND)[0]["model"])


def _key(model: Document) -> str:
    return json.dumps(model, sort_keys=True, ensure_ascii=False)
