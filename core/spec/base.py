"""What all parts of the study file share."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo

Share = Annotated[float, Field(ge=0.0, le=1.0)]
# Beyond these bounds products of figures leave the range of floating-point numbers.
PositiveFloat = Annotated[float, Field(gt=0.0, le=1e15)]
NonNegativeFloat = Annotated[float, Field(ge=0.0, le=1e15)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]
OpenShare = Annotated[float, Field(ge=0.0, lt=1.0)]


def _plain_name(text: str, info: ValidationInfo) -> str:
    """A name that can be a part of a path and looks the same wherever it is shown; stored studies keep theirs."""
    if info.context and info.context.get("stored"):
        return text
    odd = next((sign for sign in text if sign in "/\\" or not sign.isprintable()), None)
    if odd is not None:
        raise ValueError(f"a name cannot hold {odd!a}; write letters, digits, single spaces, dots, hyphens")
    if text != text.strip() or "  " in text:
        raise ValueError("a name has no blanks at its ends and no two in a row; take them out")
    return text


# The pattern is for editors that read the JSON schema; the validator says what is wrong in words.
Name = Annotated[
    str,
    Field(min_length=1, max_length=80, json_schema_extra={"pattern": r"^[^/\\\x00-\x1f]+$"}),
    AfterValidator(_plain_name),
]


class SpecModel(BaseModel):
    """A part of the study file: frozen, unknown keys refused, no NaN or infinity."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
