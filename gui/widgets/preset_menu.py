"""The menu of candidates that can be added: those that make sense beside the ones that there are."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QMenu, QWidget

from gui.i18n import Translator
from gui.study_edits.presets import offered, start_for
from gui.study_edits.shapes import Document


class PresetMenu(QMenu):
    """`chosen` carries the name of a preset."""

    chosen = Signal(str)

    def __init__(self, translator: Translator, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._translator = translator
        self.setToolTipsVisible(True)

    def offer(self, candidates: Sequence[Document], beside: Document | None, kind: str) -> None:
        """Offer what fits a study of a kind of task, and the candidate in sight."""
        self.clear()
        start = start_for(candidates, beside)
        teacher = next((str(one["name"]) for one in candidates if one.get("role") == "teacher"), "")
        names = {"teacher": teacher, "name": str(start["name"]) if start else ""}
        tr = self._translator.tr
        for name in offered(candidates, kind, beside):
            if name in ("language_teacher", "hybrid"):
                self.addSeparator()
            values = {**names, "name": str(beside["name"])} if name == "seeds" and beside else names
            action = self.addAction(tr(f"gui.candidates.preset.{name}", **values))
            action.setToolTip(tr(f"gui.candidates.preset.{name}.help"))
            action.triggered.connect(lambda _checked=False, name=name: self.chosen.emit(name))
