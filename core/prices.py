"""Assumptions: numbers that nobody measured, each with its unit, source and date, and the prices of profiles."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import lru_cache
from typing import Any, Literal

from pydantic import BaseModel

from core import lazy
from core.errors import UserError
from core.spec import Api, PriceFromList, PricePerRequest, PricePerToken

Origin = Literal["user", "default", "list"]
LIST_CURRENCY = "USD"
_UNDATED = date(9999, 12, 31)  # before anything is measured, the newest price of the list stands in


@dataclass(frozen=True)
class Assumption:
    """A number nobody measured, with its unit, source and date. `origin` says who set it."""

    name: str
    value: float
    unit: str
    source: str | None
    as_of: date | None
    origin: Origin


@dataclass(frozen=True)
class ListPrice:
    """One model's entry in the installed price list, money in USD per million tokens.

    `by_the_clock`: the vendor is cheaper at some hours; the price at noon UTC stands. `tiered`: long requests cost
    more; the price of short ones stands.
    """

    model: str
    provider: str
    per_million_input_tokens: float
    per_million_output_tokens: float
    version: str
    by_the_clock: bool
    tiered: bool

    @property
    def source(self) -> str:
        """Where the price comes from, with the version of the list."""
        return f"genai-prices {self.version}, {self.provider}/{self.model}"


@dataclass(frozen=True)
class ApiPrice:
    """What a vendor takes, in the study's currency: per million tokens, or per million requests.

    `listed` is the entry of the price list that it was taken from, null for a price by hand.
    """

    per_million_input_tokens: float | None
    per_million_output_tokens: float | None
    per_million_requests: float | None
    source: str | None
    as_of: date | None
    listed: ListPrice | None = None


def origin_of(part: BaseModel, field: str) -> Origin:
    """`user` where the study file sets the field, `default` where it is left out."""
    return "user" if field in part.model_fields_set else "default"


def resolve_price(name: str, profile: Api, currency: str, on: date | None) -> ApiPrice:
    """The price of the vendor's profile `name`, as of the day `on` (null: the newest of the list).

    Raises UserError for a model that the list lacks, and for a list price in a study whose currency is not USD.
    """
    price = profile.price
    if isinstance(price, PricePerRequest):
        return ApiPrice(None, None, price.per_million_requests, price.source, price.as_of)
    if isinstance(price, PricePerToken):
        return ApiPrice(
            price.per_million_input_tokens, price.per_million_output_tokens, None, price.source, price.as_of
        )
    if currency != LIST_CURRENCY:
        raise UserError("decide.price.currency", profile=name, currency=currency, model=price.model)
    found = list_price(name, price, on)
    return ApiPrice(
        found.per_million_input_tokens, found.per_million_output_tokens, None, found.source, on, listed=found
    )


def list_price(name: str, price: PriceFromList, on: date | None) -> ListPrice:
    """The entry of the installed price list for the profile `name`. Raises UserError for an unknown model."""
    found = find_list_price(price, on)
    if found is None:
        near = ", ".join(difflib.get_close_matches(price.model.lower(), _known_models(), n=3))
        code = "decide.price.unknown_near" if near else "decide.price.unknown"
        raise UserError(code, profile=name, model=price.model, near=near)
    return found


def find_list_price(price: PriceFromList, on: date | None) -> ListPrice | None:
    """The entry of the installed price list, null for an unknown model."""
    return _look_up(price.model, on or _UNDATED)


@lru_cache(maxsize=256)
def _look_up(model_name: str, on: date) -> ListPrice | None:
    snapshot = lazy.load("genai_prices.data_snapshot").get_snapshot()
    try:
        provider, model = snapshot.find_provider_model(model_name, None, None, None)
    except LookupError:
        return None
    entry = model.get_prices(datetime.combine(on, time(12), tzinfo=UTC))
    per_input, tiered_input = _base(getattr(entry, "input_mtok", None))
    per_output, tiered_output = _base(getattr(entry, "output_mtok", None))
    if per_input is None and per_output is None:
        return None
    return ListPrice(
        model=model.id,
        provider=provider.id,
        per_million_input_tokens=per_input or 0.0,
        per_million_output_tokens=per_output or 0.0,
        version=str(lazy.load("genai_prices").__version__),
        by_the_clock=_changes_by_the_clock(model.prices),
        tiered=tiered_input or tiered_output,
    )


def _base(price: Any) -> tuple[float | None, bool]:
    """The price of short requests, and whether long ones cost more."""
    if price is None:
        return None, False
    if hasattr(price, "base"):
        return float(price.base), bool(price.tiers)
    return float(price), False


def _changes_by_the_clock(prices: Any) -> bool:
    if not isinstance(prices, list):
        return False
    return any(hasattr(entry.constraint, "start_time") for entry in prices if entry.constraint is not None)


@lru_cache(maxsize=1)
def list_date() -> date:
    """The newest date that the installed price list itself names: the day that it is known to reach."""
    snapshot = lazy.load("genai_prices.data_snapshot").get_snapshot()
    models = (model for provider in snapshot.providers for model in provider.models)
    entries = (entry for model in models if isinstance(model.prices, list) for entry in model.prices)
    dates = [entry.constraint.start_date for entry in entries if hasattr(entry.constraint, "start_date")]
    return max(dates, default=date.min)


@lru_cache(maxsize=1)
def _known_models() -> tuple[str, ...]:
    snapshot = lazy.load("genai_prices.data_snapshot").get_snapshot()
    return tuple(sorted({model.id for provider in snapshot.providers for model in provider.models}))
