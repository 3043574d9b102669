"""Editors of values that are written in a form of their own: lists of numbers, ranges, longer texts, lists of flags."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QFocusEvent, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QHBoxLayout, QPlainTextEdit, QWidget

from gui.i18n import Translator
from gui.theme import CONTROL_HEIGHT
from gui.widgets.editors import ChoiceEditor, Editor, LineEditor
from gui.widgets.fields import FieldSpec
from gui.widgets.written_forms import FORMS

LEAST_LINES, MOST_LINES = 2, 8
TEXT_MARGIN = 14


class WrittenEditor(LineEditor):
    """A line for a value of several numbers, such as `1, 2, 3`."""

    def __init__(self, spec: FieldSpec, translator: Translator, parent: QWidget | None = None) -> None:
        super().__init__(spec, parent)
        self._translator = translator
        self._form = FORMS[spec.kind]

    def _value_of(self, text: str) -> Any:
        return self._form.read(text)

    def _text_of(self, value: Any) -> str:
        return "" if value is None else self._form.write(value, self._translator.tr("gui.form.all"))


class FlagsEditor(ChoiceEditor):
    """What a search tries of a switch: on, off, or both."""

    _VALUES: tuple[tuple[list[bool], str], ...] = (([True], "on"), ([False], "off"), ([True, False], "both"))

    def __init__(self, translator: Translator, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._translator = translator

    def set_value(self, value: Any) -> None:
        """Show a value, whatever its order."""
        super().set_value([True, False] if isinstance(value, list) and len(set(value)) == 2 else value)

    def describe(self, name: str, help_text: str) -> None:
        """Name the editor, and its choices in the language in force."""
        super().describe(name, help_text)
        self.set_options([(value, self._translator.tr(f"gui.form.try.{code}")) for value, code in self._VALUES])


class _FormText(QPlainTextEdit):
    """Lines that leave undo and redo to the form, and Tab to the order of the fields."""

    def __init__(self, parent: Editor) -> None:
        super().__init__(parent)
        self._editor = parent
        self.setUndoRedoEnabled(False)
        self.setTabChangesFocus(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            for key in (QKeySequence.StandardKey.Undo, QKeySequence.StandardKey.Redo):
                if event.matches(key):
                    event.ignore()
                    return False
        return super().event(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:  # noqa: N802 (Qt's name)
        super().focusOutEvent(event)
        self._editor.sealed.emit()


class TextEditor(Editor):
    """Several lines of text, as high as they are."""

    def __init__(self, spec: FieldSpec, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._form = FORMS[spec.kind]
        self._value: Any = None
        self._showing = False
        self.text = _FormText(self)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.text, 1)
        self.setFocusProxy(self.text)
        self.text.textChanged.connect(self._text_edited)
        self._fit()

    def set_value(self, value: Any) -> None:
        """Show a value; while the user types, the text stays as typed where it means the same."""
        if value != self._value or not self.text.hasFocus():
            self._value = value
            written = self._form.write(value, "")
            if written != self.text.toPlainText():
                self._showing = True
                self.text.setPlainText(written)
                self._showing = False
        self._fit()

    def set_placeholder(self, text: str) -> None:
        """What stands in an empty text."""
        self.text.setPlaceholderText(text)

    def set_read_only(self, read_only: bool) -> None:
        """Allow or refuse changes; a refused text can still be read and copied."""
        self.text.setReadOnly(read_only)

    def set_invalid(self, invalid: bool) -> None:
        """Draw the text in the colour of errors."""
        if self.text.property("invalid") != invalid:
            self.text.setProperty("invalid", invalid)
            self.text.style().unpolish(self.text)
            self.text.style().polish(self.text)

    def _text_edited(self) -> None:
        if self._showing:
            return
        self._value = self._form.read(self.text.toPlainText())
        self._fit()
        self.edited.emit(self._value)

    def _fit(self) -> None:
        lines = min(MOST_LINES, max(LEAST_LINES, self.text.document().lineCount()))
        self.text.setFixedHeight(max(CONTROL_HEIGHT, lines * self.text.fontMetrics().lineSpacing() + TEXT_MARGIN))

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """As high as the lines."""
        return QSize(super().sizeHint().width(), self.text.height())
