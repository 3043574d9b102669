"""What a candidate runs on, and what that costs."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, model_validator

from core.spec.base import NonNegativeFloat, PositiveFloat, SpecModel


class SelfHosted(SpecModel):
    """A machine of one's own. Money per month follows from capex, energy, staff and software; idle time is not free."""

    kind: Literal["self_hosted"]
    capex: NonNegativeFloat
    life_months: PositiveFloat = 36
    power_kw: NonNegativeFloat = 0.3
    tariff: NonNegativeFloat = 0.2
    power_usage_effectiveness: Annotated[float, Field(ge=1.0, le=1e15)] = 1.0
    staff_month: NonNegativeFloat = 0
    software_month: NonNegativeFloat = 0
    peak_to_mean_load: Annotated[float, Field(ge=1.0, le=1e15)] = 4.0
    memory_gib: PositiveFloat | None = None
    source: str | None = None
    as_of: date | None = None

    @model_validator(mode="after")
    def _never_free(self) -> SelfHosted:
        if self.capex + self.staff_month + self.software_month + self.power_kw * self.tariff == 0.0:
            raise ValueError("a machine of one's own is never free; give capex, staff_month, or power_kw and tariff")
        return self


class PriceFromList(SpecModel):
    """A price looked up in the installed genai-prices data."""

    source: Literal["genai-prices"]
    model: str


class PricePerToken(SpecModel):
    """A price by hand, per million tokens."""

    per_million_input_tokens: NonNegativeFloat
    per_million_output_tokens: NonNegativeFloat
    source: str
    as_of: date


class PricePerRequest(SpecModel):
    """A price by hand, per million requests."""

    per_million_requests: NonNegativeFloat
    source: str | None = None
    as_of: date | None = None


class Api(SpecModel):
    """A vendor's endpoint, paid by use."""

    kind: Literal["api"]
    price: PriceFromList | PricePerToken | PricePerRequest


Profile = Annotated[SelfHosted | Api, Field(discriminator="kind")]
