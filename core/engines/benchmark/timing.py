"""Latency of single requests, then throughput of batches, on the monotonic clock; tokenisation is part of both."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from core.engines.benchmark import plan
from core.engines.models import Classifier

AnswerT = TypeVar("AnswerT")


@dataclass(frozen=True)
class Latency:
    """Milliseconds of single requests in their order, and the place of each one's most probable class."""

    milliseconds: tuple[float, ...]
    classes: tuple[int, ...]


@dataclass(frozen=True)
class Turn:
    """One of several short timings: milliseconds of single requests, and rows per second in batches of 32."""

    milliseconds: tuple[float, ...]
    requests_per_second: float


@dataclass(frozen=True)
class Pass:
    """One pass over the batches: rows answered, tokens written (0 where nothing is), and how long it took."""

    rows: int
    tokens: int
    seconds: float


def warm_up(classifier: Classifier, requests: Sequence[str]) -> int:
    """Requests that are not counted, and one batch; how many single ones there were."""
    return warmed_up(classifier.probabilities, requests)


def single_requests(classifier: Classifier, requests: Sequence[str]) -> Latency:
    """One request at a time, each as soon as the one before is answered."""
    milliseconds, answers = answered_singly(classifier.probabilities, requests)
    return Latency(milliseconds, tuple(int(answer[0].argmax()) for answer in answers))


def coefficient_of_variation(classifier: Classifier, request: str) -> float:
    """Standard deviation over mean of the latency of one request, repeated."""
    return variation_of(classifier.probabilities, request)


def requests_per_second(classifier: Classifier, requests: Sequence[str]) -> tuple[float, int]:
    """The median over passes of rows per second in batches of 32, and how many rows were answered."""
    passes = answered_in_batches(classifier.probabilities, requests)
    return float(np.median([one.rows / one.seconds for one in passes])), sum(one.rows for one in passes)


def warmed_up(answer: Callable[[Sequence[str]], object], requests: Sequence[str]) -> int:
    """Answer requests that are not counted, and one batch; how many single ones there were. A slow model does less."""
    begun = time.monotonic()
    for count, request in enumerate(requests[: plan.WARM_UP_REQUESTS], start=1):
        answer([request])
        if time.monotonic() - begun >= plan.WARM_UP_SECONDS_AT_MOST:
            return count
    answer(requests[: plan.BATCH_ROWS])
    return min(len(requests), plan.WARM_UP_REQUESTS)


def answered_singly(
    answer: Callable[[Sequence[str]], AnswerT], requests: Sequence[str], turns: int = 1
) -> tuple[tuple[float, ...], list[AnswerT]]:
    """Milliseconds and answers of one request at a time, of as many as the time allows; in one of several `turns` that
    is a part of it."""
    milliseconds: list[float] = []
    answers: list[AnswerT] = []
    begun = time.monotonic()
    for request in requests:
        start = time.perf_counter()
        answers.append(answer([request]))
        milliseconds.append((time.perf_counter() - start) * 1000)
        if _enough(len(milliseconds), time.monotonic() - begun, turns):
            break
    return tuple(milliseconds), answers


def _enough(requests: int, seconds: float, turns: int) -> bool:
    long_enough = seconds >= plan.SINGLE_SECONDS / turns and requests >= plan.SINGLE_REQUESTS_AT_LEAST / turns
    return long_enough or seconds >= plan.SINGLE_SECONDS_AT_MOST / turns


def variation_of(answer: Callable[[Sequence[str]], object], request: str) -> float:
    """Standard deviation over mean of the latency of one request, repeated."""
    latency, _ = answered_singly(answer, [request] * plan.REPEATED_REQUESTS)
    return float(np.std(latency) / np.mean(latency))


def turn(answer: Callable[[Sequence[str]], object], requests: Sequence[str], number: int, turns: int) -> Turn:
    """The turn of this number of so many, which together take as long as one timing: some of the single requests, then
    the batches."""
    milliseconds, _ = answered_singly(answer, requests[number % turns :: turns], turns)
    batches, done = _batches(requests), Pass(0, 0, 0.0)
    while done.rows == 0 or done.seconds < plan.THROUGHPUT_SECONDS_AT_LEAST / turns:
        one = _pass(answer, batches, lambda answers: 0, plan.THROUGHPUT_SECONDS_AT_MOST / turns)
        done = Pass(done.rows + one.rows, 0, done.seconds + one.seconds)
    return Turn(milliseconds, done.rows / done.seconds)


def answered_in_batches(
    answer: Callable[[Sequence[str]], AnswerT],
    requests: Sequence[str],
    tokens_of: Callable[[AnswerT], int] = lambda answers: 0,
) -> list[Pass]:
    """Passes over batches of 32, at least one; a slow model's only pass ends early.

    `tokens_of` counts what was written. Rows stand in their random order, as requests arrive, and not sorted by length:
    a server cannot choose them.
    """
    batches = _batches(requests)
    passes: list[Pass] = []
    begun = time.monotonic()
    while not _passes_done(len(passes), time.monotonic() - begun):
        passes.append(_pass(answer, batches, tokens_of, plan.THROUGHPUT_SECONDS_AT_MOST))
    return passes


def _batches(requests: Sequence[str]) -> list[list[str]]:
    rows = [requests[place % len(requests)] for place in range(plan.BATCH_ROWS * plan.THROUGHPUT_BATCHES)]
    return [rows[begin : begin + plan.BATCH_ROWS] for begin in range(0, len(rows), plan.BATCH_ROWS)]


def _pass(
    answer: Callable[[Sequence[str]], AnswerT],
    batches: Sequence[Sequence[str]],
    tokens_of: Callable[[AnswerT], int],
    seconds_at_most: float,
) -> Pass:
    rows = tokens = 0
    start = time.perf_counter()
    for batch in batches:
        tokens += tokens_of(answer(batch))
        rows += len(batch)
        if time.perf_counter() - start >= seconds_at_most:
            break
    return Pass(rows, tokens, time.perf_counter() - start)


def _passes_done(passes: int, seconds: float) -> bool:
    if passes == 0:
        return False
    repeated = passes >= plan.THROUGHPUT_PASSES and seconds >= plan.THROUGHPUT_SECONDS_AT_LEAST
    return repeated or seconds >= plan.THROUGHPUT_SECONDS
