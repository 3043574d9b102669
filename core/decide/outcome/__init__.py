"""What a decision says: frozen values that the window, the report and the command line show alike.

Qualities, shares and probabilities run from 0 to 1, latencies are milliseconds, money is in the study's currency.
Intervals are two-sided 95 % intervals. Null means: not measured, or not defined.
"""

from core.decide.outcome.candidates import CandidateDecision, PolicyDecision
from core.decide.outcome.decision import (
    BreakEven,
    ComplexityProfile,
    Confidence,
    Decision,
    Exclusion,
    ExpectedStudent,
    Flip,
    FrontierStep,
    MeasureNext,
    SliceGap,
    SuspectedRow,
)
from core.decide.outcome.figures import (
    ClassRecall,
    CostFigures,
    CostPart,
    CutInputs,
    GateResult,
    Interval,
    Latency,
    LoadFigures,
    LoadLevel,
    Message,
    Quality,
    Retained,
    RuntimeRow,
    SeedQuality,
    SliceQuality,
    TokenLatency,
    Uncompressed,
    message,
)
from core.decide.outcome.retrieval import RetrievalFound

__all__ = [
    "BreakEven",
    "CandidateDecision",
    "ClassRecall",
    "ComplexityProfile",
    "Confidence",
    "CostFigures",
    "CostPart",
    "CutInputs",
    "Decision",
    "Exclusion",
    "ExpectedStudent",
    "Flip",
    "FrontierStep",
    "GateResult",
    "Interval",
    "Latency",
    "LoadFigures",
    "LoadLevel",
    "MeasureNext",
    "Message",
    "PolicyDecision",
    "Quality",
    "Retained",
    "RetrievalFound",
    "RuntimeRow",
    "SeedQuality",
    "SliceGap",
    "SliceQuality",
    "SuspectedRow",
    "TokenLatency",
    "Uncompressed",
    "message",
]
