"""What a search knows of a student in one of its forms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from core.metrics.percentiles import percentiles

PLAIN = "none"
"""The form of a student as it was trained."""


@dataclass(frozen=True)
class Speed:
    """Short timings of a student: the requests a second of each in batches of 32, and milliseconds of single requests
    of all of them."""

    rates: tuple[float, ...]
    milliseconds: tuple[float, ...] = ()

    @cached_property
    def requests_per_second(self) -> float:
        """The median."""
        return float(np.median(self.rates))

    @cached_property
    def spread(self) -> tuple[float, float]:
        """The quartiles of the rates: half of the timings lie between them, however long one of them was disturbed."""
        low, high = np.quantile(self.rates, [0.25, 0.75])
        return float(low), float(high)

    @cached_property
    def p95_latency_ms(self) -> float | None:
        """The 95th percentile of single requests; null below 59 of them."""
        return percentiles(self.milliseconds).p95 if self.milliseconds else None


@dataclass(frozen=True)
class Figures:
    """A student in one form, as measured; `output_tokens` are those of a mean answer, null where none is written."""

    quality: float
    speed: Speed
    model_size_mib: float
    output_tokens: float | None = None


Turns = Callable[[float | None], int]
"""In how many short turns a student is to be timed, given the tokens of a mean answer; null where none is written."""
