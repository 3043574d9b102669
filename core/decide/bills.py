"""What each measured system costs a month under the study's profiles: the bill with its draws."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

import numpy as np

from core.decide import cost
from core.decide.assumptions import prices_of
from core.decide.draws import Draws, from_array
from core.decide.outcome import CostFigures, CostPart, Interval, message
from core.decide.systems import SharedRows, System
from core.decide.usage import Answered, Usage, everything, usage_of
from core.domain import BoolArray, FloatArray, PolicyKind
from core.prices import ApiPrice
from core.spec import Api, Candidate, SelfHosted, Study


@dataclass(frozen=True, eq=False)
class Bill:
    """A month's money with its draws, and its parts; without them, `lacks` says which figure is missing."""

    monthly: Draws | None
    parts: tuple[CostPart, ...] = ()
    replicas: int | None = None
    lacks: Literal["no_price", "no_tokens", "no_throughput"] = "no_throughput"


UNBILLED = Bill(None)


@dataclass(frozen=True, eq=False)
class Pricing:
    """The study's profiles with their prices resolved. `on` is the day at which listed prices are taken."""

    study: Study
    prices: dict[str, ApiPrice]
    on: date | None

    @property
    def monthly_requests(self) -> float:
        """Requests a month."""
        return self.study.criteria.cost.monthly_requests

    def profile_name(self, candidate: Candidate) -> str:
        """The name of a candidate's profile; a study's only profile serves all."""
        return candidate.profile if candidate.profile is not None else next(iter(self.study.profiles))


@dataclass(frozen=True, eq=False)
class Paths:
    """Which rows each model of a hybrid answers."""

    teacher: Answered
    student: Answered


def paths_of(sent: BoolArray, kind: PolicyKind) -> Paths:
    """The rows that each model answers where those of `sent`, shape (rows,), go to the teacher: in a cascade the
    student answers all of them first, behind a router only the others. Its answers stand where nothing is sent."""
    strong = sent.astype(np.float64)
    weak = 1.0 - strong
    return Paths(Answered(strong, strong), Answered(np.ones_like(strong) if kind is PolicyKind.CASCADE else weak, weak))


@dataclass(frozen=True, eq=False)
class Used:
    """What each model of a hybrid takes to answer its rows: with draws for one bill, or one figure for each point of a
    curve."""

    teacher: Usage
    student: Usage


def used_of(shared: SharedRows, teacher: System, student: System, paths: Paths) -> Used:
    """What the two models take where they answer the rows of `paths`."""
    return Used(usage_of(shared, teacher, paths.teacher), usage_of(shared, student, paths.student))


def pricing_of(study: Study, on: date | None) -> Pricing:
    """The study with its vendors' prices."""
    return Pricing(study, prices_of(study, on).known, on)


def bill_alone(pricing: Pricing, shared: SharedRows, candidate: Candidate, system: System) -> Bill:
    """The bill of one model that answers every request."""
    usage = usage_of(shared, system, everything(shared))
    return bill_of(pricing, shared, [_serving(pricing, candidate, system, usage)])


def hybrid_parts(
    pricing: Pricing,
    teacher: tuple[Candidate, System],
    student: tuple[Candidate, System],
    used: Used,
    score_seconds: float,
) -> list[cost.Serving]:
    """What serves a hybrid whose models take `used`. Models on one profile share its machines; scoring is the work of a
    machine of the hybrid's own, the student's first."""
    first = _serving(pricing, *student, used.student)
    second = _serving(pricing, *teacher, used.teacher)
    if isinstance(first.profile, SelfHosted):
        first = replace(first, extra_seconds=first.extra_seconds + score_seconds)
    else:
        second = replace(second, extra_seconds=second.extra_seconds + score_seconds)
    return [first, second]


def money_of(pricing: Pricing, parts: list[cost.Serving]) -> FloatArray | None:
    """The month's money of what serves, one figure for each of its shares, and nothing else of its bill: a policy asks
    for it at all points of its curve at once."""
    found = cost.monthly_bill(parts, pricing.monthly_requests)
    return None if found is None else np.asarray(found.total, dtype=np.float64)


def cost_figures(
    study: Study,
    bill: Bill,
    success: Draws,
    one_off: float | None,
    one_off_labels: float | None = None,
    one_off_judging: float | None = None,
) -> CostFigures:
    """The cost as shown; `one_off_labels` and `one_off_judging` are parts of `one_off`. A bill without money has a
    reason."""
    currency = study.criteria.cost.currency
    if bill.monthly is None:
        reason = message(f"decide.cost.{bill.lacks}")
        paid = CostFigures(currency, None, None, None, one_off, one_off_labels, one_off_judging)
        return replace(paid, reason=reason)
    requests = study.criteria.cost.monthly_requests
    monthly = bill.monthly
    per_million = Draws(
        cost.per_million_requests(monthly.value, requests), cost.per_million_requests(monthly.draws, requests)
    )
    budget = study.criteria.cost.monthly_budget
    return CostFigures(
        currency=currency,
        monthly=monthly.interval,
        per_million_requests=per_million.interval,
        per_success=per_success_interval(monthly, success, requests),
        one_off=one_off,
        one_off_labels=one_off_labels,
        one_off_judging=one_off_judging,
        parts=bill.parts,
        replicas=bill.replicas,
        probability_within_budget=None if budget is None else monthly.probability_at_most(budget),
    )


def per_success_interval(monthly: Draws, success: Draws, requests: float) -> Interval | None:
    """Money for one right answer with its interval; null where nothing is right."""
    value = cost.per_success(monthly.value / requests, success.value)
    if value is None:
        return None
    some = success.draws > 0.0
    if not some.all():
        return Interval(value)
    return Draws(value, monthly.draws / requests / success.draws).interval


def _serving(pricing: Pricing, candidate: Candidate, system: System, usage: Usage) -> cost.Serving:
    """One model's part in serving; its figures have the shape of those of `usage`."""
    name = pricing.profile_name(candidate)
    profile = pricing.study.profiles[name]
    if isinstance(profile, SelfHosted):
        again = system.second
        if again is None:
            return cost.Serving(name, profile, usage.share, system.requests_per_second)
        return cost.Serving(name, profile, usage.share, again.first_per_second, extra_seconds=usage.second_seconds)
    price = pricing.prices.get(name)
    if price is None:
        spread: FloatArray | None = None
    elif price.per_million_requests is not None:
        spread = (usage.share + usage.second) * (price.per_million_requests / cost.MILLION)
    else:
        spread = cost.api_cost_per_request(price, usage.input_tokens, usage.output_tokens)
    return cost.Serving(name, profile, usage.share, per_request=spread)


def bill_of(pricing: Pricing, shared: SharedRows, parts: list[cost.Serving]) -> Bill:
    """The month's bill of what serves, with its draws."""
    found = cost.monthly_bill(parts, pricing.monthly_requests)
    if found is None:
        return Bill(None, lacks=_lacks(pricing, parts))
    total = np.broadcast_to(np.asarray(found.total, dtype=np.float64), (len(shared.weights),))
    count = len(shared.weights) - 1
    lines = {name: _point(getattr(found, name)) for name in ("hardware", "energy", "staff", "software", "vendor")}
    machines = _point(found.replicas)
    return Bill(
        monthly=from_array(total[0], total[1:], count),
        parts=tuple(CostPart(f"decide.cost_part.{name}", value) for name, value in lines.items() if value > 0.0),
        replicas=round(machines) if machines > 0.0 else None,
    )


def _lacks(pricing: Pricing, parts: list[cost.Serving]) -> Literal["no_price", "no_tokens", "no_throughput"]:
    unpriced = [part for part in parts if isinstance(part.profile, Api) and part.per_request is None]
    if any(part.profile_name not in pricing.prices for part in unpriced):
        return "no_price"
    return "no_tokens" if unpriced else "no_throughput"


def _point(figure: float | FloatArray) -> float:
    return float(np.asarray(figure, dtype=np.float64).reshape(-1)[0])
