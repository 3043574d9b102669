"""Latency samples of single requests: as timed or imported, and with second requests for answers that failed checks."""

from __future__ import annotations

from typing import Literal

import numpy as np

from core.domain import FloatArray
from core.evidence import ScoredRows
from core.jobs.results import RuntimeFigures


def with_second_requests(samples: FloatArray, share: float, second_ms: FloatArray) -> FloatArray:
    """Latency samples, milliseconds, of requests of which a share is followed by a second one, for an answer that
    failed its checks; `second_ms` are times of such.

    The timing pass times the first alone, so the second's time is added to as many samples, evenly over their range and
    slow ones to slow ones, which makes the tail rather too long than too short.
    """
    count = round(share * len(samples))
    if count == 0 or len(second_ms) == 0:
        return samples
    levels = (np.arange(count) + 0.5) / count
    both = np.sort(samples)
    both[(levels * len(samples)).astype(np.int64)] += np.quantile(second_ms, levels)
    return both


def latency_samples(
    timed: RuntimeFigures | None, rows: ScoredRows
) -> tuple[FloatArray | None, Literal["timed", "predictions"]]:
    """The samples, milliseconds, null where there are none, and whether they were timed or came with predictions."""
    if timed is not None:
        return np.asarray(timed.latency.milliseconds, dtype=np.float64), "timed"
    if rows.latency_ms is None:
        return None, "predictions"
    known = rows.latency_ms[np.isfinite(rows.latency_ms)]
    return (known if len(known) else None), "predictions"
