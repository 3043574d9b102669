"""Standard suites: the tasks of lm-eval by name, and how many rows and examples each is asked with."""

from __future__ import annotations

from typing import Any

from PySide6.QtWidgets import QWidget

from core.spec import Suite
from gui.context import Context
from gui.study_edits.shapes import Document, defaults_of
from gui.undo import StudyDraft
from gui.widgets.fields import FieldKind, FieldSpec, Presentation
from gui.widgets.part_card import PartCard

PATH = "suites"
TASKS, LIMIT, SHOTS = (f"{PATH}.{name}" for name in ("tasks", "limit", "num_fewshot"))
_OFTEN_USED = ("arc_easy", "hellaswag", "mmlu", "gsm8k", "truthfulqa_mc2")


def suites_specs() -> list[FieldSpec]:
    """The fields of the card: what each entry of `suites` says beyond them is kept as it is."""
    return [
        FieldSpec(TASKS, FieldKind.WORDS, optional=False, presentation=Presentation(suggestions=_OFTEN_USED)),
        FieldSpec(LIMIT, FieldKind.INTEGER, optional=True, presentation=Presentation("rows")),
        FieldSpec(SHOTS, FieldKind.INTEGER, optional=True, presentation=Presentation("examples")),
    ]


class SuitesCard(PartCard):
    """A form over `suites` of the study; limit and examples are of all tasks alike."""

    def __init__(self, context: Context, draft: StudyDraft, parent: QWidget | None = None) -> None:
        super().__init__(context, draft, PATH, suites_specs(), parent)
        self.retranslate()

    def _entries(self) -> list[Document]:
        return self._draft.value(PATH) or []

    def _value(self, path: str) -> Any:
        """The tasks' names, or what the first entry says, which the card writes into all of them."""
        entries = self._entries()
        if path == TASKS:
            return [entry["task"] for entry in entries]
        return entries[0].get(path.rpartition(".")[2]) if entries else None

    def _edit(self, path: str, value: Any) -> None:
        entries = self._entries()
        if path == TASKS:
            known = {entry["task"]: entry for entry in entries}
            shared = {} if not entries else {name: entries[0].get(name) for name in ("limit", "num_fewshot")}
            fresh = {**defaults_of(Suite), **shared}
            changed = [known.get(task, {**fresh, "task": task}) for task in value]
        else:
            changed = [{**entry, path.rpartition(".")[2]: value} for entry in entries]
        self._draft.edit(PATH, changed, path)
