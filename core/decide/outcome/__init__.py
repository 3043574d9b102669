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
    Flip,
    FrontierStep,
    MeasureNext,
    SliceGap,
)
from core.decide.outcome.figures import (
    CostFigures,
    CostPart,
    GateResult,
    Interval,
    Latency,
    Message,
    Quality,
    Retained,
    RuntimeRow,
    SeedQuality,
    TokenLatency,
    Uncompressed,
    message,
)
from core.decide.outcome.retrieval import RetrievalFound

__all__ = [
    "BreakEven",
    "CandidateDecision",
    "ComplexityProfile",
    "Confidence",
    "CostFigures",
    "CostPart",
    "Decision",
    "Exclusion",
    "Flip",
    "FrontierStep",
    "GateResult",
    "Interval",
    "Latency",
    "MeasureNext",
    "Message",
    "PolicyDecision",
    "Quality",
    "Retained",
    "RetrievalFound",
    "RuntimeRow",
    "SeedQuality",
    "SliceGap",
    "TokenLatency",
    "Uncompressed",
    "message",
]
