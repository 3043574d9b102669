"""Edits of the study as commands that can be taken back, and what is wrong with the study as it is being edited."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoCommand, QUndoStack

from core.errors import UserError
from core.spec import Study
from core.study_checks import check_study

WHOLE_STUDY = ""


class StudyDraft(QObject):
    """A study as a nested document under edit. Paths are dotted, as in `criteria.cost.monthly_budget`.

    `changed` (path) fires after an edit, undo or redo; `replaced` after another study was loaded.
    """

    changed = Signal(str)
    replaced = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.undo_stack = QUndoStack(self)
        self._document: dict[str, Any] = {}
        self._typing = 0
        self._study: Study | None = None
        self._problems: dict[str, UserError | ErrorDetails] = {}

    @property
    def study(self) -> Study | None:
        """The study, where every edit is valid."""
        return self._study

    @property
    def problems(self) -> Mapping[str, UserError | ErrorDetails]:
        """What is wrong, by path; `WHOLE_STUDY` holds what no single field can be blamed for."""
        return self._problems

    def load(self, study: Study) -> None:
        """Edit another study; nothing can be undone before it."""
        self._document = study.model_dump(mode="json")
        self.undo_stack.clear()
        self._validate()
        self.replaced.emit()

    def value(self, path: str) -> Any:
        """The value at a path; null where a part of the path is null."""
        here: Any = self._document
        for part in path.split("."):
            here = here.get(part) if isinstance(here, dict) else None
        return copy.deepcopy(here)

    def edit(self, path: str, value: Any) -> None:
        """Set a value, as a command that can be undone; letters typed one after the other are one command."""
        if value != self.value(path):
            self.undo_stack.push(FieldEdit(self, path, self.value(path), value, self._typing))

    def seal(self) -> None:
        """End of typing: the next edit is a command of its own."""
        self._typing += 1

    def put(self, path: str, value: Any) -> None:
        """Set a value without a command; for commands only."""
        *parents, last = path.split(".")
        here = self._document
        for part in parents:
            if not isinstance(here.get(part), dict):
                here[part] = {}
            here = here[part]
        here[last] = copy.deepcopy(value)
        self._validate()
        self.changed.emit(path)

    def _validate(self) -> None:
        self._study, self._problems = None, {}
        try:
            study = Study.model_validate(self._document)
            check_study(study)
        except ValidationError as error:
            for detail in error.errors(include_url=False):
                self._problems.setdefault(".".join(str(part) for part in detail["loc"]), detail)
        except UserError as refusal:
            self._problems[WHOLE_STUDY] = refusal
        else:
            self._study = study


class FieldEdit(QUndoCommand):
    """One field's change. Commands of the same field and the same typing merge into one."""

    def __init__(self, draft: StudyDraft, path: str, before: Any, after: Any, typing: int) -> None:
        super().__init__(path)
        self._draft = draft
        self._path = path
        self._before = before
        self._after = after
        self._typing = typing

    def id(self) -> int:
        """One id for all, so that Qt offers every pair for merging."""
        return 1

    def mergeWith(self, other: QUndoCommand) -> bool:  # noqa: N802 (Qt's name)
        """Take in a later edit of the same field and typing."""
        if not isinstance(other, FieldEdit) or (other._path, other._typing) != (self._path, self._typing):
            return False
        self._after = other._after
        return True

    def redo(self) -> None:
        """Set the new value."""
        self._draft.put(self._path, self._after)

    def undo(self) -> None:
        """Set the old value."""
        self._draft.put(self._path, self._before)
