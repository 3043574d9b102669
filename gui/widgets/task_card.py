"""The study's name and its task: what is asked, how answers are scored and who judges them."""

from __future__ import annotations

from typing import Any

from PySide6.QtWidgets import QWidget

from core.spec import METRICS_OF_KIND, SCORED_LATER, WRITING_KINDS, Complexity
from gui.context import Context
from gui.study_edits.references import asks_in_words
from gui.undo import StudyDraft
from gui.widgets.card import Card
from gui.widgets.editors import ChoiceEditor
from gui.widgets.fields import FieldKind, FieldSpec, Presentation, fields_of
from gui.widgets.form import FieldForm
from gui.widgets.judge_editor import JudgeModelEditor
from gui.widgets.path_editor import PathEditor
from gui.widgets.task_fields import (
    EXAMPLES,
    JUDGE_MODEL,
    JUDGE_PROFILE,
    SCHEMA_FILE,
    judged_by,
    metrics_of,
    shown_of_task,
    task_specs,
)

NAME = FieldSpec("name", FieldKind.TEXT, optional=False, presentation=Presentation(wide=True))
_TOLD_BY = ("task", "candidates", "profiles", "data", "data.columns.image")


class TaskCard(Card):
    """A form over `task`, with the study's name and its stated complexity."""

    def __init__(self, context: Context, draft: StudyDraft, parent: QWidget | None = None) -> None:
        super().__init__("…", parent)
        self._context = context
        self._draft = draft
        self.judge = JudgeModelEditor(context.translator, self)
        self._first = [NAME, *fields_of(Complexity, "criteria.complexity")]
        specs = [*self._first, *task_specs()]
        self.form = FieldForm(context.translator, specs, self, editors={JUDGE_MODEL.path: self.judge})
        self.form.edited.connect(self._edit)
        self.form.sealed.connect(draft.seal)
        self.body.addWidget(self.form)
        draft.changed.connect(self._edited)
        draft.replaced.connect(lambda: self.judge.set_value(None))
        context.translator.language_changed.connect(self._name_profiles)

    @property
    def asked_in_words(self) -> bool:
        """Whether a language model is asked, or may be."""
        return asks_in_words(self._draft.value("task") or {}, self._draft.value("candidates") or [])

    def refresh(self) -> None:
        """Show what the draft says, and only the fields that make sense; a prompt where something is asked in words."""
        task, base = self._draft.value("task") or {}, self._context.document.snapshot.base
        schema = self.form.rows[SCHEMA_FILE.path].editor
        if isinstance(schema, PathEditor):
            schema.base = base
        self.form.set_choices("task.metric", metrics_of(str(task.get("kind")), str(task.get("metric"))))
        self.judge.offer(self._draft.value("candidates") or [], base)
        self.judge.set_currency(str(self._draft.value("criteria.cost.currency") or ""))
        self._name_profiles()
        self.form.show_values(self._draft.value)
        pictured = self._draft.value("data.columns.image") is not None
        shown = shown_of_task(task, asked=self.asked_in_words, pictured=pictured)
        self.form.show_only({*shown, *(spec.path for spec in self._first)})

    def _name_profiles(self) -> None:
        profile = self.form.rows[JUDGE_PROFILE].editor
        if isinstance(profile, ChoiceEditor):
            names = [(name, name) for name in self._draft.value("profiles") or {}]
            nobody = self._context.translator.tr(f"field.{JUDGE_PROFILE}.empty")
            profile.set_options([(None, nobody), *names])

    def _edited(self, path: str) -> None:
        if path in _TOLD_BY or path.startswith("task."):
            self.refresh()

    def _edit(self, path: str, value: Any) -> None:
        if path == "task.kind":  # another kind of task is scored by other measures
            task = {**self._draft.value("task"), "kind": value, "metric": METRICS_OF_KIND[str(value)][0]}
            task |= dict.fromkeys(("json_schema", "separator", "judge"))
            task |= {} if value in WRITING_KINDS else {"checks": None}
            self._draft.edit("task", task, path)
        elif path == "task.metric" and value not in SCORED_LATER:
            self._draft.edit("task", {**self._draft.value("task"), "metric": value, "judge": None}, path)
        elif path == JUDGE_MODEL.path:
            self._draft.edit("task.judge", judged_by(self._draft.value("task"), value), path)
        elif path == EXAMPLES and value is None:
            self._draft.edit("task.few_shot", None, path)
        else:
            self._draft.edit(path, value)
