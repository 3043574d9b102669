"""What a judge is asked: each message once, verdicts known from before taken as they are, new ones kept for ever."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from core.engines.language.answer import Answer
from core.engines.language.answer_store import AnswerStore, Asked
from core.engines.language.question import Message
from core.errors import UserError
from core.i18n import english
from core.worker.context import JobContext

PHASE = "phase.judge"
# Where none of so many first verdicts can be read, the judge or its prompt is wrong, and the rest would be bought in
# vain.
HOPELESS_VERDICTS = 20
_SHOWN_CHARACTERS = 80


class Hearing:
    """The messages of one judge job with the answers in `store`; `readable` says whether an answer holds a verdict on
    a message."""

    def __init__(
        self,
        messages: Sequence[Message],
        asked: Asked,
        store: AnswerStore,
        readable: Callable[[Message, str], bool],
        context: JobContext,
    ) -> None:
        self.messages = tuple(dict.fromkeys(messages))
        self._keys = {message: asked.key(message) for message in self.messages}
        self._store = store
        self._readable = readable
        self._context = context
        self._failed: dict[Message, Answer] = {}
        self.missing = [place for place, message in enumerate(self.messages) if self._keys[message] not in store]
        self.known = len(self.messages) - len(self.missing)
        self._heard = 0
        kept = [message for message in self.messages if self._keys[message] in store]
        self._any_readable = any(readable(message, self.answer(message).generation.text) for message in kept)
        self._begun = time.monotonic()

    def begin(self, device: str) -> None:
        """Say where the judge runs and what is known already. Raises UserError where that holds no verdict at all."""
        self._context.started(device, self.known)
        if self._store.damaged:
            path = str(self._store.path)
            self._context.log(english("label.log.damaged", count=self._store.damaged, path=path), "warning")
        if self.known:
            self._context.log(english("judge.log.kept", count=self.known, rows=len(self.messages)))
        self._context.progress(PHASE, self.known, len(self.messages))
        if self.missing and self.known >= HOPELESS_VERDICTS and not self._any_readable:
            first = next(message for message in self.messages if self._keys[message] in self._store)
            raise unreadable(self.answer(first).generation.text, self.known, self.known)

    def take(self, place: int, answer: Answer) -> None:
        """Keep the answer to a message: it counts once it is on the disk. One that the judge did not give is not kept.

        Raises UserError (disk.full), and where none of the first answers holds a verdict.
        """
        message = self.messages[place]
        if answer.generation.finish_reason in ("failed", "too_long"):
            self._failed[message] = answer
        else:
            self._store.put(self._keys[message], answer, self._context.spec.job_id)
        self._heard += 1
        self._any_readable = self._any_readable or self._readable(message, answer.generation.text)
        told = self.known + self._heard
        if told >= HOPELESS_VERDICTS and not self._any_readable:
            raise unreadable(answer.generation.text, told, told)
        left = len(self.missing) - self._heard
        speed = self._heard / max(time.monotonic() - self._begun, 1e-9)
        self._context.progress(PHASE, self.known + self._heard, len(self.messages), left / speed)

    @property
    def keys(self) -> list[str]:
        """The names of the answers to `messages`."""
        return list(self._keys.values())

    def answer(self, message: Message) -> Answer:
        """What the judge said to a message. Raises KeyError where it was not asked."""
        return self._failed.get(message) or self._store.get(self._keys[message])

    @property
    def bought(self) -> int:
        """How many answers this job asked for, attempts that were stopped included."""
        kept = [key for message, key in self._keys.items() if message not in self._failed]
        return sum(self._store.bought_by(key) == self._context.spec.job_id for key in kept)


def unreadable(text: str, count: int, verdicts: int) -> UserError:
    """The refusal of a judge whose answers hold no verdict, with one of them."""
    shown = " ".join(text.split())
    shown = shown if len(shown) <= _SHOWN_CHARACTERS else shown[: _SHOWN_CHARACTERS - 1] + "…"
    return UserError("judge.unreadable", count=count, verdicts=verdicts, text=shown or "–")
