"""What must be said of candidates that were trained with several seeds, and when more seeds are what is missing."""

from __future__ import annotations

from collections.abc import Sequence

from core.decide.choice import Settled
from core.decide.options import Option
from core.decide.outcome import MeasureNext, Message, message
from core.domain import Role
from core.i18n import listed
from core.spec import SweepModel


def seed_notes(options: Sequence[Option]) -> list[Message]:
    """Seeds that are not measured yet, and which figures are of the first seed alone."""
    measured = [option for option in options if option.system is not None and option.candidate.role is not Role.HYBRID]
    notes = [
        message(
            "decide.note.seeds_measured",
            candidate=option.name,
            measured=len(option.evidence.runs),
            planned=option.evidence.seeds_planned,
        )
        for option in measured
        if len(option.evidence.runs) < option.evidence.seeds_planned
    ]
    several = {option.name: option for option in measured if len(option.evidence.runs) > 1}
    searched = [name for name, option in several.items() if isinstance(option.candidate.model, SweepModel)]
    alike = [name for name in several if name not in searched]
    if alike:
        notes.append(message("decide.note.first_seed", names=listed(alike)))
    if searched:
        notes.append(message("decide.note.first_seed_searched", names=listed(searched)))
    for option in options:
        if option.candidate.role is Role.HYBRID and option.system is not None:
            models = (option.candidate.student, option.candidate.teacher)
            notes += [_routed(option.name, several[name]) for name in models if name in several]
    return notes


def _routed(hybrid: str, model: Option) -> Message:
    """A hybrid is measured with the first seed's model: how that one stands to the mean of all."""
    own = mean = 0.0
    if model.system is not None:
        own, mean = float(model.system.seeded.by_seed()[0]), model.system.quality.value
    return message("decide.note.hybrid_first_seed", candidate=hybrid, model=model.name, own=own, mean=mean)


def more_seeds(settled: Settled, options: Sequence[Option]) -> list[MeasureNext]:
    """More seeds, where no number of examples settles an open choice between candidates trained with several."""
    if settled.candidate is not None or settled.examples is not None:
        return []
    if settled.why not in ("gate_open", "too_close", "not_shown"):
        return []
    open_between = {settled.leading, settled.rival}
    if settled.why == "not_shown":
        open_between.add(settled.reference)
    return [
        MeasureNext(message("decide.next.seeds", candidate=option.name), None, None)
        for option in options
        if option.name in open_between and len(option.evidence.runs) > 1
    ]
