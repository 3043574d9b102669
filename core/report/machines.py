"""Devices and machines as stored beside each figure, the words around their names in the report's language."""

from __future__ import annotations

from core.decide.outcome import Message
from core.i18n import Sentence
from core.machine_words import device_words, machine_words
from core.report.model import Phrase


def device_phrase(stored: str) -> Phrase:
    """What a job ran on."""
    return _phrase(device_words(stored))


def machine_phrase(stored: str) -> Phrase:
    """Processor, memory and system."""
    return _phrase(machine_words(stored))


def _phrase(words: str) -> Phrase:
    return Message(words.code, dict(words.values), str(words)) if isinstance(words, Sentence) else words
