"""The user's settings as the window sees them: read once, written on each change."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from core import settings as storage
from core.settings import Settings


class Preferences(QObject):
    """Settings with a signal. `changed` fires after a change was stored; `problem` carries an OSError of storing it."""

    changed = Signal()
    problem = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._settings = storage.load()

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return self._settings

    def change(self, **values: Any) -> None:
        """Change some settings by name. Raises pydantic.ValidationError for a value that does not fit."""
        self._store(Settings.model_validate(self._settings.model_dump() | values))

    def add_recent(self, path: Path) -> None:
        """Note a study as the one opened last."""
        self._store(self._settings.with_recent(path.resolve()))

    def _store(self, settings: Settings) -> None:
        if settings == self._settings:
            return
        self._settings = settings
        try:
            storage.save(settings)
        except OSError as error:
            self.problem.emit(error)
        self.changed.emit()
