"""When the next request may go to an endpoint: its rate, its pauses after failures, its end after too many."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable

CONSECUTIVE_FAILURES = 20
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
# The draw of a pause's length, so that several clients do not come back at the same moment; no secret hangs on it.
_DRAW = random.Random()  # noqa: S311


class Pacing:
    """Lets requests go one by one.

    `requests_per_minute` spaces them evenly. After a failure all wait, longer from one to the next, and only one
    request is under way at a time until one succeeds: an endpoint in trouble is not pressed harder.
    """

    def __init__(
        self,
        requests_per_minute: float | None = None,
        *,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        first_pause_s: float | None = None,
    ) -> None:
        self._interval_s = 60.0 / requests_per_minute if requests_per_minute else 0.0
        self._now = now
        self._sleep = sleep
        self._first_pause_s = FIRST_PAUSE_S if first_pause_s is None else first_pause_s
        self._next_slot = 0.0
        self._paused_until = 0.0
        self._under_way = 0
        self._changed = asyncio.Condition()
        self.failures = 0

    async def enter(self) -> None:
        """Return when the next request may be sent; `leave` must follow it."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.failures == 0 or self._under_way == 0)
            self._under_way += 1
            slot = max(self._now(), self._next_slot)
            self._next_slot = slot + self._interval_s
        try:
            # A failure of another request may prolong the pause while this one waits.
            while (wait_s := max(slot, self._paused_until) - self._now()) > 0:
                await self._sleep(wait_s)
        except BaseException:
            await self.leave()
            raise

    async def leave(self) -> None:
        """The request has ended, one way or the other."""
        async with self._changed:
            self._under_way -= 1
            self._changed.notify_all()

    def succeeded(self) -> None:
        """The endpoint answers again."""
        self.failures = 0

    def failed(self, asked_wait_s: float | None = None) -> float:
        """Count a failure and let all wait: for `asked_wait_s` where the endpoint named a time, else longer than last
        time. Returns the seconds."""
        self.failures += 1
        longest = min(LONGEST_PAUSE_S, self._first_pause_s * 2.0 ** (self.failures - 1))
        pause_s = longest * (0.5 + 0.5 * _DRAW.random()) if asked_wait_s is None else asked_wait_s
        self._paused_until = max(self._paused_until, self._now() + pause_s)
        return pause_s

    @property
    def exhausted(self) -> bool:
        """Whether there were so many failures in a row that nothing more is to be sent."""
        return self.failures >= CONSECUTIVE_FAILURES
