"""Train, calibration and test rows in files of their own, in place of one file that is split."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic_core import ErrorDetails
from PySide6.QtWidgets import QPushButton, QWidget

from core.errors import UserError
from core.spec import Files, SplitPlan
from gui.context import Context
from gui.study_edits.shapes import Document, defaults_of
from gui.undo import StudyDraft
from gui.widgets.fields import FieldKind, FieldSpec, Presentation
from gui.widgets.form import FieldForm, bind
from gui.widgets.path_editor import PathEditor

PATH = "data.files"
FILE_PATTERNS = "*.csv *.tsv *.jsonl *.parquet"


def given_specs() -> list[FieldSpec]:
    """A path for each part; only the test rows must have a file."""
    shown = Presentation(wide=True, files=FILE_PATTERNS)
    return [
        FieldSpec(f"{PATH}.{part}", FieldKind.PATH, optional=not info.is_required(), presentation=shown)
        for part, info in Files.model_fields.items()
    ]


def in_given_files(data: Document) -> Document:
    """The data with its one file as train rows; the test rows' file is still to be named."""
    files = {**defaults_of(Files), "train": data.get("file"), "test": None}
    return {**data, "file": None, "split": None, "files": files}


def in_one_file(data: Document) -> Document:
    """The data in one file, of the train rows where they have one, split by the schema's shares."""
    files = data.get("files") or {}
    return {**data, "files": None, "file": files.get("train") or files.get("test"), "split": defaults_of(SplitPlan)}


class GivenFiles(FieldForm):
    """The files, in sight where the draft has them; `switch_button` goes from one file to several and back."""

    def __init__(self, context: Context, draft: StudyDraft, parent: QWidget) -> None:
        self.switch_button = QPushButton(parent)
        self._context = context
        self._draft = draft
        super().__init__(context.translator, given_specs(), parent)
        self.switch_button.setProperty("kind", "link")
        self.switch_button.clicked.connect(self._switch)
        bind(self, draft)
        draft.changed.connect(self._edited)
        draft.replaced.connect(self.refresh)
        self.refresh()

    @property
    def is_given(self) -> bool:
        """Whether the parts have files of their own."""
        return self._draft.value(PATH) is not None

    def refresh(self) -> None:
        """Show what the draft says."""
        document = self._context.document
        writable = document.is_open and document.writable
        own_data = self.is_given or self._draft.value("data.file") is not None
        self.setVisible(self.is_given)
        self.switch_button.setVisible(writable and own_data)
        self._name_switch()
        self.show_values(self._draft.value)
        self.set_read_only(not writable)
        for row in self.rows.values():
            if isinstance(row.editor, PathEditor) and document.is_open:
                row.editor.base = document.snapshot.base

    def show_problems(self, problems: Mapping[str, UserError | ErrorDetails]) -> set[str]:
        """Show what is wrong with a file's path; the paths that are shown here."""
        return super().show_problems(problems) if self.is_given else set()

    def retranslate(self) -> None:
        """Set every word again."""
        super().retranslate()
        self._name_switch()

    def _name_switch(self) -> None:
        code = "gui.data.one_file" if self.is_given else "gui.data.given_files"
        self.switch_button.setText(self._context.translator.tr(code))

    def _edited(self, path: str) -> None:
        if path.startswith("data"):
            self.refresh()

    def _switch(self) -> None:
        data: dict[str, Any] = self._draft.value("data")
        self._draft.seal()
        self._draft.edit("data", in_one_file(data) if self.is_given else in_given_files(data))
        self._draft.seal()
