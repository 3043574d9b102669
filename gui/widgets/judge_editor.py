"""Who judges the answers: the model of a candidate, the one that the study file names, or nobody."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from gui.i18n import Translator
from gui.study_edits.shapes import Document
from gui.widgets.editors import ChoiceEditor

JUDGES = ("endpoint", "gguf", "hub", "local", "sample")
"""Sources of models that can be asked as they are."""


class JudgeModelEditor(ChoiceEditor):
    """A choice of models; its value is a model as the study file writes it, null for nobody."""

    def offer(self, translator: Translator, candidates: Sequence[Document], chosen: Document | None) -> None:
        """Offer the candidates' models that answer as they are, and the chosen one where it is none of them."""
        models = {
            _key(candidate["model"]): str(candidate.get("name"))
            for candidate in reversed(candidates)
            if (candidate.get("model") or {}).get("source") in JUDGES
        }
        if chosen is not None:
            models.setdefault(_key(chosen), _name_of(chosen))
        nobody = [(None, translator.tr("gui.judge.nobody"))]
        self.set_options([*nobody, *reversed(models.items())])
        self.set_value(chosen)

    def set_value(self, value: Any) -> None:
        """Show a model."""
        super().set_value(_key(value) if isinstance(value, dict) else value)

    def _activated(self, position: int) -> None:
        key = self.box.itemData(position)
        self.edited.emit(None if key is None else json.loads(key))
        self.sealed.emit()


def _key(model: Document) -> str:
    return json.dumps(model, sort_keys=True, ensure_ascii=False)


def _name_of(model: Document) -> str:
    """A model as its source calls it."""
    return str(next((model[part] for part in ("model", "id", "path", "file") if model.get(part)), model.get("source")))
