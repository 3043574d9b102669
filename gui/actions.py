"""Actions as data: one table of id, shortcut, menu and when enabled; menus and the action search are made from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QWidget

from gui.i18n import Translator


@dataclass(frozen=True)
class WindowState:
    """What decides which actions are enabled."""

    study_open: bool = False
    writable: bool = False
    waiting_jobs: int = 0
    queue_active: bool = False
    job_running: bool = False
    can_undo: bool = False
    can_redo: bool = False


@dataclass(frozen=True)
class ActionSpec:
    """One action. The title's code is `gui.action.<action_id>`; an empty menu keeps it to the action search."""

    action_id: str
    menu: str = ""
    shortcut: str = ""
    enabled_when: Callable[[WindowState], bool] = lambda _state: True


def _study_open(state: WindowState) -> bool:
    return state.study_open


def _can_start(state: WindowState) -> bool:
    return state.writable and state.waiting_jobs > 0 and not state.queue_active


ACTIONS: tuple[ActionSpec, ...] = (
    ActionSpec("study.new", "study", "Ctrl+N"),
    ActionSpec("study.open", "study", "Ctrl+O"),
    ActionSpec("study.sample", "study"),
    ActionSpec("study.show_folder", "study", "", _study_open),
    ActionSpec("study.close", "study", "Ctrl+W", _study_open),
    ActionSpec("window.quit", "study", "Ctrl+Q"),
    ActionSpec("edit.undo", "edit", "Ctrl+Z", lambda state: state.can_undo),
    ActionSpec("edit.redo", "edit", "Ctrl+Shift+Z", lambda state: state.can_redo),
    ActionSpec("runs.start", "runs", "Ctrl+Return", _can_start),
    ActionSpec("runs.pause", "runs", "", lambda state: state.queue_active),
    ActionSpec("runs.cancel", "runs", "", lambda state: state.job_running),
    ActionSpec("page.study", "view", "Ctrl+1", _study_open),
    ActionSpec("page.candidates", "view", "Ctrl+2", _study_open),
    ActionSpec("page.runs", "view", "Ctrl+3", _study_open),
    ActionSpec("page.examples", "view", "Ctrl+4", _study_open),
    ActionSpec("page.decide", "view", "Ctrl+5", _study_open),
    ActionSpec("page.report", "view", "Ctrl+6", _study_open),
    ActionSpec("page.settings", "view", "Ctrl+,"),
    ActionSpec("search", "view", "Ctrl+K"),
    ActionSpec("theme.system"),
    ActionSpec("theme.light"),
    ActionSpec("theme.dark"),
    ActionSpec("language.system"),
    ActionSpec("language.en"),
    ActionSpec("language.zh_CN"),
)
MENUS = ("study", "edit", "runs", "view")


class Actions(QObject):
    """The table as QActions of a window, so that every shortcut is live; titles follow the language."""

    def __init__(self, window: QWidget, translator: Translator, table: tuple[ActionSpec, ...] = ACTIONS) -> None:
        super().__init__(window)
        self._translator = translator
        self._table = table
        self._actions: dict[str, QAction] = {}
        for spec in table:
            action = QAction(window)
            action.setObjectName(spec.action_id)
            action.setMenuRole(QAction.MenuRole.NoRole)
            if spec.shortcut:
                action.setShortcut(QKeySequence(spec.shortcut))
            window.addAction(action)
            self._actions[spec.action_id] = action
        translator.language_changed.connect(self.retranslate)
        self.retranslate()
        self.update(WindowState())

    def __getitem__(self, action_id: str) -> QAction:
        return self._actions[action_id]

    def all(self) -> list[QAction]:
        """Every action in the table's order."""
        return list(self._actions.values())

    def connect_all(self, slots: dict[str, Callable[[], None]]) -> None:
        """Connect each action to its slot. Raises KeyError where an id is unknown or an action has no slot."""
        for action_id in self._actions.keys() - slots.keys():
            raise KeyError(action_id)
        for action_id, slot in slots.items():
            self._actions[action_id].triggered.connect(lambda _checked=False, run=slot: run())

    def update(self, state: WindowState) -> None:
        """Enable what can be done now."""
        for spec in self._table:
            self._actions[spec.action_id].setEnabled(spec.enabled_when(state))

    def fill_menu(self, menu: QMenu, name: str) -> None:
        """Add the actions of one menu of the table."""
        for spec in self._table:
            if spec.menu == name:
                menu.addAction(self._actions[spec.action_id])

    def retranslate(self) -> None:
        """Set every title again."""
        for action_id, action in self._actions.items():
            action.setText(self._translator.tr(f"gui.action.{action_id}"))
