"""The recommendation document."""

from __future__ import annotations

from typing import Any

from core.decide.documents.values import document, message_values
from core.decide.outcome import (
    Decision,
    Exclusion,
    Flip,
    FrontierStep,
)


def recommendation_document(decision: Decision) -> dict[str, Any]:
    """The document of `tercet recommend --json`: the choice, its reasons, and what would change it."""
    confidence = decision.confidence
    return document(
        {
            "choice": decision.choice.value,
            "candidate": decision.candidate,
            "confidence": {
                "probability_best": confidence.probability_best,
                "expected_loss": confidence.expected_loss,
                "evpi": confidence.evpi,
            },
            "headline": message_values(decision.headline),
            "leading": decision.leading,
            "reasons": [message_values(reason) for reason in decision.reasons],
            "excluded": [_exclusion(excluded) for excluded in decision.excluded],
            "not_measured": list(decision.not_measured),
            "front": list(decision.front),
            "frontier": [_step(step) for step in decision.frontier],
            "break_even": [
                {"against": one.against, "requests": one.requests, "months": one.months} for one in decision.break_even
            ],
            "flips": [_flip(flip) for flip in decision.flips],
            "measure_next": [
                {"what": one.message.text, "code": one.message.code, "evppi": one.evppi, "cost": one.cost}
                for one in decision.measure_next
            ],
            "assumptions": [vars(one) for one in decision.assumptions],
            "notes": [message_values(note) for note in decision.notes],
        }
    )


def _exclusion(excluded: Exclusion) -> dict[str, Any]:
    return {
        "candidate": excluded.candidate,
        "gate": excluded.gate.value,
        "rule": excluded.rule,
        **message_values(excluded.message),
    }


def _step(step: FrontierStep) -> dict[str, Any]:
    return {
        "candidate": step.candidate,
        "icer": step.icer,
        "value_from": step.value_from,
        "value_to": step.value_to,
    }


def _flip(flip: Flip) -> dict[str, Any]:
    return {
        "assumption": flip.path,
        "value": flip.value,
        "unit": flip.unit,
        "flips_at": flip.flips_at,
        "to": None if flip.to is None else flip.to.value,
        "to_candidate": flip.to_candidate,
    }
