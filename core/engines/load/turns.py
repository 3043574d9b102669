"""Who sends which request when, within one level, and what came of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from core.engines.load.causes import Failure, causes_of
from core.engines.load.levels import Level
from core.jobs.results import LoadStep


@dataclass(frozen=True)
class Outcome:
    """One request: the moments at which it was due, sent and over, and at which the first token of a streamed answer
    came, in seconds of one clock; the milliseconds between its tokens and how many they are; and why it failed, null
    where it did not."""

    place: int
    due: float
    sent: float
    ended: float
    failure: Failure | None = None
    first: float | None = None
    between_ms: float | None = None
    tokens: int | None = None

    @property
    def answered(self) -> bool:
        """Whether an answer came."""
        return self.failure is None

    def milliseconds(self, moment: float) -> float:
        """How long after it was due."""
        return (moment - self.due) * 1000.0


class Turns:
    """Hands out the requests of a level in their order and collects their outcomes; safe for threads.

    In a closed loop a request is due when a client takes it, in an open one as scheduled, whoever is free then.
    """

    def __init__(self, level: Level, now: Callable[[], float] = time.perf_counter) -> None:
        self._level = level
        self._now = now
        self._lock = threading.Lock()
        self._next = 0
        self._begun = now()
        self._stopped: float | None = None
        self._outcomes: list[Outcome] = []

    def take(self) -> tuple[int, float] | None:
        """The place of the next request and the seconds to wait before it is due; null where no more is to be sent."""
        with self._lock:
            now = self._now()
            late = now - self._begun >= self._level.seconds and self._next >= self._level.least
            if self._stopped is not None or self._next >= self._level.requests or late:
                self._stopped = self._stopped or now
                return None
            place = self._next
            self._next += 1
        due = self._due(place)
        return place, 0.0 if due is None else due - now

    def stop(self) -> None:
        """Hand out nothing any more."""
        with self._lock:
            self._stopped = self._stopped or self._now()

    def over(
        self,
        place: int,
        sent: float,
        failure: Failure | None = None,
        ended: float | None = None,
        first: float | None = None,
        between_ms: float | None = None,
        tokens: int | None = None,
    ) -> None:
        """A request that was sent at `sent` is over, since now where `ended` is null: it failed, or the first of its
        `tokens` came at `first`, the others `between_ms` apart."""
        due = self._due(place)
        over = self._now() if ended is None else ended
        outcome = Outcome(place, sent if due is None else due, sent, over, failure, first, between_ms, tokens)
        with self._lock:
            self._outcomes.append(outcome)

    def _due(self, place: int) -> float | None:
        return None if self._level.due is None else self._begun + self._level.due[place]

    def step(self) -> LoadStep:
        """What the level showed, once all that was sent is over.

        Requests that were due but not sent before the time was up count as cut off, with their wait as latency, which
        would have been longer.
        """
        level, outcomes = self._level, sorted(self._outcomes, key=lambda one: one.place)
        counted = [one for one in outcomes if one.place >= level.warm_up]
        waits = [] if level.due is None else self._waits()
        answered = [one for one in counted if one.answered]
        within, seconds = self._within(outcomes, counted)
        return LoadStep(
            loop=level.loop,
            concurrency=level.clients,
            rate=level.rate,
            requests_per_second=len(within) / seconds if within else 0.0,
            latency_ms=tuple(one.milliseconds(one.ended) for one in answered),
            time_to_first_token_ms=_known([_until_first(one) for one in answered]),
            time_per_output_token_ms=_known([one.between_ms for one in answered]),
            cut_off_ms=tuple(waits),
            failed=len(counted) - len(answered),
            causes=causes_of(one.failure for one in counted if one.failure is not None),
            warm_up_requests=min(level.warm_up, len(outcomes)),
            seconds=seconds,
            output_tokens_per_second=_tokens_per_second(within, seconds),
        )

    def _waits(self) -> list[float]:
        """Milliseconds that each request had waited which was due and never sent."""
        stopped = self._now() if self._stopped is None else self._stopped
        due = [self._due(place) for place in range(max(self._next, self._level.warm_up), self._level.requests)]
        return [(stopped - moment) * 1000.0 for moment in due if moment is not None and moment < stopped]

    def _within(self, outcomes: list[Outcome], counted: list[Outcome]) -> tuple[list[Outcome], float]:
        """The answers that rates count, and the seconds that they are counted over.

        In a closed loop that is the time in which every client was busy: from the first answer to each client until the
        last request was sent. In an open loop it is from the first counted arrival until the last answer.
        """
        if not counted:
            return [], 0.0
        begin, end = min(one.due for one in counted), max(one.ended for one in counted)
        if self._level.due is None:
            ends = sorted(one.ended for one in outcomes)
            first, last = ends[min(self._level.clients, len(ends)) - 1], max(one.sent for one in outcomes)
            if last > first:
                return [one for one in outcomes if one.answered and first < one.ended <= last], last - first
        return [one for one in counted if one.answered], max(end - begin, 1e-9)


def _tokens_per_second(answers: list[Outcome], seconds: float) -> float | None:
    """Null where the tokens of some answer are not known."""
    known = [one.tokens for one in answers if one.tokens is not None]
    return sum(known) / seconds if known and len(known) == len(answers) else None


def _until_first(one: Outcome) -> float | None:
    return None if one.first is None else one.milliseconds(one.first)


def _known(times: list[float | None]) -> tuple[float | None, ...] | None:
    """A time of each answer; null where no answer has any."""
    return tuple(times) if any(time is not None for time in times) else None
