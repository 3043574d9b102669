"""The 3C criteria: task complexity, cost, compliance; and the service levels."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveInt, model_validator

from core.spec.base import NonNegativeFloat, PositiveFloat, Share, SpecModel

KNOWN_PACKS = ("gdpr", "eu-ai-act", "licences")


class Complexity(SpecModel):
    """The stated complexity; the measured profile stands beside it."""

    stated: Literal["low", "moderate", "high"] = "moderate"


class Cost(SpecModel):
    """The cost criteria. `value_per_success` is the value of one right answer; without it λ is a free variable."""

    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "USD"
    monthly_budget: PositiveFloat | None = None
    monthly_requests: PositiveFloat
    horizon_months: PositiveInt = 24
    value_per_success: NonNegativeFloat | None = None


class Compliance(SpecModel):
    """The compliance criteria: what data, where, and which facts are known, such as `contract.dpa: true`."""

    data_classes: list[str] = Field(default=[])
    jurisdictions: list[str] = Field(default=[])
    on_premises: bool = False
    facts: dict[str, bool | float | str] = Field(default={})
    packs: list[str] = Field(default=[])

    @model_validator(mode="after")
    def _known_packs(self) -> Compliance:
        for pack in self.packs:
            if pack not in KNOWN_PACKS:
                raise ValueError(f"packs: unknown pack {pack!r}; choose from {', '.join(KNOWN_PACKS)}")
        return self


class Service(SpecModel):
    """Service levels. `quality_margin` is how far below the teacher still counts as non-inferior.

    `time_to_first_token_ms` and `time_per_output_token_ms` hold like `p95_latency_ms` for the p95 of single requests,
    and for each request in the goodput of streamed load tests. An answer that comes at once has its first token then
    and no further ones.
    """

    p95_latency_ms: PositiveFloat | None = None
    time_to_first_token_ms: PositiveFloat | None = None
    time_per_output_token_ms: PositiveFloat | None = None
    min_quality: Share | None = None
    quality_margin: Share = 0.03


class Criteria(SpecModel):
    """The 3C input plus service levels."""

    complexity: Complexity = Complexity()
    cost: Cost
    compliance: Compliance = Compliance()
    service: Service = Service()
