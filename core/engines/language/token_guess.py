"""Tokens of messages and answers before an endpoint has counted them."""

from __future__ import annotations

import math

from core.engines.language.generator import Generation

# A token of English is some four characters, one of Chinese about one; and a chat template adds some tokens of its own.
_CHARACTERS_PER_TOKEN = 4.0
_TEMPLATE_TOKENS = 16.0
# Tokens of a label that a model writes, where nothing was measured yet.
_LABEL_TOKENS = 8.0
# A picture of some megapixels; vendors count from 85 to some 1,500.
_PICTURE_TOKENS = 1000.0


class TokenGuess:
    """Guesses tokens from characters, scaled by what the endpoint counted of earlier messages, and takes an answer to
    be as long as earlier ones. `rows` is how many answers it has learnt from.

    While `pictures` is true, each message has one. Before the first answer one that names a label has eight tokens, any
    other one as many as its limit allows.
    """

    def __init__(self, max_output_tokens: int, names_labels: bool, pictures: bool = False) -> None:
        self.pictures = pictures
        self._unmeasured = min(_LABEL_TOKENS, max_output_tokens) if names_labels else float(max_output_tokens)
        self._counted = self._guessed = self._written = 0.0
        self.rows = 0

    def learn(self, message: str, said: Generation) -> None:
        """Take in what the endpoint counted of a message and its answer, where it did."""
        if said.input_tokens is not None and said.output_tokens is not None:
            self._counted += said.input_tokens
            self._guessed += self._weight(message)
            self._written += said.output_tokens
            self.rows += 1

    def input_tokens(self, message: str) -> float:
        """The tokens of a message that is to be sent."""
        return self._weight(message) * (self._counted / self._guessed if self._counted else 1.0)

    def _weight(self, message: str) -> float:
        return _weight(message) + (_PICTURE_TOKENS if self.pictures else 0.0)

    @property
    def output_tokens(self) -> float:
        """The tokens of an answer, reasoning included."""
        return self._written / self.rows if self.rows else self._unmeasured


def _weight(message: str) -> float:
    """Tokens as guessed from characters alone."""
    wide = sum(ord(character) > 0x2E7F for character in message)
    return math.ceil((len(message) - wide) / _CHARACTERS_PER_TOKEN) + wide + _TEMPLATE_TOKENS
