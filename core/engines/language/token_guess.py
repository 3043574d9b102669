"""Tokens of messages and answers before an endpoint has counted them."""

from __future__ import annotations

import math

from core.engines.language.generator import Generation
from core.engines.language.question import Message, pictures_of, text_of

# A token of English is some four characters, one of Chinese about one; and a chat template adds some tokens of its own.
CHARACTERS_PER_TOKEN = 4.0
_TEMPLATE_TOKENS = 16.0
# Tokens of a label that a model writes, where nothing was measured yet.
_LABEL_TOKENS = 8.0
# A picture of some megapixels; vendors count from 85 to some 1,500.
PICTURE_TOKENS = 1000.0


class TokenGuess:
    """Guesses tokens from characters, scaled by what the endpoint counted of earlier messages, and takes an answer to
    be as long as earlier ones. `rows` is how many answers it has learnt from.

    Before the first answer one that names a label, or a verdict, has eight tokens, any other one as many as its limit
    allows.
    """

    def __init__(self, max_output_tokens: int, names_labels: bool) -> None:
        self._unmeasured = min(_LABEL_TOKENS, max_output_tokens) if names_labels else float(max_output_tokens)
        self._counted = self._guessed = self._written = 0.0
        self.rows = 0

    def learn(self, message: Message, said: Generation) -> None:
        """Take in what the endpoint counted of a message and its answer, where it did."""
        if said.input_tokens is not None and said.output_tokens is not None:
            self._counted += said.input_tokens
            self._guessed += _weight(message)
            self._written += said.output_tokens
            self.rows += 1

    def input_tokens(self, message: Message) -> float:
        """The tokens of a message that is to be sent."""
        return _weight(message) * (self._counted / self._guessed if self._counted else 1.0)

    @property
    def output_tokens(self) -> float:
        """The tokens of an answer, reasoning included."""
        return self._written / self.rows if self.rows else self._unmeasured


def _weight(message: Message) -> float:
    """Tokens as guessed from characters and pictures alone."""
    shown = PICTURE_TOKENS * len(pictures_of(message))
    return text_tokens(text_of(message)) + shown + _TEMPLATE_TOKENS


def filler(tokens: int) -> str:
    """A text that is guessed to have so many tokens, in one sentence: it stands for one that is not there yet."""
    return ("word" * tokens)[: int(tokens * CHARACTERS_PER_TOKEN)]


def text_tokens(text: str) -> float:
    """Tokens of a text as guessed from its characters."""
    wide = sum(ord(character) > 0x2E7F for character in text)
    return float(math.ceil((len(text) - wide) / CHARACTERS_PER_TOKEN) + wide)
