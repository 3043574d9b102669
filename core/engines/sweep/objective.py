"""What a search looks for: the fastest student that keeps the quality and the limits; where there is none, the best.

One figure orders all trials: 1 + requests a second for a trial that keeps everything, its quality (0 to 1) for one that
does not. So every feasible trial stands above every infeasible one, feasible ones are ranked by speed and infeasible
ones by quality: the feasibility rules of Deb 2000, "An efficient constraint handling method for genetic algorithms",
section 3, with the shortfall of quality as the violation. A sampler that reads ranks only, as the tree-structured
Parzen estimator does (Bergstra and others 2011), needs no more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.jobs.results import TrialRecord
from core.jobs.specs import SweepLimits

# Qualities are shares of rows: less than this apart they are the same share, rounded differently.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Wanted:
    """What a student must keep: the limits of the criteria, and at least `quality` on the held-out rows."""

    limits: SweepLimits
    quality: float

    @property
    def least_quality(self) -> float:
        """The higher one of the teacher's share and the criteria's minimum."""
        return max(self.quality, self.limits.min_quality or 0.0)

    def kept_by(self, quality: float, requests_per_second: float, p95_latency_ms: float | None) -> bool:
        """Whether a student with these figures keeps everything; a latency without a bound keeps no limit."""
        limits = self.limits
        if quality < self.least_quality - _ROUNDING:
            return False
        if limits.p95_latency_ms is not None and (p95_latency_ms is None or p95_latency_ms > limits.p95_latency_ms):
            return False
        machine_s = limits.machine_seconds_per_request
        return machine_s is None or requests_per_second * machine_s >= 1.0


def rank_value(record: TrialRecord) -> float | None:
    """The figure that orders trials, the higher the better; null for a trial that was not measured."""
    if record.quality is None or record.requests_per_second is None:
        return None
    return 1.0 + record.requests_per_second if record.feasible else record.quality


def best_trial(records: Sequence[TrialRecord]) -> TrialRecord | None:
    """The best measured trial: of equally fast ones the better, then the smaller, then the earlier one; null without
    any."""
    measured = [record for record in records if rank_value(record) is not None]
    if not measured:
        return None
    return max(
        measured,
        key=lambda record: (
            rank_value(record) or 0.0,
            record.quality or 0.0,
            -(record.model_size_mib or 0.0),
            -record.number,
        ),
    )
