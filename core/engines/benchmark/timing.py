"""Latency of single requests, then throughput of batches, on the monotonic clock; tokenisation is part of both."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.engines.benchmark import plan
from core.engines.models import Classifier


@dataclass(frozen=True)
class Latency:
    """Milliseconds of single requests in their order, and the place of each one's most probable class."""

    milliseconds: tuple[float, ...]
    classes: tuple[int, ...]


def warm_up(classifier: Classifier, requests: Sequence[str]) -> None:
    """Requests that are not counted, and one batch."""
    for request in requests[: plan.WARM_UP_REQUESTS]:
        classifier.probabilities([request])
    classifier.probabilities(requests[: plan.BATCH_ROWS])


def single_requests(classifier: Classifier, requests: Sequence[str]) -> Latency:
    """One request at a time, each as soon as the one before is answered."""
    milliseconds: list[float] = []
    classes: list[int] = []
    begun = time.monotonic()
    for request in requests:
        start = time.perf_counter()
        answer = classifier.probabilities([request])
        milliseconds.append((time.perf_counter() - start) * 1000)
        classes.append(int(answer[0].argmax()))
        if _enough(len(milliseconds), time.monotonic() - begun):
            break
    return Latency(tuple(milliseconds), tuple(classes))


def _enough(requests: int, seconds: float) -> bool:
    long_enough = seconds >= plan.SINGLE_SECONDS and requests >= plan.SINGLE_REQUESTS_AT_LEAST
    return long_enough or seconds >= plan.SINGLE_SECONDS_AT_MOST


def coefficient_of_variation(classifier: Classifier, request: str) -> float:
    """Standard deviation over mean of the latency of one request, repeated."""
    latency = single_requests(classifier, [request] * plan.REPEATED_REQUESTS).milliseconds
    return float(np.std(latency) / np.mean(latency))


def requests_per_second(classifier: Classifier, requests: Sequence[str]) -> tuple[float, int]:
    """The median over passes of rows per second in batches of 32, and how many rows were answered.

    Rows stand in their random order, as requests arrive, and not sorted by length: a server cannot choose them.
    """
    rows = _fill(requests, plan.BATCH_ROWS * plan.THROUGHPUT_BATCHES)
    batches = [rows[begin : begin + plan.BATCH_ROWS] for begin in range(0, len(rows), plan.BATCH_ROWS)]
    rates: list[float] = []
    begun = time.monotonic()
    while not _passes_done(len(rates), time.monotonic() - begun):
        start = time.perf_counter()
        for batch in batches:
            classifier.probabilities(batch)
        rates.append(len(rows) / (time.perf_counter() - start))
    return float(np.median(rates)), len(rates) * len(rows)


def _passes_done(passes: int, seconds: float) -> bool:
    if passes == 0:
        return False
    repeated = passes >= plan.THROUGHPUT_PASSES and seconds >= plan.THROUGHPUT_SECONDS_AT_LEAST
    return repeated or seconds >= plan.THROUGHPUT_SECONDS


def _fill(requests: Sequence[str], count: int) -> list[str]:
    return [requests[place % len(requests)] for place in range(count)]
