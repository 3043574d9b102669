"""Edits of the study as commands that can be taken back, and what is wrong with the study as it is being edited."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoCommand, QUndoStack

from core.errors import UserError
from core.spec import Study
from core.study_checks import check_study
from gui.study_edits.required import empty_fields

WHOLE_STUDY = ""
_INDEX = re.compile(r"\[(\d+)\]")
# pydantic tries every kind of step; a step is of the kind that its key says.
_STEP_KINDS = {"prune": "Prune", "trim_vocabulary": "TrimVocabulary", "quantize": "Quantize"}


def path_of_field(field: str) -> str:
    """The dotted path of a field as messages write it: `candidates[2].model.name` is `candidates.2.model.name`."""
    return _INDEX.sub(r".\1", field)


def path_of_refusal(refusal: UserError) -> str:
    """The path that a refusal names; `WHOLE_STUDY` where it names none of this document's."""
    path = path_of_field(str(refusal.values.get("field") or ""))
    return path if re.fullmatch(r"[a-z_]+(\.\w+)*", path) else WHOLE_STUDY


class StudyDraft(QObject):
    """A study as a nested document under edit. Paths are dotted, as in `criteria.cost.monthly_budget`; a number in
    one is a place in a list, as in `candidates.2.train.epochs`.

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
        return copy.deepcopy(_at(self._document, path))

    def edit(self, path: str, value: Any, key: str | None = None) -> None:
        """Set a value, as a command that can be undone; letters typed one after the other are one command.

        `key` names what was typed in where `path` holds more than that, for only edits of one thing become one command.
        """
        self.edit_together({path: value}, key or path)

    def edit_together(self, values: Mapping[str, Any], key: str) -> None:
        """Set the values of several paths, as one command that can be undone; `key` as for `edit`."""
        after = {path: value for path, value in values.items() if value != self.value(path)}
        if after:
            before = {path: self.value(path) for path in after}
            self.undo_stack.push(FieldEdit(self, before, after, (key, self._typing)))

    def seal(self) -> None:
        """End of typing: the next edit is a command of its own."""
        self._typing += 1

    def put(self, values: Mapping[str, Any]) -> None:
        """Set values by path without a command; for commands only."""
        for path, value in values.items():
            *parents, last = path.split(".")
            here = self._document
            for part in parents:
                if not isinstance(here.get(part), dict):
                    here[part] = {}
                here = here[part]
            here[last] = copy.deepcopy(value)
        self._validate()
        for path in values:
            self.changed.emit(path)

    def _validate(self) -> None:
        self._study, self._problems = None, {}
        try:
            study = Study.model_validate(self._document)
            check_study(study)
        except ValidationError as error:
            for detail in error.errors(include_url=False):
                path = self._path_of(detail)
                if path is not None:
                    self._problems.setdefault(path, detail)
        except UserError as refusal:
            self._problems[path_of_refusal(refusal)] = refusal
        else:
            self._study = study
        for path in empty_fields(self._document):
            self._study = None
            self._problems.setdefault(path, UserError("study.key_missing", field=path))

    def _path_of(self, detail: ErrorDetails) -> str | None:
        """Where a problem lies, without the names of union members; null for a member that the value is not of."""
        parts: list[str] = []
        here: Any = self._document
        for position, piece in enumerate(detail["loc"]):
            if _holds(here, piece):
                here = here[piece]
            elif position < len(detail["loc"]) - 1 or detail["type"] not in ("missing", "extra_forbidden"):
                if piece in _STEP_KINDS.values() and not _is_step(here, str(piece)):
                    return None
                continue
            parts.append(str(piece))
        return ".".join(parts)


class FieldEdit(QUndoCommand):
    """Values changed by path, mostly one field's. Commands of the same key and the same typing merge into one."""

    def __init__(
        self, draft: StudyDraft, before: Mapping[str, Any], after: Mapping[str, Any], typing: tuple[str, int]
    ) -> None:
        super().__init__(typing[0])
        self._draft = draft
        self._before = dict(before)
        self._after = dict(after)
        self._typing = typing

    def id(self) -> int:
        """One id for all, so that Qt offers every pair for merging."""
        return 1

    def mergeWith(self, other: QUndoCommand) -> bool:  # noqa: N802 (Qt's name)
        """Take in a later edit of the same key and typing."""
        if not isinstance(other, FieldEdit) or other._typing != self._typing:
            return False
        self._before = {**other._before, **self._before}
        self._after |= other._after
        return True

    def redo(self) -> None:
        """Set the new values."""
        self._draft.put(self._after)

    def undo(self) -> None:
        """Set the old values."""
        self._draft.put(self._before)


def _at(document: Any, path: str) -> Any:
    here = document
    for part in path.split("."):
        if isinstance(here, dict):
            here = here.get(part)
        elif isinstance(here, list) and part.isdecimal() and int(part) < len(here):
            here = here[int(part)]
        else:
            return None
    return here


def _is_step(here: Any, kind: str) -> bool:
    return isinstance(here, dict) and any(_STEP_KINDS.get(key) == kind for key in here)


def _holds(here: Any, piece: str | int) -> bool:
    if isinstance(here, list):
        return isinstance(piece, int) and piece < len(here)
    return isinstance(here, dict) and piece in here
