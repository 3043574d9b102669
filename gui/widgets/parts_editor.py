"""A list of parts in order, each with a few fields: steps of compression, assistants between teacher and student."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic_core import ErrorDetails
from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QMenu, QPushButton, QVBoxLayout, QWidget

from core.errors import UserError
from gui.i18n import Translator
from gui.theme import GAP_ROWS, GAP_TIGHT, Theme
from gui.widgets.editors import Editor
from gui.widgets.fields import FieldSpec
from gui.widgets.form import FieldForm

PART_LABEL_WIDTH = 128


@dataclass(frozen=True)
class PartKinds:
    """What a list can hold. Words are codes `field.<code>.…`: `.<kind>` the kind's name, `.add` the button's.

    `fields` are each kind's, with paths from the code on; `kind_of` and `fresh` tell and make a part of a kind.
    """

    code: str
    fields: Mapping[str, Sequence[FieldSpec]]
    kind_of: Callable[[dict[str, Any]], str]
    fresh: Callable[[str], dict[str, Any]]


class _Part(QFrame):
    """One part: its number and kind, its fields, and what can be done with it."""

    def __init__(self, translator: Translator, kinds: PartKinds, kind: str, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self.kind = kind
        self._kinds = kinds
        self._translator = translator
        self.setProperty("part", True)
        self.title = QLabel(self)
        self.title.setProperty("type", "strong")
        self.up_button, self.down_button, self.remove_button = (QPushButton(self) for _ in range(3))
        self._icons = ((self.up_button, "arrow_up"), (self.down_button, "arrow_down"), (self.remove_button, "close"))
        self._theme = theme
        head = QHBoxLayout()
        head.setSpacing(0)
        head.addWidget(self.title, 1)
        for button, _ in self._icons:
            button.setProperty("kind", "quiet")
            button.setIconSize(QSize(12, 12))
            head.addWidget(button)
        specs = kinds.fields[kind]
        self.form = FieldForm(translator, specs, self, PART_LABEL_WIDTH) if specs else None
        column = QVBoxLayout(self)
        column.setContentsMargins(12, GAP_TIGHT, GAP_TIGHT, GAP_ROWS if specs else GAP_TIGHT)
        column.setSpacing(GAP_TIGHT)
        column.addLayout(head)
        if self.form is not None:
            column.addWidget(self.form)
        theme.theme_changed.connect(self._recolour)
        self._recolour()

    def show_values(self, values: dict[str, Any]) -> None:
        """Show the part's fields."""
        if self.form is not None:
            self.form.show_values(lambda path: values.get(path.rpartition(".")[2]))

    def name(self, number: int, count: int) -> None:
        """Set the words, and which way the part can move."""
        tr, code = self._translator.tr, self._kinds.code
        words = tr(f"field.{code}.{self.kind}")
        self.title.setText(tr("gui.parts.title", number=number, name=words))
        for button, verb in ((self.up_button, "up"), (self.down_button, "down"), (self.remove_button, "remove")):
            button.setAccessibleName(tr(f"gui.parts.{verb}", name=words))
            button.setToolTip(tr(f"gui.parts.{verb}", name=words))
        self.up_button.setVisible(count > 1)
        self.down_button.setVisible(count > 1)
        self.up_button.setEnabled(number > 1)
        self.down_button.setEnabled(number < count)

    def _recolour(self) -> None:
        for button, icon in self._icons:
            button.setIcon(self._theme.icon(icon, "muted", 12))


class PartsEditor(Editor):
    """Shows each part in order; every change hands on the whole list."""

    def __init__(self, kinds: PartKinds, translator: Translator, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._kinds = kinds
        self._translator = translator
        self._theme = theme
        self._value: list[dict[str, Any]] = []
        self._offered = tuple(kinds.fields)
        self.parts: list[_Part] = []
        self.add_button = QPushButton(self)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(GAP_ROWS)
        self._column.addWidget(self.add_button, 0, Qt.AlignmentFlag.AlignLeft)
        self.setFocusProxy(self.add_button)
        if len(kinds.fields) == 1:
            self.add_button.clicked.connect(lambda: self._add(self._offered[0]))
        self._menu = QMenu(self.add_button)
        if len(kinds.fields) > 1:
            self.add_button.setMenu(self._menu)

    def offer(self, kinds: Sequence[str]) -> None:
        """Offer only some of the kinds for another part."""
        self._offered = tuple(kinds)
        self._fill_menu()

    def set_value(self, value: Any) -> None:
        """Show a list of parts; those of the same kinds keep their widgets, and so the focus."""
        self._value = [dict(part) for part in value or []]
        kinds = [self._kinds.kind_of(part) for part in self._value]
        if kinds != [part.kind for part in self.parts]:
            self._build(kinds)
        for place, part in enumerate(self.parts):
            part.name(place + 1, len(self.parts))
            part.show_values(self._value[place])

    def set_read_only(self, read_only: bool) -> None:
        """Allow or refuse changes."""
        self.add_button.setVisible(not read_only)
        for part in self.parts:
            part.setEnabled(not read_only)

    def describe(self, name: str, help_text: str) -> None:
        """Name the list and its button."""
        words = self._translator.tr(f"field.{self._kinds.code}.add")
        self.add_button.setText(words)
        self.add_button.setAccessibleName(words)
        self.add_button.setToolTip(help_text)
        self.setAccessibleName(name)
        for number, part in enumerate(self.parts, 1):
            part.name(number, len(self.parts))
        self._fill_menu()

    def show_problems(self, problems: Mapping[str, UserError | ErrorDetails]) -> set[str]:
        """Show what is wrong with a part's field below it; keys are such as `0.prune`."""
        shown: set[str] = set()
        for place, part in enumerate(self.parts):
            if part.form is None:
                continue
            own = {
                f"{self._kinds.code}.{key.removeprefix(f'{place}.')}": problem
                for key, problem in problems.items()
                if key.startswith(f"{place}.")
            }
            told = part.form.show_problems(own)
            shown |= {f"{place}.{key.removeprefix(f'{self._kinds.code}.')}" for key in told}
        return shown

    def _build(self, kinds: Sequence[str]) -> None:
        for part in self.parts:
            self._column.removeWidget(part)
            part.hide()
            part.deleteLater()
        self.parts = [_Part(self._translator, self._kinds, kind, self._theme, self) for kind in kinds]
        for place, part in enumerate(self.parts):
            self._column.insertWidget(place, part)
            self._connect(place, part)
            part.show()
        for before, after in zip(self.parts, self.parts[1:], strict=False):
            QWidget.setTabOrder(before, after)

    def _connect(self, place: int, part: _Part) -> None:
        part.up_button.clicked.connect(lambda: self._move(place, -1))
        part.down_button.clicked.connect(lambda: self._move(place, 1))
        part.remove_button.clicked.connect(lambda: self._remove(place))
        if part.form is not None:
            part.form.edited.connect(lambda path, value: self._set(place, path.rpartition(".")[2], value))
            part.form.sealed.connect(self.sealed)

    def _set(self, place: int, name: str, value: Any) -> None:
        changed = copy.deepcopy(self._value)
        changed[place][name] = value
        self._value = changed
        self.edited.emit(copy.deepcopy(changed))

    def _add(self, kind: str) -> None:
        self._hand_on([*self._value, self._kinds.fresh(kind)])

    def _remove(self, place: int) -> None:
        self._hand_on([part for number, part in enumerate(self._value) if number != place])
        self.add_button.setFocus(Qt.FocusReason.OtherFocusReason)

    def _move(self, place: int, by: int) -> None:
        changed = copy.deepcopy(self._value)
        changed.insert(place + by, changed.pop(place))
        self._hand_on(changed)

    def _hand_on(self, value: list[dict[str, Any]]) -> None:
        self.sealed.emit()
        self.edited.emit(copy.deepcopy(value))
        self.sealed.emit()

    def _fill_menu(self) -> None:
        self._menu.clear()
        for kind in self._offered:
            action = self._menu.addAction(self._translator.tr(f"field.{self._kinds.code}.{kind}"))
            action.triggered.connect(lambda _checked=False, kind=kind: self._add(kind))
        self.add_button.setEnabled(bool(self._offered))
