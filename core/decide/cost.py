"""Every cost formula: machines, vendors, routers and cascades, money per right answer, break-even.

Money is in the study's currency, a month has 730 hours, shares run from 0 to 1. Most functions take numbers or numpy
arrays of one shape and hand back the same.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from core.domain import FloatArray
from core.prices import ApiPrice
from core.spec import Api, SelfHosted

HOURS_PER_MONTH = 730.0
SECONDS_PER_HOUR = 3600.0
MILLION = 1_000_000.0

Figure = TypeVar("Figure", float, FloatArray)


@dataclass(frozen=True, eq=False)
class Serving:
    """One model's part in serving: where it runs, and which share of all requests it answers.

    `requests_per_second` is the measured throughput of one machine, for a self-hosted profile; `per_request` is what a
    vendor takes, spread over all requests, those that it does not see included. `share` and `per_request` may be arrays
    of one shape (draws of a bootstrap). `extra_seconds` is machine time that a request costs besides, a mean over all
    requests: scoring by a router, second requests.
    """

    profile_name: str
    profile: SelfHosted | Api
    share: float | FloatArray
    requests_per_second: float | None = None
    per_request: float | FloatArray | None = None
    extra_seconds: float | FloatArray = 0.0


@dataclass(frozen=True, eq=False)
class MonthlyBill:
    """What serving costs a month: machines (`hardware`, `energy`), `staff`, `software` and `vendor`, and the sum."""

    hardware: float | FloatArray
    energy: float | FloatArray
    staff: float
    software: float
    vendor: float | FloatArray
    replicas: float | FloatArray

    @property
    def total(self) -> float | FloatArray:
        """All parts together."""
        return self.hardware + self.energy + self.staff + self.software + self.vendor


def hardware_month(profile: SelfHosted) -> float:
    """One machine's purchase spread over its life, money per month."""
    return profile.capex / profile.life_months


def energy_month(profile: SelfHosted) -> float:
    """One machine's electricity, money per month: kW × power usage effectiveness × 730 h × tariff. Idle is not free."""
    return profile.power_kw * profile.power_usage_effectiveness * HOURS_PER_MONTH * profile.tariff


def machine_hour(profile: SelfHosted) -> float:
    """One hour of one machine with its share of staff and software: what an hour of training costs."""
    month = hardware_month(profile) + energy_month(profile) + profile.staff_month + profile.software_month
    return month / HOURS_PER_MONTH


def peak_requests_per_second(monthly_requests: float, peak_to_mean_load: float) -> float:
    """Requests per second in the busiest moment that the machines must bear."""
    return monthly_requests / (HOURS_PER_MONTH * SECONDS_PER_HOUR) * peak_to_mean_load


def replicas(busy_machines: float | FloatArray) -> float | FloatArray:
    """Whole machines for a load of `busy_machines` (peak load ÷ measured throughput): a step function, at least 1."""
    return np.maximum(1.0, np.ceil(np.asarray(busy_machines, dtype=np.float64) * (1.0 - 1e-12)))[()]


def monthly_bill(parts: Sequence[Serving], monthly_requests: float) -> MonthlyBill | None:
    """The month's bill of models that serve together; parts on one self-hosted profile share its machines.

    Machines multiply purchase and energy; staff and software are paid once a profile. Null where a part's throughput
    or price is not known: a local run never costs a silent 0.
    """
    hardware: float | FloatArray = 0.0
    energy: float | FloatArray = 0.0
    vendor: float | FloatArray = 0.0
    machines: float | FloatArray = 0.0
    staff = software = 0.0
    for name in sorted({part.profile_name for part in parts}):
        sharing = [part for part in parts if part.profile_name == name]
        profile = sharing[0].profile
        if isinstance(profile, Api):
            for part in sharing:
                if part.per_request is None:
                    return None
                vendor = vendor + part.per_request * monthly_requests
            continue
        busy = _busy_machines(sharing, peak_requests_per_second(monthly_requests, profile.peak_to_mean_load))
        if busy is None:
            return None
        count = replicas(busy)
        machines = machines + count
        hardware = hardware + count * hardware_month(profile)
        energy = energy + count * energy_month(profile)
        staff += profile.staff_month
        software += profile.software_month
    return MonthlyBill(hardware, energy, staff, software, vendor, machines)


def _busy_machines(parts: Sequence[Serving], peak: float) -> float | FloatArray | None:
    """Peak load times the machine seconds of one request, summed over the models that share the machines."""
    seconds: float | FloatArray = 0.0
    for part in parts:
        if part.requests_per_second is None or part.requests_per_second <= 0.0:
            return None
        seconds = seconds + part.share / part.requests_per_second + part.extra_seconds
    return peak * seconds


def api_cost_per_request(price: ApiPrice, input_tokens: Figure | None, output_tokens: Figure | None) -> Figure | None:
    """What a vendor takes by the token for one request of so many; null where the price or the tokens are unknown."""
    if price.per_million_input_tokens is None or price.per_million_output_tokens is None:
        return None
    if input_tokens is None or output_tokens is None:
        return None
    return (input_tokens * price.per_million_input_tokens + output_tokens * price.per_million_output_tokens) / MILLION


def router_cost(strong_share: Figure, router: float, student: float, teacher: float) -> Figure:
    """Cost of one request behind a router, which scores each and sends it to one model: C_r + (1−p)·C_s + p·C_t."""
    return router + (1.0 - strong_share) * student + strong_share * teacher


def cascade_cost(strong_share: Figure, verify: float, student: float, teacher: float) -> Figure:
    """Cost of one request of a cascade, where the student always answers first: C_s + C_verify + p·C_t."""
    return student + verify + strong_share * teacher


def cascade_pays(strong_share: float, verify: float, student: float, teacher: float) -> bool:
    """Whether a cascade is cheaper than the teacher alone: p < 1 − (C_s + C_verify) ÷ C_t."""
    return teacher > 0.0 and strong_share < 1.0 - (student + verify) / teacher


def per_million_requests(monthly: Figure, monthly_requests: float) -> Figure:
    """Money per million requests at the stated load."""
    return monthly / monthly_requests * MILLION


def per_success(cost_per_request: float, success_rate: float) -> float | None:
    """Money for one right answer: cost ÷ success rate. Null where nothing is right."""
    return cost_per_request / success_rate if success_rate > 0.0 else None


def cost_benefit(quality: float, cost: float) -> float | None:
    """The base formula, model performance ÷ inference cost. Null where the cost is 0."""
    return quality / cost if cost > 0.0 else None


def per_million_tokens(hourly: float, tokens_per_second: float, utilisation: float = 1.0) -> float:
    """Money per million tokens of a machine paid by the hour that works for the share `utilisation` of its time."""
    return hourly / (tokens_per_second * utilisation * SECONDS_PER_HOUR) * MILLION


def saving(before: float, after: float) -> float:
    """The share of a cost that is saved."""
    return 1.0 - after / before


def break_even_volume(one_off: float, saving_per_unit: float) -> float | None:
    """How many units (requests, tokens) pay a one-off back; null means never."""
    if one_off <= 0.0:
        return 0.0 if saving_per_unit > 0.0 else None
    volume = one_off / saving_per_unit if saving_per_unit > 0.0 else math.inf
    return volume if math.isfinite(volume) else None


def break_even_months(volume: float | None, monthly_volume: float) -> float | None:
    """After how many months at so many units a month a one-off is paid back; null means never."""
    return None if volume is None else volume / monthly_volume
