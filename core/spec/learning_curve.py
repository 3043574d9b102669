"""The learning curve of one student: what the study would have measured with fewer train rows."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from core.spec.base import Name, Seed, SpecModel

# A power law has three numbers, and is checked on a size that it was not fitted to.
FEWEST_SIZES = 4


class CurvePlan(SpecModel):
    """The learning curve of `student`: it is trained again, by its own settings and teacher, on nested parts of the
    train rows, and each is measured on the test rows. `sizes` are shares of the train rows; all of them always belong
    to the curve, and where the seed is the student's own that is the student itself. Each of `seeds` draws its own
    parts and trains once a size; null means the student's own seeds.
    """

    student: Name
    sizes: Annotated[list[Annotated[float, Field(gt=0.0, le=1.0)]], Field(min_length=1, max_length=20)] = Field(
        default=[0.125, 0.25, 0.5, 1.0]
    )
    seeds: Annotated[list[Seed], Field(min_length=1, max_length=20)] | None = None

    @model_validator(mode="after")
    def _enough_sizes(self) -> CurvePlan:
        if len(set(self.sizes)) < len(self.sizes):
            raise ValueError("sizes names one twice; each size is trained once for each seed")
        if len(self.shares) < FEWEST_SIZES:
            raise ValueError(
                f"sizes are too few for a law that is checked; give at least {FEWEST_SIZES}, such as "
                "[0.125, 0.25, 0.5, 1.0]"
            )
        if self.seeds is not None and len(set(self.seeds)) < len(self.seeds):
            raise ValueError("seeds names one twice; each seed trains one model")
        return self

    @property
    def shares(self) -> list[float]:
        """The shares of the train rows, ascending, all of them last."""
        return sorted({*self.sizes, 1.0})
