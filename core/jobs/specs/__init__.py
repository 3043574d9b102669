"""What a job is told: a spec that completely determines the work.

`parameters` holds all that determines the result besides the inputs; `inputs` maps a part's name to the id of the job
whose result it is. The job id is the hash of both (`core.jobs.identity`), so a spec never names its candidate.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from core.domain import JobKind
from core.jobs.specs.making import (
    DISTILL_LEARNING_RATE,
    CompressParameters,
    DistillParameters,
    FineTuneParameters,
    LabelParameters,
    SweepParameters,
)
from core.jobs.specs.measuring import (
    BenchmarkParameters,
    CheckParameters,
    JudgeParameters,
    LoadParameters,
    RouteParameters,
    SuiteParameters,
)
from core.jobs.specs.parts import (
    AnsweringModel,
    DataFile,
    DocumentSource,
    LoadableModel,
    PredictionsFile,
    RetrievalUse,
    SweepLimits,
    TrainPart,
    VendorPrice,
)
from core.jobs.specs.preparing import IndexParameters, PrepareParameters, ProfileParameters

__all__ = [
    "DISTILL_LEARNING_RATE",
    "AnsweringModel",
    "BenchmarkParameters",
    "CheckParameters",
    "CompressParameters",
    "DataFile",
    "DistillParameters",
    "DocumentSource",
    "FineTuneParameters",
    "IndexParameters",
    "JobSpec",
    "JudgeParameters",
    "LabelParameters",
    "LoadParameters",
    "LoadableModel",
    "Parameters",
    "PredictionsFile",
    "PrepareParameters",
    "ProfileParameters",
    "RetrievalUse",
    "RouteParameters",
    "SuiteParameters",
    "SweepLimits",
    "SweepParameters",
    "TrainPart",
    "VendorPrice",
]

Parameters = Annotated[
    PrepareParameters
    | ProfileParameters
    | FineTuneParameters
    | DistillParameters
    | LabelParameters
    | SweepParameters
    | CompressParameters
    | BenchmarkParameters
    | CheckParameters
    | JudgeParameters
    | LoadParameters
    | RouteParameters
    | IndexParameters
    | SuiteParameters,
    Field(discriminator="kind"),
]


class JobSpec(BaseModel):
    """The document `spec.json` of a job's folder."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    job_id: str
    parameters: Parameters
    inputs: dict[str, str] = {}

    @property
    def kind(self) -> JobKind:
        """The kind of work."""
        return self.parameters.kind
