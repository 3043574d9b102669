"""What labelling will cost before the first request goes out."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from core.engines.language.answer_store import AnswerStore
from core.engines.language.labelling import LabelRows

_MILLION = 1_000_000.0
# A token of English is some four characters, one of Chinese about one; and a chat template adds some tokens of its own.
_CHARACTERS_PER_TOKEN = 4.0
_TEMPLATE_TOKENS = 16.0
# Tokens of a label that a model writes, where nothing was measured yet.
_LABEL_TOKENS = 8.0


@dataclass(frozen=True)
class LabelEstimate:
    """Requests still to be sent and their tokens. `measured_rows` is how many earlier answers the tokens are scaled
    by; 0 means that they are guessed from characters. `most_output_tokens` is what the limit of an answer allows."""

    requests: int
    input_tokens: float
    output_tokens: float
    most_output_tokens: int
    measured_rows: int

    def money(self, per_million_input_tokens: float, per_million_output_tokens: float) -> float:
        """The expected price, in the currency of the prices."""
        tokens = self.input_tokens * per_million_input_tokens + self.output_tokens * per_million_output_tokens
        return tokens / _MILLION

    def most_money(self, per_million_input_tokens: float, per_million_output_tokens: float) -> float:
        """The price where every answer is as long as its limit allows."""
        most = LabelEstimate(self.requests, self.input_tokens, self.most_output_tokens, self.most_output_tokens, 0)
        return most.money(per_million_input_tokens, per_million_output_tokens)


def estimate(rows: LabelRows, keys: Sequence[str], store: AnswerStore) -> LabelEstimate:
    """What the rows without an answer in `store` will take; `keys` name the answers to `rows.messages`.

    Input tokens are those that the endpoint counted per character of earlier messages, output tokens the mean of
    earlier answers, where there are any.
    """
    missing = [message for message, key in zip(rows.messages, keys, strict=True) if key not in store]
    limit = rows.task.max_output_tokens
    per_weight, per_answer, measured = _measured(zip(rows.messages, keys, strict=True), store)
    inputs = (per_weight or 1.0) * sum(_weight(message) + _TEMPLATE_TOKENS for message in missing)
    guessed = min(_LABEL_TOKENS, limit) if rows.labels else float(limit)
    outputs = len(missing) * (guessed if per_answer is None else per_answer)
    return LabelEstimate(len(missing), inputs, outputs, len(missing) * limit, measured)


def _measured(messages: Iterable[tuple[str, str]], store: AnswerStore) -> tuple[float | None, float | None, int]:
    """Counted tokens over guessed ones, the mean length of an answer, and of how many answers."""
    counted = guessed = written = 0.0
    rows = 0
    for message, key in messages:
        said = store.get(key).generation if key in store else None
        if said is not None and said.input_tokens is not None and said.output_tokens is not None:
            counted, guessed = counted + said.input_tokens, guessed + _weight(message) + _TEMPLATE_TOKENS
            written, rows = written + said.output_tokens, rows + 1
    return (counted / guessed, written / rows, rows) if rows else (None, None, 0)


def _weight(message: str) -> float:
    """Tokens as guessed from characters."""
    wide = sum(ord(character) > 0x2E7F for character in message)
    return math.ceil((len(message) - wide) / _CHARACTERS_PER_TOKEN) + wide
