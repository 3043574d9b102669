"""A routing policy's part of the results document."""

from __future__ import annotations

from typing import Any

from core.decide.documents.values import quality_values
from core.decide.outcome import (
    PolicyDecision,
)


def policy_values(policy: PolicyDecision) -> dict[str, Any]:
    """A policy's routing curve, its baselines and its verdict."""
    return {
        "candidate": policy.candidate,
        "kind": policy.kind.value,
        "apgr": policy.apgr,
        "apgr_low": policy.apgr_low,
        "apgr_high": policy.apgr_high,
        "cpt50": policy.cpt50,
        "cpt80": policy.cpt80,
        "threshold": policy.threshold,
        "strong_share": policy.strong_share,
        "quality": quality_values(policy.quality, policy.quality.metric),
        "per_million_requests": policy.per_million_requests,
        "curve": policy.curve.tolist(),
        "baselines": {
            "random": policy.baseline_random,
            "length": policy.baseline_length,
            "hull": policy.baseline_hull,
            "oracle": policy.baseline_oracle,
            "teacher": policy.teacher_quality,
            "student": policy.student_quality,
        },
        "verdict": policy.verdict.value,
        "reason": policy.reason.text,
    }
