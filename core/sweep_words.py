"""The settings of one trial of a search, as words that any language can tell."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from core.i18n import Value, english, listed


def settings_words(settings: Mapping[str, Value], written: Callable[[float], str] = str) -> str:
    """The settings one after the other, by the study file's names; `written` writes a figure that is not whole."""
    return listed(english("sweep.setting", name=name, value=_told(value, written)) for name, value in settings.items())


def _told(setting: Value, written: Callable[[float], str]) -> Value:
    """A value, in words where it is no figure and no name."""
    if setting is None:
        return english("sweep.setting.all")
    if isinstance(setting, bool):
        return english("sweep.setting.yes" if setting else "sweep.setting.no")
    return written(setting) if isinstance(setting, float) else setting
