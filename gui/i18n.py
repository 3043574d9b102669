"""The window's words: the catalogues of `core.i18n` in the language in force, switched live."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from PySide6.QtCore import QLibraryInfo, QLocale, QObject, QTranslator, Signal
from PySide6.QtWidgets import QApplication

from core.errors import UserError
from core.i18n import LANGUAGES, Stored, Value, translate, translate_text
from gui.formatting import Formats


class Translator(QObject):
    """Words by code. Widgets set their texts again on `language_changed`."""

    language_changed = Signal()

    def __init__(self, application: QApplication, language: str = "system") -> None:
        super().__init__(application)
        self._application = application
        self._qt_translator: QTranslator | None = None
        self._choice = language
        self._language = _resolve(language)
        self._load_qt_words()

    @property
    def choice(self) -> str:
        """What the user chose: `system` or a key of `core.i18n.LANGUAGES`."""
        return self._choice

    @property
    def language(self) -> str:
        """The language in force, a key of `core.i18n.LANGUAGES`."""
        return self._language

    def set_choice(self, choice: str) -> None:
        """Choose a language; takes effect at once. Raises KeyError for an unknown one."""
        language = _resolve(choice)
        self._choice = choice
        if language != self._language:
            self._language = language
            self._load_qt_words()
            self.language_changed.emit()

    def tr(self, code: str, **values: Value) -> str:  # type: ignore[override]  # the catalogue's signature
        """The text of a code in the language in force, filled with values. Raises KeyError for an unknown code."""
        return translate(self._language, code, **values)

    def stored(self, code: str | None, values: Mapping[str, Stored], text: str | None) -> str:
        """The text of a stored (code, values, English text) triple; the stored text where the code is unknown."""
        if code is None:
            return text or ""
        return translate_text(self._language, code, values, text or code)

    def error(self, error: Exception) -> str:
        """One sentence for an error: a UserError by its code, a bug by its type and message."""
        if isinstance(error, UserError):
            return " ".join(translate_text(self._language, error.code, error.values, error.text).split())
        return self.tr("gui.error.bug", kind=type(error).__name__, text=str(error) or "…")

    @property
    def formats(self) -> Formats:
        """Figures as text in the language in force."""
        return Formats(self._language)

    def duration(self, seconds: float) -> str:
        """A span as people say it: `41 s`, `2 min`, `3 h 10 min`."""
        if 0 <= seconds < 1:
            return self.tr("gui.time.under_a_second")
        whole = max(0, round(seconds))
        if whole < 90:
            return self.tr("gui.time.seconds", seconds=whole)
        minutes = round(whole / 60)
        if minutes < 90:
            return self.tr("gui.time.minutes", minutes=minutes)
        return self.tr("gui.time.hours", hours=minutes // 60, minutes=minutes % 60)

    def moment(self, at: datetime) -> str:
        """A point in time in local time, short: `24 Nov 2026, 14:05`."""
        local = at.astimezone()
        return self.tr(
            "gui.time.moment",
            day=local.day,
            month=self.tr(f"gui.month.{local.month}"),
            month_number=local.month,
            year=local.year,
            clock=local.strftime("%H:%M"),
        )

    def _load_qt_words(self) -> None:
        if self._qt_translator is not None:
            self._application.removeTranslator(self._qt_translator)
            self._qt_translator = None
        QLocale.setDefault(QLocale(self._language))
        folder = QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)
        translator = QTranslator(self)
        if translator.load(f"qtbase_{self._language}", folder):
            self._application.installTranslator(translator)
            self._qt_translator = translator


Words = Callable[[Translator], str]
"""What is told, in whichever language is in force when it is read."""


def words_of(code: str, **values: Value | Words) -> Words:
    """The text of a code, whose values may be words themselves."""

    def told(translator: Translator) -> str:
        filled = {name: value(translator) if callable(value) else value for name, value in values.items()}
        return translator.tr(code, **filled)

    return told


def words_of_error(error: Exception) -> Words:
    """One sentence for an error."""
    return lambda translator: translator.error(error)


def _resolve(choice: str) -> str:
    if choice != "system":
        if choice not in LANGUAGES:
            raise KeyError(choice)
        return choice
    return "zh_CN" if QLocale.system().language() == QLocale.Language.Chinese else "en"
