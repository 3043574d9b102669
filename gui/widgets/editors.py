"""Editors of a form, one for each kind of field. Each shows a value and tells when the user changed it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic_core import ErrorDetails
from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence, QWheelEvent
from PySide6.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QLabel, QLineEdit, QWidget

from core.errors import UserError
from gui.formatting import Formats
from gui.theme import GAP_ROWS
from gui.widgets.fields import FieldKind, FieldSpec

_SUFFIXES = {"k": 1e3, "K": 1e3, "M": 1e6, "m": 1e6, "G": 1e9, "万": 1e4, "亿": 1e8}
_NUMBER = re.compile(r"^([+-]?\d*\.?\d+(?:[eE][+-]?\d+)?)\s*([kKmMG万亿]?)\s*%?$")


def parse_number(text: str) -> float | str | None:
    """The number that a user wrote (`3,000,000`, `3M`, `85 %`), null for blanks, the text itself where it is none."""
    bare = text.strip().replace(",", "").replace("\u00a0", "").replace("\u2212", "-")
    if not bare:
        return None
    match = _NUMBER.match(bare)
    if match is None:
        return text.strip()
    return float(match.group(1)) * _SUFFIXES.get(match.group(2), 1.0)


class Editor(QWidget):
    """The base of all editors. `edited` carries the new value, `sealed` says that typing ended."""

    edited = Signal(object)
    sealed = Signal()

    def set_value(self, value: Any) -> None:
        """Show a value; does not emit `edited`."""
        raise NotImplementedError

    def set_read_only(self, read_only: bool) -> None:
        """Allow or refuse changes."""
        self.setEnabled(not read_only)

    def set_invalid(self, invalid: bool) -> None:
        """Mark the editor as holding a value that does not fit."""

    def set_placeholder(self, text: str) -> None:
        """What stands in the editor while it is empty."""

    def show_problems(self, _problems: Mapping[str, UserError | ErrorDetails]) -> set[str]:
        """Show what is wrong with parts of the value, by their paths within it; the paths that are shown here."""
        return set()

    def describe(self, name: str, help_text: str) -> None:
        """Name the editor for screen readers and explain it on hover."""
        target = self.focusProxy() or self
        target.setAccessibleName(name)
        target.setAccessibleDescription(help_text)
        self.setToolTip(help_text)

    def retranslate(self) -> None:
        """Set words again."""


class _FormLine(QLineEdit):
    """A line that leaves undo and redo to the form, so that there is one history."""

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            for key in (QKeySequence.StandardKey.Undo, QKeySequence.StandardKey.Redo):
                if event.matches(key):
                    event.ignore()
                    return False
        return super().event(event)


class LineEditor(Editor):
    """A line for a number or a word, with its unit behind it."""

    def __init__(self, spec: FieldSpec, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._spec = spec
        self._value: Any = None
        self._typing = False
        self.line = _FormLine(self)
        self.unit = QLabel(self)
        self.unit.setProperty("type", "secondary")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GAP_ROWS)
        row.addWidget(self.line, 3)
        row.addWidget(self.unit, 2)
        self.unit.setHidden(spec.presentation.wide)
        self.setFocusProxy(self.line)
        self.line.textEdited.connect(self._text_edited)
        self.line.editingFinished.connect(self._finished)

    def set_value(self, value: Any) -> None:
        """Show a value in the field's unit. While the user types, the text stays as typed where it means the same."""
        if self._value != value or not self._typing:
            self._value = value
            self.line.setText(self._text_of(value))

    def set_placeholder(self, text: str) -> None:
        """What an empty line means."""
        self.line.setPlaceholderText(text)

    def set_read_only(self, read_only: bool) -> None:
        """Allow or refuse changes; a refused line can still be read and copied."""
        self.line.setReadOnly(read_only)

    def set_invalid(self, invalid: bool) -> None:
        """Draw the line in the colour of errors."""
        if self.line.property("invalid") != invalid:
            self.line.setProperty("invalid", invalid)
            self.line.style().unpolish(self.line)
            self.line.style().polish(self.line)

    def _text_edited(self, text: str) -> None:
        self._typing = True
        self._value = self._value_of(text)
        self.edited.emit(self._value)

    def _finished(self) -> None:
        self._typing = False
        self.line.setText(self._text_of(self._value))
        self.sealed.emit()

    def _value_of(self, text: str) -> Any:
        if self._spec.kind in (FieldKind.TEXT, FieldKind.PATH):
            return text.strip() or (None if self._spec.optional else "")
        number = parse_number(text)
        if not isinstance(number, float):
            return number
        number = round(number / self._spec.presentation.scale, 12)
        return int(number) if self._spec.kind is FieldKind.INTEGER and number.is_integer() else number

    def _text_of(self, value: Any) -> str:
        if value is None:
            return ""
        if isinstance(value, int | float) and not isinstance(value, bool):
            return Formats("en").number(value * self._spec.presentation.scale)
        return str(value)


class _QuietComboBox(QComboBox):
    """A combo box that lets the wheel scroll the page unless it has the focus."""

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802 (Qt's name)
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


class ChoiceEditor(Editor):
    """One of several values. A value that is not offered is shown as it is."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._options: list[tuple[Any, str]] = []
        self.box = _QuietComboBox(self)
        self.box.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.box.setMinimumContentsLength(6)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.box, 1)
        self.setFocusProxy(self.box)
        self.box.activated.connect(self._activated)

    @property
    def options(self) -> list[tuple[Any, str]]:
        """The (value, words) pairs offered."""
        return list(self._options)

    def set_options(self, options: Sequence[tuple[Any, str]]) -> None:
        """Offer these (value, words) pairs and keep the value shown."""
        value = self.box.currentData()
        self._options = list(options)
        self.box.clear()
        for option, words in options:
            self.box.addItem(words, option)
        self.set_value(value)

    def set_value(self, value: Any) -> None:
        """Show a value."""
        for extra in range(self.box.count() - 1, len(self._options) - 1, -1):
            if self.box.itemData(extra) != value:
                self.box.removeItem(extra)  # an earlier value that is not offered
        position = next((i for i in range(self.box.count()) if self.box.itemData(i) == value), -1)
        if position < 0 and value not in (None, ""):
            self.box.addItem(str(value), value)
            position = self.box.count() - 1
        self.box.setCurrentIndex(position)

    def _activated(self, position: int) -> None:
        self.edited.emit(self.box.itemData(position))
        self.sealed.emit()


class FlagEditor(Editor):
    """Yes or no."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.box = QCheckBox(self)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.box, 1)
        self.setFocusProxy(self.box)
        self.box.clicked.connect(self._clicked)

    def set_value(self, value: Any) -> None:
        """Show a value."""
        self.box.setChecked(bool(value))

    def _clicked(self, checked: bool) -> None:
        self.edited.emit(checked)
        self.sealed.emit()
