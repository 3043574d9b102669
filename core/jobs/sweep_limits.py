"""What the criteria let a student of a search cost: the limits that its trials are held against."""

from __future__ import annotations

import math

from core.decide.cost import energy_month, hardware_month, peak_requests_per_second
from core.jobs.specs import SweepLimits
from core.spec import Candidate, SelfHosted, Study


def sweep_limits(study: Study, candidate: Candidate) -> SweepLimits:
    """The limits of a candidate's search: service levels as stated, and the machine time of a request that keeps the
    monthly bill of the candidate's profile within the budget."""
    service = study.criteria.service
    return SweepLimits(
        p95_latency_ms=service.p95_latency_ms,
        min_quality=service.min_quality,
        machine_seconds_per_request=_machine_seconds(study, candidate),
    )


def _machine_seconds(study: Study, candidate: Candidate) -> float | None:
    """Machines that the budget pays for ÷ peak load (`core.decide.cost.monthly_bill`, solved for the throughput).

    Null without a budget or a machine of one's own; 0 where the budget pays for no machine.
    """
    cost, profile = study.criteria.cost, study.profile_of(candidate)
    if cost.monthly_budget is None or not isinstance(profile, SelfHosted):
        return None
    machine = hardware_month(profile) + energy_month(profile)
    left = cost.monthly_budget - profile.staff_month - profile.software_month
    if machine <= 0.0:
        return None if left >= 0.0 else 0.0
    machines = max(0.0, math.floor(left / machine + 1e-9))
    return machines / peak_requests_per_second(cost.monthly_requests, profile.peak_to_mean_load)
