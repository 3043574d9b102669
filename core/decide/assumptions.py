"""The numbers that a decision rests on and that nobody measured: criteria, profiles and prices, each by its path."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from pydantic import BaseModel

from core.decide.outcome import Message, message
from core.domain import Role
from core.errors import UserError
from core.prices import ApiPrice, Assumption, origin_of, resolve_price
from core.spec import Api, PriceFromList, SelfHosted, Study

_UNITS = {
    "monthly_budget": "{currency}/month",
    "monthly_requests": "requests/month",
    "horizon_months": "months",
    "value_per_success": "{currency}",
    "p95_latency_ms": "ms",
    "time_to_first_token_ms": "ms",
    "time_per_output_token_ms": "ms",
    "min_quality": "share",
    "quality_margin": "share",
    "capex": "{currency}",
    "life_months": "months",
    "power_kw": "kW",
    "tariff": "{currency}/kWh",
    "power_usage_effectiveness": "ratio",
    "staff_month": "{currency}/month",
    "software_month": "{currency}/month",
    "peak_to_mean_load": "ratio",
    "memory_gib": "GiB",
    "per_million_input_tokens": "{currency}/M tokens",
    "per_million_output_tokens": "{currency}/M tokens",
    "per_million_requests": "{currency}/M requests",
}
_COST = ("monthly_requests", "monthly_budget", "value_per_success", "horizon_months")
_SERVICE = ("p95_latency_ms", "time_to_first_token_ms", "time_per_output_token_ms", "min_quality", "quality_margin")
_MACHINE = (
    "capex", "life_months", "power_kw", "tariff", "power_usage_effectiveness", "staff_month", "software_month",
    "peak_to_mean_load", "memory_gib",
)  # fmt: skip
_PRICE = ("per_million_input_tokens", "per_million_output_tokens", "per_million_requests")


@dataclass(frozen=True)
class Prices:
    """The vendors' prices by profile, and why those that are missing could not be resolved."""

    known: dict[str, ApiPrice]
    problems: tuple[UserError, ...]


def prices_of(study: Study, on: date | None) -> Prices:
    """The prices of the vendors that candidates use; `on` is the day at which listed prices are taken."""
    known: dict[str, ApiPrice] = {}
    problems = []
    for name in used_profiles(study):
        profile = study.profiles[name]
        if not isinstance(profile, Api):
            continue
        try:
            known[name] = resolve_price(name, profile, study.criteria.cost.currency, on)
        except UserError as problem:
            problems.append(problem)
    return Prices(known, tuple(problems))


def check_prices(study: Study) -> None:
    """Raises UserError where a price cannot be resolved, so that nobody measures for hours what cannot be priced."""
    for problem in prices_of(study, None).problems:
        raise problem


def assumptions_of(study: Study, on: date | None) -> tuple[Assumption, ...]:
    """Every assumption by its dotted path, as `--set` takes it: criteria first, then the profiles that are used.

    `on` is the day at which listed prices are taken; a price that cannot be resolved is none.
    """
    prices = prices_of(study, on).known
    found = _fields(study, study.criteria.cost, "criteria.cost", _COST)
    found += _fields(study, study.criteria.service, "criteria.service", _SERVICE)
    for name in used_profiles(study):
        profile = study.profiles[name]
        if isinstance(profile, SelfHosted):
            source, as_of = profile.source, profile.as_of
            found += _fields(study, profile, f"profiles.{name}", _MACHINE, source, as_of)
        elif name in prices:
            found += _prices(study, name, profile, prices[name])
    return tuple(found)


def used_profiles(study: Study) -> list[str]:
    """The names of the profiles that some candidate uses, in the study's order."""
    used = {
        candidate.profile if candidate.profile is not None else next(iter(study.profiles))
        for candidate in study.candidates
        if candidate.role is not Role.HYBRID
    }
    return [name for name in study.profiles if name in used]


def words_for(path: str) -> Message:
    """What an assumption is called, from its path: a profile's figures name the profile."""
    leaf = path.rsplit(".", 1)[-1]
    if path.startswith("profiles."):
        profile = path.removeprefix("profiles.").rsplit(".", 1)[0].removesuffix(".price")
        return message(f"decide.assumption.{leaf}", profile=profile)
    return message(f"decide.assumption.{leaf}")


def unit_of(study: Study, path: str) -> str:
    """The unit of an assumption, in the study's currency."""
    return _UNITS[path.rsplit(".", 1)[-1]].format(currency=study.criteria.cost.currency)


def _fields(
    study: Study,
    part: BaseModel,
    prefix: str,
    names: tuple[str, ...],
    source: str | None = None,
    as_of: date | None = None,
) -> list[Assumption]:
    """Source and date of a machine's figures stand for those that the study gives, not for defaults."""
    found = []
    for name in names:
        value = getattr(part, name)
        if value is None:
            continue
        path = f"{prefix}.{name}"
        origin = origin_of(part, name)
        told = (source, as_of) if origin == "user" else (None, None)
        found.append(Assumption(path, float(value), unit_of(study, path), *told, origin))
    return found


def _prices(study: Study, name: str, profile: Api, price: ApiPrice) -> list[Assumption]:
    listed = isinstance(profile.price, PriceFromList)
    found = []
    for field in _PRICE:
        value = getattr(price, field)
        if value is not None:
            path = f"profiles.{name}.price.{field}"
            unit = unit_of(study, path)
            found.append(Assumption(path, value, unit, price.source, price.as_of, "list" if listed else "user"))
    return found


def price_notes(study: Study, on: date | None) -> list[Message]:
    """What must be said of prices: those that cannot be resolved, those by the clock, and dearer long requests."""
    prices = prices_of(study, on)
    notes = [message(problem.code, **problem.values) for problem in prices.problems]
    for name, price in prices.known.items():
        if price.listed is not None and price.listed.by_the_clock:
            notes.append(message("decide.note.price_by_the_clock", profile=name, model=price.listed.model))
        if price.listed is not None and price.listed.tiered:
            notes.append(message("decide.note.price_tiered", profile=name, model=price.listed.model))
    return notes
