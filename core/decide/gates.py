"""What excludes a candidate: rules, memory, and chance constraints on quality, latency and budget.

A chance constraint holds where its probability, from the draws, is at least 0.9. What is not known is not passed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from core.decide.bills import Bill
from core.decide.compliance import compliance_gates
from core.decide.outcome import GateResult, Latency, message
from core.decide.systems import System
from core.domain import FloatArray, Gate, Role
from core.i18n import Value
from core.metrics.percentiles import MINIMUM_SAMPLES, percentiles, probability_within
from core.spec import Candidate, SelfHosted, Study

CHANCE = 0.9
# A latency gate with one of these rules is a limit on tokens.
FIRST_TOKEN_RULE, FURTHER_TOKEN_RULE = "time_to_first_token_ms", "time_per_output_token_ms"
# A quality gate with this rule excludes what answers no test row rightly, whether the study sets a minimum or not.
NOTHING_RIGHT_RULE = "nothing_right"
_MIB_PER_GIB = 1024.0


@dataclass(frozen=True)
class Held:
    """Timed requests against a limit: how many samples there are, their p95, and P(p95 <= limit), null where they are
    too few to say."""

    samples: int
    p95: float | None
    chance: float | None


@dataclass(frozen=True)
class Memory:
    """Peak memory of one candidate's models; null where one was not measured."""

    peak_mib: float | None


@lru_cache(maxsize=512)
def latency_of(system: System, limit_ms: float | None) -> Latency | None:
    """Percentiles of single requests with P(p95 <= limit); null where nothing was timed."""
    if system.latency_ms is None or len(system.latency_ms) == 0:
        return None
    found = percentiles(system.latency_ms.tolist())
    carried = system.effective_latency_samples or len(system.latency_ms)
    return Latency(
        p50=float(found.p50 or 0.0),
        p95=found.p95 if carried >= MINIMUM_SAMPLES[0.95] else None,
        p99=found.p99 if carried >= MINIMUM_SAMPLES[0.99] else None,
        samples=carried,
        source=system.latency_source,
        probability_within_limit=None if limit_ms is None else _chance_within(system.latency_ms, carried, limit_ms),
    )


def gates_of(
    study: Study, candidate: Candidate, system: System, latency: Latency | None, bill: Bill, memory: Memory
) -> tuple[GateResult, ...]:
    """Every requirement that the study sets, in the order in which a reader wants them."""
    results = rules_of(study, candidate)
    results += _memory_gate(study, candidate, memory)
    results += _quality_gate(study, candidate, system)
    results += _latency_gate(study, candidate, latency)
    results += _token_gates(study, candidate, system)
    results += _budget_gate(study, candidate, bill)
    return tuple(results)


def rules_of(study: Study, candidate: Candidate) -> list[GateResult]:
    """The requirements that need no measurement: what the candidate takes, and where data may go."""
    return _modality_gate(study, candidate) + compliance_gates(study, candidate)


def is_undecided(gate: GateResult) -> bool:
    """Whether more data could still turn a gate that is not passed: a chance constraint neither held nor refuted."""
    return gate.state != "pass" and gate.probability is not None and gate.probability > 1.0 - CHANCE


def _chance_within(samples: FloatArray, carried: int, limit_ms: float) -> float | None:
    if carried < MINIMUM_SAMPLES[0.95]:
        return None
    if carried < len(samples):
        # A mixture of two short series knows no more than the shorter: its quantiles stand for so many samples.
        step = (len(samples) - 1) / (carried - 1)
        ordered = sorted(samples.tolist())
        samples_of_that_size = [ordered[round(index * step)] for index in range(carried)]
        return probability_within(samples_of_that_size, 0.95, limit_ms)
    return probability_within(samples.tolist(), 0.95, limit_ms)


def _modality_gate(study: Study, candidate: Candidate) -> list[GateResult]:
    if study.data.columns.image is None:
        return []
    state: Literal["pass", "fail"] = "pass" if study.takes_inputs(candidate) else "fail"
    text = message(f"decide.gate.modality.{state}", candidate=candidate.name, column=study.data.columns.image)
    return [GateResult(Gate.MODALITY, state, None, text)]


@lru_cache(maxsize=512)
def _chance_of_quality(system: System, floor: float) -> float:
    """Asked again for each point at which the decision may turn: what-if values change bills, seldom the floor."""
    return system.chance_of_quality(floor)


def _quality_gate(study: Study, candidate: Candidate, system: System) -> list[GateResult]:
    floor = study.criteria.service.min_quality
    chance = 1.0 if floor is None else _chance_of_quality(system, floor)
    if chance >= CHANCE and system.success.value <= 0.0:
        # However little it costs: the cost of a right answer is not finite.
        text = message("decide.gate.nothing_right", candidate=candidate.name, rows=system.quality.n)
        return [GateResult(Gate.QUALITY, "fail", NOTHING_RIGHT_RULE, text)]
    if floor is None:
        return []
    value = system.quality.value
    state: Literal["pass", "fail"] = "pass" if chance >= CHANCE else "fail"
    told: dict[str, Value] = {"candidate": candidate.name, "value": value, "limit": floor, "chance": chance}
    if state == "fail" and value >= floor:
        # What the rows show is enough: there are too few of them to rely on it.
        text = message("decide.gate.quality.few", rows=system.quality.n, needed=CHANCE, **told)
    else:
        text = message(f"decide.gate.quality.{state}", **told)
    return [GateResult(Gate.QUALITY, state, None, text, chance)]


def _latency_gate(study: Study, candidate: Candidate, latency: Latency | None) -> list[GateResult]:
    limit = study.criteria.service.p95_latency_ms
    if limit is None:
        return []
    if latency is None or latency.probability_within_limit is None:
        samples = 0 if latency is None else latency.samples
        code = "decide.gate.latency.unknown" if samples == 0 else "decide.gate.latency.few"
        text = message(code, candidate=candidate.name, samples=samples, needed=MINIMUM_SAMPLES[0.95], limit=limit)
        return [GateResult(Gate.LATENCY, "unknown", None, text)]
    chance = latency.probability_within_limit
    state = "pass" if chance >= CHANCE else "fail"
    text = message(
        f"decide.gate.latency.{state}", candidate=candidate.name, value=latency.p95 or 0.0, limit=limit, chance=chance
    )
    return [GateResult(Gate.LATENCY, "pass" if chance >= CHANCE else "fail", None, text, chance)]


def _token_gates(study: Study, candidate: Candidate, system: System) -> list[GateResult]:
    """The limits on tokens, as on latency: each p95 within its limit with a chance of 0.9."""
    service, tokens = study.criteria.service, system.tokens
    results = []
    if (limit := service.time_to_first_token_ms) is not None:
        whole = _held(system, "whole", limit)
        # No first token comes later than its answer: what is within the limit as a whole proves it, the rest nothing.
        proof = whole if whole.chance is not None and whole.chance >= CHANCE else None
        results.append(_token_gate(candidate, FIRST_TOKEN_RULE, limit, _held(system, "first", limit), proof))
    writes_further = tokens.between_ms is None or len(tokens.between_ms) > 0
    if (limit := service.time_per_output_token_ms) is not None and writes_further:
        results.append(_token_gate(candidate, FURTHER_TOKEN_RULE, limit, _held(system, "between", limit)))
    return results


@lru_cache(maxsize=512)
def _held(system: System, which: Literal["first", "between", "whole"], limit: float) -> Held:
    tokens = system.tokens
    samples, count = {
        "first": (tokens.first_ms, tokens.first_count),
        "between": (tokens.between_ms, tokens.between_count),
        "whole": (tokens.whole_ms, system.effective_latency_samples),
    }[which]
    if samples is None or len(samples) == 0:
        return Held(0, None, None)
    carried = count or len(samples)
    return Held(carried, percentiles(samples.tolist()).p95, _chance_within(samples, carried, limit))


def _token_gate(candidate: Candidate, rule: str, limit: float, found: Held, whole: Held | None = None) -> GateResult:
    code, shown = f"decide.gate.{rule.removesuffix('_ms')}", found
    if found.chance is None and whole is not None:
        code, shown = f"{code}.whole", whole
    if shown.chance is None:
        code = f"{code}.few" if found.samples else f"{code}.unknown"
        text = message(code, candidate=candidate.name, samples=found.samples, needed=MINIMUM_SAMPLES[0.95], limit=limit)
        return GateResult(Gate.LATENCY, "unknown", rule, text)
    state: Literal["pass", "fail"] = "pass" if shown.chance >= CHANCE else "fail"
    code = code if shown is whole else f"{code}.{state}"
    text = message(code, candidate=candidate.name, value=shown.p95 or 0.0, limit=limit, chance=shown.chance)
    return GateResult(Gate.LATENCY, state, rule, text, shown.chance)


def _budget_gate(study: Study, candidate: Candidate, bill: Bill) -> list[GateResult]:
    budget = study.criteria.cost.monthly_budget
    if budget is None:
        return []
    currency = study.criteria.cost.currency
    if bill.monthly is None:
        text = message(f"decide.gate.budget.{bill.lacks}", candidate=candidate.name)
        return [GateResult(Gate.BUDGET, "unknown", None, text)]
    chance = bill.monthly.probability_at_most(budget)
    state = "pass" if chance >= CHANCE else "fail"
    text = message(
        f"decide.gate.budget.{state}",
        candidate=candidate.name, value=bill.monthly.value, limit=budget, currency=currency, chance=chance,
    )  # fmt: skip
    return [GateResult(Gate.BUDGET, "pass" if chance >= CHANCE else "fail", None, text, chance)]


def _memory_gate(study: Study, candidate: Candidate, memory: Memory) -> list[GateResult]:
    limits = [
        profile.memory_gib
        for profile in _profiles(study, candidate)
        if isinstance(profile, SelfHosted) and profile.memory_gib is not None
    ]
    if not limits:
        return []
    limit = min(limits)
    if memory.peak_mib is None:
        text = message("decide.gate.memory.unknown", candidate=candidate.name, limit=limit)
        return [GateResult(Gate.MEMORY, "unknown", None, text)]
    needed = memory.peak_mib / _MIB_PER_GIB
    fits = needed <= limit
    code = "decide.gate.memory.pass" if fits else "decide.gate.memory.fail"
    text = message(code, candidate=candidate.name, value=needed, limit=limit)
    return [GateResult(Gate.MEMORY, "pass" if fits else "fail", None, text)]


def _profiles(study: Study, candidate: Candidate) -> list[object]:
    if candidate.role is Role.HYBRID:
        return [study.profile_of(study.candidate(name)) for name in (candidate.teacher, candidate.student) if name]
    return [study.profile_of(candidate)]
