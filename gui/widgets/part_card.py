"""Cards over one part of the study file: a form that edits the draft, and a link that adds or removes an optional part.

A card's words are `gui.<last name of its part>.title`, and for an optional part `.add` and `.remove` beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic_core import ErrorDetails
from PySide6.QtWidgets import QPushButton, QWidget

from core.errors import UserError
from gui.context import Context
from gui.study_edits.shapes import Document
from gui.undo import StudyDraft
from gui.widgets.card import Card
from gui.widgets.fields import FieldSpec
from gui.widgets.form import FieldForm
from gui.widgets.path_editor import PathEditor


class PartCard(Card):
    """A form over the part of the study at `part`, as the draft has it."""

    def __init__(
        self,
        context: Context,
        draft: StudyDraft,
        part: str,
        specs: Sequence[FieldSpec],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__("…", parent)
        self._context = context
        self._draft = draft
        self._part = part
        self._code = f"gui.{part.rpartition('.')[2]}"
        self.form = FieldForm(context.translator, specs, self)
        self.body.addWidget(self.form)
        self.form.edited.connect(self._edit)
        self.form.sealed.connect(draft.seal)
        draft.changed.connect(self._edited)
        draft.replaced.connect(self.refresh)
        context.translator.language_changed.connect(self.retranslate)

    @property
    def is_set(self) -> bool:
        """Whether the study says anything of this part."""
        return bool(self._draft.value(self._part))

    @property
    def writable(self) -> bool:
        """Whether the open study can be edited."""
        return self._context.document.is_open and self._context.document.writable

    def refresh(self) -> None:
        """Show what the draft says, and only the fields that make sense."""
        self.form.show_values(self._value)
        self.form.show_only(self._wanted())
        self.form.set_read_only(not self.writable)
        for row in self.form.rows.values():
            if isinstance(row.editor, PathEditor) and self._context.document.is_open:
                row.editor.base = self._context.document.snapshot.base

    def show_problems(self, problems: Mapping[str, UserError | ErrorDetails]) -> set[str]:
        """Show what is wrong at its field; the paths that are shown here.

        A sentence about the whole part begins with the name of the field that it blames, and stands there.
        """
        places = {self._place_of(path, problem): path for path, problem in problems.items()}
        shown = self.form.show_problems({place: problems[path] for place, path in places.items()})
        return {places[place] for place in shown}

    def retranslate(self) -> None:
        """Set every word again."""
        self.set_title(self._context.translator.tr(f"{self._code}.title"))

    def _place_of(self, path: str, problem: UserError | ErrorDetails) -> str:
        if path != self._part or isinstance(problem, UserError):
            return path
        blamed = f"{path}.{str(problem['msg']).removeprefix('Value error, ').partition(' ')[0]}"
        return blamed if blamed in self.form.rows and self.form.rows[blamed].shown else path

    def _edited(self, path: str) -> None:
        if path == self._part or path.startswith(f"{self._part}.") or self._part.startswith(f"{path}."):
            self.refresh()

    def _value(self, path: str) -> Any:
        """What a field shows."""
        return self._draft.value(path)

    def _wanted(self) -> set[str]:
        """The fields that make sense now."""
        return set(self.form.rows)

    def _edit(self, path: str, value: Any) -> None:
        """Take in what the user changed."""
        self._draft.edit(path, value)


class OptionalPartCard(PartCard):
    """A part that a study may be without: its form is shown where the study has it."""

    def __init__(
        self,
        context: Context,
        draft: StudyDraft,
        part: str,
        specs: Sequence[FieldSpec],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(context, draft, part, specs, parent)
        self.toggle_button = QPushButton(self)
        self.toggle_button.setProperty("kind", "link")
        self.toggle_button.clicked.connect(self._toggle)
        self.add_corner(self.toggle_button)

    def refresh(self) -> None:
        """Show the part where the study has it, else the link that adds it."""
        super().refresh()
        self.form.setVisible(self.is_set)
        self.toggle_button.setVisible(self.writable)
        self._name_toggle()

    def retranslate(self) -> None:
        """Set every word again."""
        super().retranslate()
        self._name_toggle()

    def _name_toggle(self) -> None:
        code = "remove" if self.is_set else "add"
        self.toggle_button.setText(self._context.translator.tr(f"{self._code}.{code}"))

    def _fresh(self) -> Document:
        """The part as it begins."""
        raise NotImplementedError

    def _toggle(self) -> None:
        self._draft.edit(self._part, None if self.is_set else self._fresh())
        self._draft.seal()
