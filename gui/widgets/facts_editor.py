"""Facts about a deployment, each yes, no or not known: a missing fact never counts as a pass."""

from __future__ import annotations

from typing import Any

from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from gui.i18n import Translator
from gui.theme import GAP_CARDS, GAP_TIGHT
from gui.widgets.editors import ChoiceEditor, Editor
from gui.widgets.fields import FieldSpec


class FactsEditor(Editor):
    """A row for each fact that a rule asks for, and for each other fact that the study already states."""

    def __init__(self, spec: FieldSpec, translator: Translator, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._spec = spec
        self._translator = translator
        self._value: dict[str, Any] = {}
        self._labels: dict[str, QLabel] = {}
        self.rows: dict[str, ChoiceEditor] = {}
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(GAP_CARDS)
        self._grid.setVerticalSpacing(GAP_TIGHT)
        self._grid.setColumnStretch(0, 1)
        self._show_rows()

    def set_value(self, value: Any) -> None:
        """Show a value."""
        self._value = dict(value or {})
        self._show_rows()

    def describe(self, name: str, help_text: str) -> None:
        """Name the group; each row is named by its fact."""
        self.setAccessibleName(name)
        self.setAccessibleDescription(help_text)
        self.setToolTip(help_text)
        self._show_rows()

    def _show_rows(self) -> None:
        for fact in dict.fromkeys([*self._spec.presentation.suggestions, *self._value]):
            if fact not in self.rows:
                self._labels[fact], self.rows[fact] = self._make_row(fact)
            label, editor = self._labels[fact], self.rows[fact]
            label.setText(self._translator.stored(f"field.{self._spec.path}.{fact}", {}, fact))
            editor.set_options(
                [
                    ("", self._translator.tr("gui.form.fact_unknown")),
                    (True, self._translator.tr("gui.form.fact_yes")),
                    (False, self._translator.tr("gui.form.fact_no")),
                ]
            )
            editor.set_value(self._value.get(fact, ""))
            editor.describe(label.text(), "")

    def _make_row(self, fact: str) -> tuple[QLabel, ChoiceEditor]:
        label = QLabel(self)
        label.setWordWrap(True)
        editor = ChoiceEditor(self)
        editor.setFixedWidth(128)
        editor.edited.connect(lambda answer: self._answer(fact, answer))
        label.setBuddy(editor.box)
        line = self._grid.rowCount()
        self._grid.addWidget(label, line, 0)
        self._grid.addWidget(editor, line, 1)
        return label, editor

    def _answer(self, fact: str, answer: Any) -> None:
        value = {name: given for name, given in self._value.items() if name != fact}
        if answer != "":
            value[fact] = answer
        self._value = value
        self.edited.emit(dict(value))
        self.sealed.emit()
