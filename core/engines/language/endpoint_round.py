"""The messages of one round of questions to an endpoint: which wait, which are under way, which failed once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from itertools import islice
from typing import Any

from core.engines.language.answer import Answer
from core.engines.language.question import Message
from core.errors import UserError

OnAnswer = Callable[[int, Answer], None]


class Round:
    """Runs `answer` for each message and hands each answer over with its message's place.

    A message whose answer is `failed` has a second chance after all others: what failed them may have passed. One that
    comes alone has none, for nothing passes meanwhile.
    """

    def __init__(
        self, messages: Sequence[Message], answer: Callable[[Message], Coroutine[Any, Any, Answer]], on_answer: OnAnswer
    ) -> None:
        self._messages = messages
        self._answer = answer
        self._on_answer = on_answer
        self._waiting = iter(range(len(messages)))
        self._failed: list[int] = []
        self._second = len(messages) == 1
        self._tasks: dict[asyncio.Task[Answer], int] = {}

    def start(self, most: int) -> bool:
        """Let up to `most` messages be under way; whether any is left to wait for."""
        self._fill(most)
        if not self._tasks and self._failed and not self._second:
            self._second = True
            self._waiting = iter(self._failed)
            self._fill(most)
        return bool(self._tasks)

    def _fill(self, most: int) -> None:
        for place in list(islice(self._waiting, max(0, most - len(self._tasks)))):
            self._tasks[asyncio.create_task(self._answer(self._messages[place]))] = place

    async def wait(self, seconds: float) -> None:
        """Wait until an answer is there, for so many seconds at most."""
        await asyncio.wait(self._tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)

    def hand_over(self) -> None:
        """Hand over all answers that are there, then raise the first error, if there was one."""
        errors: list[BaseException] = []
        for task in [task for task in self._tasks if task.done()]:
            place = self._tasks.pop(task)
            error = None if task.cancelled() else task.exception()
            if error is not None:
                errors.append(error)
            elif not task.cancelled():
                try:
                    self._take(place, task.result())
                except UserError as refusal:
                    errors.append(refusal)
        if errors:
            raise errors[0]

    def _take(self, place: int, answer: Answer) -> None:
        if answer.generation.finish_reason == "failed" and not self._second:
            self._failed.append(place)
        else:
            self._on_answer(place, answer)

    async def wait_for(self, paid: Callable[[asyncio.Task[Answer]], bool], seconds: float) -> None:
        """Drop what is not paid for, and hand over what is and comes within so many seconds.

        Raises the first error of what was still under way.
        """
        for task in self._tasks:
            if not task.done() and not paid(task):
                task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)
        self.hand_over()

    async def cancel(self) -> None:
        """Leave no task behind."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
