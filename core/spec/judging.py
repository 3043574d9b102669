"""A language model that judges answers."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveInt

from core.spec.base import Name, SpecModel
from core.spec.models import EndpointModel, GgufModel, HubModel, LocalModel, SampleModel

JudgeModel = Annotated[HubModel | LocalModel | GgufModel | SampleModel | EndpointModel, Field(discriminator="source")]


class Judge(SpecModel):
    """A language model that reads each answer and gives a verdict on it.

    With `mode: reference` it rates the answer from 1 to `scale` by the target; with `pairwise` it says whether the
    answer or the target is better, without being told which is which. Each row is judged in both orders of the two
    texts, and its score is the mean of both. `prompt` stands in for what the judge is told to go by. A verdict ends
    after `max_output_tokens`. Where the data have pictures, the judge sees them; `text_only` says that what it goes by
    needs none. `profile` is where the judge runs and at which price; the study's only profile, or that
    of a candidate of the same model, serves without a name.
    """

    model: JudgeModel
    mode: Literal["reference", "pairwise"] = "reference"
    scale: Annotated[int, Field(ge=2, le=10)] = 5
    prompt: Annotated[str, Field(min_length=1)] | None = None
    max_output_tokens: PositiveInt = 512
    text_only: bool = False
    profile: Name | None = None
