"""What all parts of the study file share."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0.0, le=1.0)]
# Beyond these bounds products of figures leave the range of floating-point numbers.
PositiveFloat = Annotated[float, Field(gt=0.0, le=1e15)]
NonNegativeFloat = Annotated[float, Field(ge=0.0, le=1e15)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]
OpenShare = Annotated[float, Field(ge=0.0, lt=1.0)]
Name = Annotated[str, Field(min_length=1, max_length=80, pattern=r"^[^/\\\x00-\x1f]+$")]


class SpecModel(BaseModel):
    """A part of the study file: frozen, unknown keys refused, no NaN or infinity."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
