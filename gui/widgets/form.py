"""A form generated from pydantic fields: label, editor with unit, and what is wrong with the value right below it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic_core import ErrorDetails
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from core.errors import UserError
from core.spec import PLUGIN_PREFIX
from gui.i18n import Translator
from gui.theme import CONTROL_HEIGHT, GAP_CARDS, GAP_ROWS, LABEL_WIDTH
from gui.undo import StudyDraft
from gui.widgets.editors import ChoiceEditor, Editor, FlagEditor, LineEditor
from gui.widgets.facts_editor import FactsEditor
from gui.widgets.fields import FieldKind, FieldSpec
from gui.widgets.path_editor import PathEditor
from gui.widgets.problems import problem_sentence
from gui.widgets.words_editor import WordsEditor
from gui.widgets.written_editors import FlagsEditor, TextEditor, WrittenEditor

SHOWN_BY_EXAMPLE = frozenset(
    {FieldKind.LAYERS, FieldKind.LAYER_CHOICES, FieldKind.WIDTHS, FieldKind.RANGE, FieldKind.PAIRS, FieldKind.JSON}
)
"""Kinds whose empty editor shows how a value is written."""
HIGHER = frozenset(
    {
        FieldKind.STEPS,
        FieldKind.STAGES,
        FieldKind.JUDGE,
        FieldKind.LONG_TEXT,
        FieldKind.PAIRS,
        FieldKind.JSON,
        FieldKind.WORDS,
    }
)
"""Kinds whose editors are as high as what they hold; a least height of one line would let the form squeeze them."""


class FieldRow:
    """One field's label, editor and problem line."""

    def __init__(self, spec: FieldSpec, editor: Editor, parent: QWidget) -> None:
        self.spec = spec
        self.editor = editor
        self.shown = True
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
        self.problem.setVisible(bool(text) and self.shown)
        self.editor.set_invalid(bool(text))

    def set_shown(self, shown: bool) -> None:
        """Show or hide the whole row."""
        self.shown = shown
        self.label.setVisible(shown)
        self.editor.setVisible(shown)
        self.problem.setVisible(shown and bool(self.problem.text()))


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
        editors: Mapping[str, Editor] | None = None,
    ) -> None:
        super().__init__(parent)
        self._translator = translator
        self._code_prefix = code_prefix
        self.label_width = label_width
        self._given_editors = dict(editors or {})
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

    def show_values(self, value_of: Callable[[str], Any], except_for: Collection[str] = ()) -> None:
        """Show the value of each field's path, and leave some as they are."""
        for path, row in self.rows.items():
            if path not in except_for:
                row.editor.set_value(value_of(path))

    def show_problems(self, problems: Mapping[str, UserError | ErrorDetails]) -> set[str]:
        """Show what is wrong with each field; the paths that are shown here."""
        shown: set[str] = set()
        for path, row in self.rows.items():
            inside = {
                key.removeprefix(f"{path}."): problem
                for key, problem in problems.items()
                if row.shown and key.startswith(f"{path}.")
            }
            shown |= {f"{path}.{key}" for key in row.editor.show_problems(inside)}
            own = [key for key in problems if self._nearest(key) == path and key not in shown]
            first = own[0] if own else None
            row.show_problem("" if first is None else problem_sentence(self._translator, problems[first], row.spec))
            if first is not None:
                shown.update(own)
        return shown

    def _nearest(self, key: str) -> str | None:
        """The field in sight that a problem's path lies at or below: `a.b` rather than `a`; null where none is."""
        found = [path for path, row in self.rows.items() if row.shown and (key == path or key.startswith(f"{path}."))]
        return max(found, key=len, default=None)

    def show_only(self, paths: Collection[str]) -> None:
        """Show these fields and hide the others."""
        for path, row in self.rows.items():
            row.set_shown(path in paths)

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
                row.editor.set_options([(choice, self._choice(code, choice)) for choice in row.spec.choices])
            if isinstance(row.editor, FlagEditor):
                row.editor.box.setText(tr(f"{code}.yes"))
            if row.spec.optional or row.spec.kind in SHOWN_BY_EXAMPLE:
                row.editor.set_placeholder(self._translator.stored(f"{code}.empty", {}, ""))
        self._set_units()

    def _choice(self, code: str, choice: str) -> str:
        """A choice in words; one of the user's own has its own name."""
        own = choice.removeprefix(PLUGIN_PREFIX)
        return self._translator.tr(f"{code}.{choice}" if own == choice else f"{code}.own", name=own)

    def _set_units(self) -> None:
        for row in self.rows.values():
            unit = row.spec.presentation.unit
            if unit is not None and isinstance(row.editor, LineEditor):
                values = {"currency": "", **self._units}
                row.editor.unit.setText(self._translator.tr(f"gui.unit.{unit}", **values).strip())

    def _add_row(self, spec: FieldSpec) -> None:
        editor = self._given_editors.get(spec.path) or make_editor(spec, self._translator, self)
        editor.setParent(self)
        row = FieldRow(spec, editor, self)
        row.editor.edited.connect(lambda value: self.edited.emit(spec.path, value))
        row.editor.sealed.connect(self.sealed)
        row.label.setMinimumHeight(CONTROL_HEIGHT)
        if spec.kind not in HIGHER:
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
        case FieldKind.PATH:
            return PathEditor(spec, translator, parent)
        case FieldKind.FLAGS:
            return FlagsEditor(translator, parent)
        case FieldKind.LONG_TEXT | FieldKind.PAIRS | FieldKind.JSON:
            return TextEditor(spec, parent)
        case FieldKind.NUMBER | FieldKind.INTEGER | FieldKind.TEXT:
            return LineEditor(spec, parent)
        case FieldKind.STEPS | FieldKind.STAGES | FieldKind.JUDGE:
            raise ValueError(f"{spec.path} has an editor of its own; hand it to the form")
        case _:
            return WrittenEditor(spec, translator, parent)


def bind(form: FieldForm, draft: StudyDraft) -> None:
    """Let a form edit a draft."""
    form.edited.connect(draft.edit)
    form.sealed.connect(draft.seal)
