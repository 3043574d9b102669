"""What the composition root hands to every page: theme, words, background work, the open study."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gui.i18n import Translator
from gui.jobs.background import Background
from gui.theme import Theme

if TYPE_CHECKING:
    from gui.document import StudyDocument
    from gui.preferences import Preferences


@dataclass(frozen=True, eq=False)
class Context:
    """The services of one window. A page takes them as its first argument and keeps nothing global."""

    theme: Theme
    translator: Translator
    background: Background
    document: StudyDocument
    preferences: Preferences
