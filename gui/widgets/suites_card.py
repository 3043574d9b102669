"""Standard suites: the tasks of lm-eval by name, how each is asked, and whom."""

from __future__ import annotations

from typing import Any

from PySide6.QtWidgets import QWidget

from core.spec import Suite
from gui.context import Context
from gui.study_edits.references import asked_in_suites
from gui.study_edits.shapes import Document, defaults_of
from gui.undo import StudyDraft
from gui.widgets.fields import FieldKind, FieldSpec, Presentation
from gui.widgets.part_card import PartCard
from gui.widgets.words_editor import WordsEditor

PATH = "suites"
_SHARED = ("limit", "num_fewshot", "chat_template", "include_path", "candidates")
TASKS = f"{PATH}.tasks"
LIMIT, SHOTS, CHAT, FOLDER, CANDIDATES = (f"{PATH}.{name}" for name in _SHARED)
_OFTEN_USED = ("arc_easy", "hellaswag", "mmlu", "gsm8k", "truthfulqa_mc2")


def suites_specs() -> list[FieldSpec]:
    """The fields of the card, in order."""
    return [
        FieldSpec(TASKS, FieldKind.WORDS, optional=False, presentation=Presentation(suggestions=_OFTEN_USED)),
        FieldSpec(LIMIT, FieldKind.INTEGER, optional=True, presentation=Presentation("rows")),
        FieldSpec(SHOTS, FieldKind.INTEGER, optional=True, presentation=Presentation("examples")),
        FieldSpec(CHAT, FieldKind.FLAG, optional=False),
        FieldSpec(FOLDER, FieldKind.PATH, optional=True, presentation=Presentation(wide=True)),
        FieldSpec(CANDIDATES, FieldKind.WORDS, optional=True, presentation=Presentation(closed=True)),
    ]


class SuitesCard(PartCard):
    """A form over `suites` of the study; what stands below the names is of all tasks alike."""

    def __init__(self, context: Context, draft: StudyDraft, parent: QWidget | None = None) -> None:
        super().__init__(context, draft, PATH, suites_specs(), parent)
        self.retranslate()

    def refresh(self) -> None:
        """Show what the draft says, and the candidates that may be asked."""
        editor = self.form.rows[CANDIDATES].editor
        if isinstance(editor, WordsEditor):
            editor.offer(asked_in_suites(self._draft.value("candidates") or []))
        super().refresh()

    def _entries(self) -> list[Document]:
        return self._draft.value(PATH) or []

    def _value(self, path: str) -> Any:
        """The tasks' names, or what the first entry says, which the card writes into all of them."""
        entries = self._entries()
        if path == TASKS:
            return [entry["task"] for entry in entries]
        return entries[0].get(path.rpartition(".")[2]) if entries else None

    def _wanted(self) -> set[str]:
        return super()._wanted() if self._entries() else {TASKS}

    def _edited(self, path: str) -> None:
        if path == "candidates":
            self.refresh()
        super()._edited(path)

    def _edit(self, path: str, value: Any) -> None:
        entries = self._entries()
        if path == TASKS:
            known = {entry["task"]: entry for entry in entries}
            shared = {} if not entries else {name: entries[0].get(name) for name in _SHARED}
            fresh = {**defaults_of(Suite), **shared}
            changed = [known.get(task, {**fresh, "task": task}) for task in value]
        else:
            shown = (value or None) if path == CANDIDATES else value
            changed = [{**entry, path.rpartition(".")[2]: shown} for entry in entries]
        self._draft.edit(PATH, changed, path)
