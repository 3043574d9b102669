"""A form generated from pydantic fields: label, editor with unit, and what is wrong with the value right below it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic_core import ErrorDetails
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from core.errors import UserError
from gui.i18n import Translator
from gui.theme import CONTROL_HEIGHT, GAP_CARDS, GAP_ROWS, LABEL_WIDTH
from gui.undo import StudyDraft
from gui.widgets.editors import ChoiceEditor, Editor, FlagEditor, LineEditor, WordsEditor
from gui.widgets.facts_editor import FactsEditor
from gui.widgets.fields import FieldKind, FieldSpec

_SENTENCES = {
    "greater_than": "above",
    "greater_than_equal": "at_least",
    "less_than": "below",
    "less_than_equal": "at_most",
    "string_pattern_mismatch": "pattern",
    "literal_error": "choice",
}
_NUMBER_TYPES = ("float_parsing", "int_parsing", "int_from_float", "float_type", "int_type", "finite_number")


def problem_sentence(translator: Translator, problem: UserError | ErrorDetails, spec: FieldSpec | None = None) -> str:
    """What is wrong with a field in one sentence, in the field's own unit."""
    if isinstance(problem, UserError):
        return translator.error(problem)
    kind = problem["type"]
    if problem.get("input") in (None, "") and kind != "value_error":
        return translator.tr("gui.field.problem.required")
    if kind in _NUMBER_TYPES:
        whole = kind.startswith("int")
        return translator.tr("gui.field.problem.whole" if whole else "gui.field.problem.number")
    limit = next((value for key, value in problem.get("ctx", {}).items() if key in ("gt", "ge", "lt", "le")), None)
    if kind in _SENTENCES and kind not in ("string_pattern_mismatch", "literal_error") and limit is not None:
        scaled = float(limit) * (spec.presentation.scale if spec else 1.0)
        return translator.tr(f"gui.field.problem.{_SENTENCES[kind]}", limit=translator.formats.number(scaled))
    if kind in _SENTENCES:
        return translator.tr(f"gui.field.problem.{_SENTENCES[kind]}")
    message = str(problem["msg"]).removeprefix("Value error, ")
    return message[:1].upper() + message[1:]


class FieldRow:
    """One field's label, editor and problem line."""

    def __init__(self, spec: FieldSpec, editor: Editor, parent: QWidget) -> None:
        self.spec = spec
        self.editor = editor
        self.label = QLabel(parent)
        self.label.setProperty("type", "muted")
        self.label.setBuddy(editor)
        self.problem = QLabel(parent)
        self.problem.setProperty("type", "caption")
        self.problem.setProperty("state", "bad")
        self.problem.setWordWrap(True)
        self.problem.hide()

    def show_problem(self, text: str) -> None:
        """Show or clear what is wrong."""
        self.problem.setText(text)
        self.problem.setVisible(bool(text))
        self.editor.set_invalid(bool(text))


class FieldForm(QWidget):
    """A grid of fields. `edited` carries (path, value), `sealed` fires at the end of typing."""

    edited = Signal(str, object)
    sealed = Signal()

    def __init__(
        self,
        translator: Translator,
        specs: Sequence[FieldSpec],
        parent: QWidget | None = None,
        label_width: int = LABEL_WIDTH,
        code_prefix: str = "field",
    ) -> None:
        super().__init__(parent)
        self._translator = translator
        self._code_prefix = code_prefix
        self._units: Mapping[str, str] = {}
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(GAP_CARDS)
        self._grid.setVerticalSpacing(GAP_ROWS)
        self._grid.setColumnMinimumWidth(0, label_width)
        self._grid.setColumnStretch(1, 1)
        self.rows: dict[str, FieldRow] = {}
        for spec in specs:
            self._add_row(spec)
        translator.language_changed.connect(self.retranslate)
        self.retranslate()

    def show_values(self, value_of: Callable[[str], Any]) -> None:
        """Show the value of each field's path."""
        for path, row in self.rows.items():
            row.editor.set_value(value_of(path))

    def show_problems(self, problems: Mapping[str, UserError | ErrorDetails]) -> set[str]:
        """Show what is wrong with each field; the paths that are shown here."""
        shown: set[str] = set()
        for path, row in self.rows.items():
            own = next((key for key in problems if key == path or key.startswith(f"{path}.")), None)
            row.show_problem("" if own is None else problem_sentence(self._translator, problems[own], row.spec))
            if own is not None:
                shown.add(own)
        return shown

    def set_choices(self, path: str, choices: tuple[str, ...]) -> None:
        """Offer only some of a field's choices."""
        row = self.rows[path]
        if row.spec.choices != choices:
            row.spec = replace(row.spec, choices=choices)
            self.retranslate()

    def set_currency(self, currency: str) -> None:
        """Name the currency in every unit of money."""
        self._units = {"currency": currency}
        self._set_units()

    def set_read_only(self, read_only: bool) -> None:
        """Allow or refuse changes in every field."""
        for row in self.rows.values():
            row.editor.set_read_only(read_only)

    def retranslate(self) -> None:
        """Set every word again."""
        tr = self._translator.tr
        for path, row in self.rows.items():
            code = f"{self._code_prefix}.{path}"
            label = tr(code)
            row.label.setText(label)
            help_text = tr(f"{code}.help")
            row.label.setToolTip(help_text)
            row.editor.describe(label, help_text)
            if isinstance(row.editor, ChoiceEditor) and row.spec.choices:
                row.editor.set_options([(choice, tr(f"{code}.{choice}")) for choice in row.spec.choices])
            if isinstance(row.editor, FlagEditor):
                row.editor.box.setText(tr(f"{code}.yes"))
            if isinstance(row.editor, LineEditor) and row.spec.optional:
                row.editor.line.setPlaceholderText(tr(f"{code}.empty"))
        self._set_units()

    def _set_units(self) -> None:
        for row in self.rows.values():
            unit = row.spec.presentation.unit
            if unit is not None and isinstance(row.editor, LineEditor):
                values = {"currency": "", **self._units}
                row.editor.unit.setText(self._translator.tr(f"gui.unit.{unit}", **values).strip())

    def _add_row(self, spec: FieldSpec) -> None:
        row = FieldRow(spec, make_editor(spec, self._translator, self), self)
        row.editor.edited.connect(lambda value: self.edited.emit(spec.path, value))
        row.editor.sealed.connect(self.sealed)
        row.label.setMinimumHeight(CONTROL_HEIGHT)
        row.editor.setMinimumHeight(CONTROL_HEIGHT)
        line = 2 * len(self.rows)
        self._grid.addWidget(row.label, line, 0, Qt.AlignmentFlag.AlignTop)
        self._grid.addWidget(row.editor, line, 1, Qt.AlignmentFlag.AlignTop)
        self._grid.addWidget(row.problem, line + 1, 1)
        self.rows[spec.path] = row


def make_editor(spec: FieldSpec, translator: Translator, parent: QWidget) -> Editor:
    """The editor of a field's kind."""
    match spec.kind:
        case FieldKind.CHOICE:
            return ChoiceEditor(parent)
        case FieldKind.FLAG:
            return FlagEditor(parent)
        case FieldKind.WORDS:
            return WordsEditor(spec, translator, parent)
        case FieldKind.FACTS:
            return FactsEditor(spec, translator, parent)
        case FieldKind.NUMBER | FieldKind.INTEGER | FieldKind.TEXT:
            return LineEditor(spec, parent)


def bind(form: FieldForm, draft: StudyDraft) -> None:
    """Let a form edit a draft."""
    form.edited.connect(draft.edit)
    form.sealed.connect(draft.seal)
