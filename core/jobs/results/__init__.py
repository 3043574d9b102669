"""What a job hands back: the document of its `Finished` event, one model for each kind."""

from __future__ import annotations

from core.jobs.results.base import ResultModel
from core.jobs.results.data import (
    Dropped,
    ExpectedQuality,
    HeldOutQuality,
    IndexResult,
    LabelNoise,
    LearningCurve,
    PrepareResult,
    ProfileResult,
    SizeQuality,
    SuspectRow,
    TimeSpan,
    UsableInformation,
)
from core.jobs.results.measuring import (
    BenchmarkResult,
    Environment,
    FailureCause,
    LatencySamples,
    LoadResult,
    LoadStep,
    PeakMemory,
    RetrievalFigures,
    RuntimeFigures,
    SuiteMetric,
    SuiteResult,
    TokenTimes,
    UnknownRows,
)
from core.jobs.results.routing import PolicyScores, RouteResult
from core.jobs.results.scoring import CheckCount, CheckResult, JudgeResult, ReAskedRow, ScoreCount, VerdictCount
from core.jobs.results.training import (
    CompressResult,
    LabelResult,
    RoundRecord,
    RungRecord,
    SweepResult,
    TrainResult,
    TrialRecord,
)

Result = (
    PrepareResult
    | ProfileResult
    | TrainResult
    | LabelResult
    | SweepResult
    | CompressResult
    | IndexResult
    | BenchmarkResult
    | CheckResult
    | JudgeResult
    | LoadResult
    | SuiteResult
    | RouteResult
)

__all__ = [
    "BenchmarkResult",
    "CheckCount",
    "CheckResult",
    "CompressResult",
    "Dropped",
    "Environment",
    "ExpectedQuality",
    "FailureCause",
    "HeldOutQuality",
    "IndexResult",
    "JudgeResult",
    "LabelNoise",
    "LabelResult",
    "LatencySamples",
    "LearningCurve",
    "LoadResult",
    "LoadStep",
    "PeakMemory",
    "PolicyScores",
    "PrepareResult",
    "ProfileResult",
    "ReAskedRow",
    "Result",
    "ResultModel",
    "RetrievalFigures",
    "RoundRecord",
    "RouteResult",
    "RungRecord",
    "RuntimeFigures",
    "ScoreCount",
    "SizeQuality",
    "SuiteMetric",
    "SuiteResult",
    "SuspectRow",
    "SweepResult",
    "TimeSpan",
    "TokenTimes",
    "TrainResult",
    "TrialRecord",
    "UnknownRows",
    "UsableInformation",
    "VerdictCount",
]
