"""What a search knows of a student in one of its forms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

PLAIN = "none"
"""The form of a student as it was trained."""


@dataclass(frozen=True)
class Speed:
    """Requests a second in batches of 32, and the 95th percentile of single requests; null below 59 of them."""

    requests_per_second: float
    p95_latency_ms: float | None


@dataclass(frozen=True)
class Figures:
    """A student in one form, as measured; `output_tokens` are those of a mean answer, null where none is written."""

    quality: float
    speed: Speed
    model_size_mib: float
    output_tokens: float | None = None


KnownSpeed = Callable[[float | None], Speed | None]
"""What was measured of a student that does the same arithmetic, given the tokens of a mean answer; null where none was.
"""
