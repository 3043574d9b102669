"""What each measured system costs under the study's profiles: the bill, its draws, and what is paid once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

import numpy as np

from core.decide import cost
from core.decide.assumptions import prices_of
from core.decide.draws import Draws, from_array
from core.decide.outcome import CostFigures, CostPart, Interval, message
from core.decide.prices import ApiPrice
from core.decide.systems import Answered, SharedRows, System, everything, usage_of
from core.domain import BoolArray, FloatArray, PolicyKind, Role
from core.evidence import CandidateEvidence, StudyEvidence
from core.spec import Api, Candidate, CandidateModel, SelfHosted, Study, TeacherLayers


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
    student answers all of them first, behind a router only the others."""
    strong = sent.astype(np.float64)
    return Paths(Answered(strong), Answered(np.ones_like(strong) if kind is PolicyKind.CASCADE else 1.0 - strong))


def pricing_of(study: Study, on: date | None) -> Pricing:
    """The study with its vendors' prices."""
    return Pricing(study, prices_of(study, on).known, on)


def bill_alone(pricing: Pricing, shared: SharedRows, candidate: Candidate, system: System) -> Bill:
    """The bill of one model that answers every request."""
    return _bill(pricing, shared, [_serving(pricing, shared, candidate, system, everything(shared))])


def bill_hybrid(
    pricing: Pricing,
    shared: SharedRows,
    teacher: tuple[Candidate, System],
    student: tuple[Candidate, System],
    paths: Paths,
    score_seconds: float,
) -> Bill:
    """The bill of a hybrid whose models answer the rows of `paths`. Models on one profile share its machines; scoring
    is the work of a machine of the hybrid's own, the student's first."""
    first = _serving(pricing, shared, *student, paths.student)
    second = _serving(pricing, shared, *teacher, paths.teacher)
    if isinstance(first.profile, SelfHosted):
        first = replace(first, extra_seconds=score_seconds)
    else:
        second = replace(second, extra_seconds=score_seconds)
    return _bill(pricing, shared, [first, second])


def cost_figures(study: Study, bill: Bill, success: Draws, one_off: float | None) -> CostFigures:
    """The cost as shown. A bill without money has a reason instead."""
    currency = study.criteria.cost.currency
    if bill.monthly is None:
        return CostFigures(currency, None, None, None, one_off, reason=message(f"decide.cost.{bill.lacks}"))
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


def one_off(evidence: StudyEvidence, study: Study, name: str) -> float | None:
    """What is paid once, before the first request: machine time of training, compressing and measuring the candidate
    and all that it is made from. Null where a part was made elsewhere, or on a machine nobody priced."""
    own = study.candidate(name)
    measured = {name, own.teacher, own.student}
    total = 0.0
    for part in sorted(_lineage(study, name)):
        candidate, found = study.candidate(part), evidence.candidate(part)
        if candidate.role is Role.HYBRID:
            hour = _hybrid_hour(study, candidate)
            spent = None if found.route is None else found.route.seconds
        else:
            profile = study.profile_of(candidate)
            hour = cost.machine_hour(profile) if isinstance(profile, SelfHosted) else None
            spent = _seconds(found, measured=part in measured)
        if spent is None or (hour is None and spent > 0.0):
            return None
        total += spent / cost.SECONDS_PER_HOUR * (hour or 0.0)
    return total


def _hybrid_hour(study: Study, hybrid: Candidate) -> float | None:
    """A policy is fitted on a machine of the hybrid's own, where it has one."""
    profiles = [study.profile_of(study.candidate(name)) for name in (hybrid.student, hybrid.teacher) if name]
    return next((cost.machine_hour(profile) for profile in profiles if isinstance(profile, SelfHosted)), None)


def _seconds(candidate: CandidateEvidence, *, measured: bool) -> float | None:
    if candidate.benchmark is not None and candidate.benchmark.origin == "imported":
        return None
    parts = [candidate.training, candidate.compression, candidate.benchmark if measured else None]
    return sum(part.seconds for part in parts if part is not None)


def _lineage(study: Study, name: str) -> set[str]:
    """The candidate and all others that it is made from."""
    candidate = study.candidate(name)
    if candidate.role is Role.HYBRID:
        parts = [part for part in (candidate.teacher, candidate.student) if part is not None]
    else:
        parts = [candidate.model.name] if isinstance(candidate.model, CandidateModel) else []
        teacher = study.teacher_of(candidate)
        learns = study.training_of(candidate).method == "distill" or isinstance(candidate.model, TeacherLayers)
        if learns and teacher is not None:
            parts.append(teacher)
    found = {name}
    for part in parts:
        found |= _lineage(study, part)
    return found


def _serving(
    pricing: Pricing, shared: SharedRows, candidate: Candidate, system: System, answered: Answered
) -> cost.Serving:
    """One model's part in serving; its figures have the shape (1 + draws,)."""
    name = pricing.profile_name(candidate)
    profile = pricing.study.profiles[name]
    usage = usage_of(shared, system, answered)
    if isinstance(profile, SelfHosted):
        return cost.Serving(name, profile, usage.share, system.requests_per_second)
    price = pricing.prices.get(name)
    if price is None:
        spread: FloatArray | None = None
    elif price.per_million_requests is not None:
        spread = usage.share * (price.per_million_requests / cost.MILLION)
    else:
        spread = cost.api_cost_per_request(price, usage.input_tokens, usage.output_tokens)
    return cost.Serving(name, profile, usage.share, per_request=spread)


def _bill(pricing: Pricing, shared: SharedRows, parts: list[cost.Serving]) -> Bill:
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
