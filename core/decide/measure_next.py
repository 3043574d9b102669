"""What to measure, count or answer next, the most valuable first."""

from __future__ import annotations

from collections.abc import Sequence

from core.decide.choice import Contender, Settled
from core.decide.compliance import open_questions
from core.decide.gates import FIRST_TOKEN_RULE, FURTHER_TOKEN_RULE, is_undecided
from core.decide.options import Option, missing_measurements
from core.decide.outcome import MeasureNext, message
from core.decide.seeds import more_seeds
from core.decide.value import Z_90, more_examples, partial_information
from core.domain import FloatArray, Gate
from core.spec import BaselineModel, Study

_MOST_QUALITIES = 2
_TOKEN_LIMITS = {(Gate.LATENCY, rule) for rule in (FIRST_TOKEN_RULE, FURTHER_TOKEN_RULE)}


def measure_next_of(study: Study, settled: Settled, options: Sequence[Option]) -> tuple[MeasureNext, ...]:
    """Open questions first, then missing measurements, then more of what is measured, by its expected value."""
    found = [MeasureNext(question, None, None) for question in open_questions(study)]
    has_floor = any(isinstance(candidate.model, BaselineModel) for candidate in study.candidates)
    if study.task.kind == "classification" and study.data.columns.image is None and not has_floor:
        found.append(MeasureNext(message("decide.next.floor"), None, None))
    found += [
        MeasureNext(message("decide.next.not_measured", candidate=option.name), None, None)
        for option in missing_measurements(study, options)
    ]
    found += _missing_figures(options)
    found += _more_examples(settled)
    found += _open_gates(study, settled, options)
    found += more_seeds(settled, options)
    found += _qualities(settled, options)
    if study.criteria.cost.value_per_success is None:
        found.append(MeasureNext(message("decide.next.value"), None, None))
    return tuple(found)


def _missing_figures(options: Sequence[Option]) -> list[MeasureNext]:
    found = []
    for option in options:
        unknown = {(gate.gate, gate.rule) for gate in option.gates if gate.state == "unknown"}
        if (Gate.LATENCY, None) in unknown:
            found.append(MeasureNext(message("decide.next.latency", candidate=option.name), None, None))
        if unknown & _TOKEN_LIMITS:
            found.append(MeasureNext(message("decide.next.tokens_timed", candidate=option.name), None, None))
        unpriced = option.system is not None and option.bill.monthly is None
        if unpriced and option.bill.lacks == "no_tokens":
            found.append(MeasureNext(message("decide.next.tokens", candidate=option.name), None, None))
        elif unpriced and (Gate.LATENCY, None) not in unknown:
            found.append(MeasureNext(message("decide.next.latency", candidate=option.name), None, None))
    return found


def _more_examples(settled: Settled) -> list[MeasureNext]:
    if settled.examples is None:
        return []
    values = {"examples": settled.examples, "candidate": settled.leading, "rival": settled.rival}
    if settled.why == "gate_open":
        return [MeasureNext(message("decide.next.examples_gate", **values), None, None)]
    if settled.why == "not_shown":
        values |= {"candidate": settled.rival, "rival": settled.reference}
        return [MeasureNext(message("decide.next.examples_reference", **values), None, None)]
    return [MeasureNext(message("decide.next.examples", **values), settled.evpi, None)]


def _open_gates(study: Study, settled: Settled, options: Sequence[Option]) -> list[MeasureNext]:
    """More examples for what would be the better choice, and is kept out by nothing but too few rows."""
    floor = study.criteria.service.min_quality
    contenders = {one.name: one for option in options if (one := option.contender) is not None}
    best = contenders.get(settled.candidate or settled.leading or "")
    if floor is None or best is None or not best.passes:
        return []
    found = []
    for one in contenders.values():
        few = one.quality.value >= floor and all(
            gate.state == "pass" or (gate.gate is Gate.QUALITY and is_undecided(gate)) for gate in one.gates
        )
        if one.passes or not one.routable or not few or not _better(one, best):
            continue
        examples = more_examples(one.quality, floor, one.rows, z=Z_90)
        if examples is not None:
            text = message("decide.next.examples_gate", examples=examples, candidate=one.name, rival=best.name)
            found.append(MeasureNext(text, None, None))
    return found


def _better(one: Contender, best: Contender) -> bool:
    if one.net_benefit is not None and best.net_benefit is not None:
        return one.net_benefit.value > best.net_benefit.value
    return one.month < best.month


def _qualities(settled: Settled, options: Sequence[Option]) -> list[MeasureNext]:
    """Whose quality is worth knowing better, where knowing it exactly might change the choice."""
    draws: dict[str, FloatArray] = {
        option.name: option.net_benefit.draws
        for option in options
        if option.net_benefit is not None and option.name in settled.expected_loss
    }
    worth = {name: partial_information(draws, name) for name in draws}
    known = sorted((name for name in worth if worth[name] > 0.0), key=lambda name: (-worth[name], name))
    return [
        MeasureNext(message("decide.next.quality", candidate=name), worth[name], None)
        for name in known[:_MOST_QUALITIES]
    ]
