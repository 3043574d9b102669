"""A list of words as chips, with a line to add others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtWidgets import QLineEdit, QPushButton, QWidget

from gui.i18n import Translator
from gui.theme import CONTROL_HEIGHT, GAP_ROWS
from gui.widgets.editors import Editor
from gui.widgets.fields import FieldSpec
from gui.widgets.flow_layout import FlowLayout

ADD_WIDTH = 104


class WordsEditor(Editor):
    """A list of words as chips that can be switched on and off, and a line to add others unless the list is closed."""

    def __init__(self, spec: FieldSpec, translator: Translator, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._spec = spec
        self._translator = translator
        self._value: list[str] = []
        self._suggestions = spec.presentation.suggestions
        self._name = ""
        self.chips: dict[str, QPushButton] = {}
        self._flow = FlowLayout(self, spacing=GAP_ROWS, line_height=CONTROL_HEIGHT)
        self.line: QLineEdit | None = None
        if not spec.presentation.closed:
            self.line = QLineEdit(self)
            self.line.setFixedWidth(ADD_WIDTH)
            self.line.returnPressed.connect(self._add)
            self.line.editingFinished.connect(self._add)
            self._flow.addWidget(self.line)
        self._show_chips()

    def set_value(self, value: Any) -> None:
        """Show a value."""
        self._value = [str(word) for word in value or []]
        self._show_chips()

    def offer(self, words: Sequence[str]) -> None:
        """Suggest other words."""
        self._suggestions = tuple(words)
        self._show_chips()

    def describe(self, name: str, help_text: str) -> None:
        """Name the chips' group and the line for screen readers."""
        self._name = name
        self.setAccessibleName(name)
        self.setAccessibleDescription(help_text)
        self.setToolTip(help_text)
        if self.line is not None:
            self.line.setAccessibleName(self._translator.tr("gui.form.add_to", name=name))
            self.line.setPlaceholderText(self._translator.tr("gui.form.add"))
        self._show_chips()

    def _show_chips(self) -> None:
        wanted = list(dict.fromkeys([*self._suggestions, *self._value]))
        for word in [word for word in self.chips if word not in wanted]:
            chip = self.chips.pop(word)
            self._flow.removeWidget(chip)
            chip.hide()
            chip.deleteLater()
        for position, word in enumerate(wanted):
            if word not in self.chips:
                self.chips[word] = self._make_chip(word, position)
            chip = self.chips[word]
            chip.setText(self._words_of(word))
            chip.setAccessibleName(f"{self._name}: {self._words_of(word)}")
            chip.setChecked(word in self._value)

    def _make_chip(self, word: str, position: int) -> QPushButton:
        chip = QPushButton(self)
        chip.setProperty("kind", "chip")
        chip.setCheckable(True)
        chip.clicked.connect(lambda checked: self._switch(word, checked))
        self._flow.insert_widget(position, chip)
        chip.show()
        return chip

    def _words_of(self, word: str) -> str:
        return self._translator.stored(f"field.{self._spec.path}.{word}", {}, word)

    def _switch(self, word: str, checked: bool) -> None:
        rest = [other for other in self._value if other != word]
        self._value = [*rest, word] if checked else rest
        self.edited.emit(list(self._value))
        self.sealed.emit()

    def _add(self) -> None:
        word = self.line.text().strip() if self.line is not None else ""
        if self.line is not None and word:
            self.line.clear()
            if word not in self._value:
                self._switch(word, checked=True)
                self._show_chips()
