"""Load tests in figures: when requests arrive, and where more of them at once serve no more.

Latency counts from the moment at which a request was due, so that a stall is not hidden by the requests that a waiting
client does not send meanwhile (Tene, "How NOT to measure latency", 2013: coordinated omission).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Literal

import numpy as np

# The next level serves less than this share more: the one before is the saturation point.
SATURATION_GAIN = 0.10


def saturation_point(rates: Sequence[float]) -> int | None:
    """The place of the first level whose successor serves less than 10 % more requests per second; null where every
    level still gained."""
    for place, (rate, following) in enumerate(itertools.pairwise(rates)):
        if following < rate * (1.0 + SATURATION_GAIN):
            return place
    return None


def arrival_times(rate: float, count: int, arrivals: Literal["poisson", "constant"], seed: int) -> list[float]:
    """Seconds after the start at which `count` requests are due, `rate` a second: evenly, or with exponential gaps.

    The gaps are stretched to the whole time that the rate gives them, which leaves the moments between random (those of
    a Poisson process whose last arrival is known): 300 drawn gaps alone would miss the rate by 6 % on average, and near
    saturation the waits by far more.
    """
    if arrivals == "constant" or count == 1:
        return [place / rate for place in range(count)]
    gaps = np.random.default_rng(seed).exponential(size=count - 1)
    moments = np.cumsum(gaps) * ((count - 1) / rate / gaps.sum())
    return [0.0, *(float(moment) for moment in moments)]


def goodput(requests_per_second: float, met: Sequence[bool]) -> float:
    """Answers per second that meet every limit; `met` tells it of each answered request."""
    return requests_per_second * sum(met) / len(met) if met else 0.0
