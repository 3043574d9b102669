"""The first answers of an endpoint: where none of them holds anything, more of them are not bought."""

from __future__ import annotations

from collections.abc import Callable

from core.engines.language.answer import Answer
from core.errors import UserError

HOPELESS_ANSWERS = 20
_NOT_GIVEN = ("failed", "too_long")


class FirstAnswers:
    """Holds answers without any text back until one has some: of a server that says nothing, nothing is kept as its
    answer, so that it is asked again once it is mended. `keep` is called with the name of each answer that counts."""

    def __init__(self, keep: Callable[[str, Answer], None]) -> None:
        self._keep = keep
        self._held: dict[str, tuple[str, Answer]] = {}
        self._any = False

    def trust(self) -> None:
        """Take every answer as it is: earlier ones were kept, so that some had text."""
        self._any = True

    def check_turn(self, key: str) -> None:
        """Raises UserError for an answer whose turn comes again while none has any text: all others are empty too."""
        if key in self._held:
            raise self._hopeless()

    def take(self, key: str, row: str, answer: Answer) -> bool:
        """Keep an answer to a row; false where it is held back. Raises UserError where twenty hold nothing."""
        said = answer.generation
        if said.finish_reason == "failed":
            return True
        if said.text.strip():
            self._any = True
            self._keep(key, answer)
            self._release()
        elif self._any:
            if said.finish_reason not in _NOT_GIVEN:
                self._keep(key, answer)
        else:
            self._held[key] = (row, answer)
            if len(self._held) >= HOPELESS_ANSWERS:
                raise self._hopeless()
            return False
        return True

    def _release(self) -> None:
        for key, (_, answer) in self._held.items():
            if answer.generation.finish_reason not in _NOT_GIVEN:
                self._keep(key, answer)
        self._held = {}

    def _hopeless(self) -> UserError:
        count = len(self._held)
        row, answer = next(reversed(self._held.values()))
        if answer.generation.finish_reason == "too_long":
            return UserError("label.none_fits", count=count, row=row)
        return UserError("label.none_said", count=count, row=row, finish=answer.generation.finish_reason)
