"""Compressed variants against what they were made from: smaller is not better where it is slower or answers worse."""

from __future__ import annotations

from collections.abc import Mapping

from core.decide.options import Option
from core.domain import BoolArray
from core.spec import Candidate, CandidateModel

# Two timings of the same model on a quiet machine differ by less.
SAME_SPEED = 0.05
_ONE_SIDED = 0.95


def dominating_parent(candidate: Candidate, options: Mapping[str, Option]) -> str | None:
    """The parent of a compressed variant where it leaves no reason to serve the variant on this machine; else null.

    A variant is dominated where it is not faster, its quality is not shown to be higher, and it is slower, or shown to
    be worse, or no smaller. Speeds within 5 % are the same, and qualities differ where the one-sided 95 % bound of the
    paired difference says so. A parent that fails a requirement which the variant passes dominates nothing. Null where
    either is not timed.
    """
    if not candidate.compress or not isinstance(candidate.model, CandidateModel):
        return None
    parent = options[candidate.model.name]
    return parent.name if loses_to(options[candidate.name], parent) else None


def loses_to(variant: Option, parent: Option) -> bool:
    """Whether the parent leaves no reason to serve the variant, as `dominating_parent` defines it."""
    if variant.system is None or parent.system is None or _only_way_through(variant, parent):
        return False
    own, its = variant.system.requests_per_second, parent.system.requests_per_second
    if own is None or its is None or own > its * (1.0 + SAME_SPEED):
        return False
    difference = variant.system.quality_draws.minus(parent.system.quality_draws).draws
    if _shown(difference > 0.0):
        return False
    return own < its * (1.0 - SAME_SPEED) or _shown(difference < 0.0) or not _smaller(variant, parent)


def _shown(draws: BoolArray) -> bool:
    return float(draws.mean()) >= _ONE_SIDED


def _smaller(variant: Option, parent: Option) -> bool:
    if variant.model_size_mib is None or parent.model_size_mib is None:
        return False
    return variant.model_size_mib < parent.model_size_mib


def _only_way_through(variant: Option, parent: Option) -> bool:
    """Whether the variant meets a requirement, such as memory, that its parent does not."""
    passed = {(gate.gate, gate.rule) for gate in variant.gates if gate.state == "pass"}
    return any((gate.gate, gate.rule) in passed for gate in parent.gates if gate.state != "pass")
