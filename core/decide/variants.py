"""Compressed variants against what they were made from: smaller is not better where it is slower or answers worse."""

from __future__ import annotations

from collections.abc import Mapping

from core.decide.options import Option
from core.decide.outcome import Quality, Uncompressed
from core.domain import BoolArray, FloatArray, Gate
from core.jobs.results import BenchmarkResult
from core.metrics.percentiles import percentiles
from core.spec import Candidate, CandidateModel, SelfHosted, Study

# Two timings of the same model on a quiet machine differ by less.
_SAME_SPEED = 0.05
_ONE_SIDED = 0.95
_MIB_PER_GIB = 1024.0


def dominating_parent(candidate: Candidate, options: Mapping[str, Option]) -> str | None:
    """The parent of a compressed variant where it leaves no reason to serve the variant on this machine; else null.

    A variant is dominated where it is not faster, its quality is not shown to be higher, and it is slower, or shown to
    be worse, or no smaller. Speeds within 5 % are the same, and qualities differ where the one-sided 95 % bound of the
    paired difference says so. A parent that fails a requirement which the variant passes dominates nothing. Null where
    either is not timed.
    """
    if not candidate.compress or not isinstance(candidate.model, CandidateModel):
        return None
    variant, parent = options[candidate.name], options[candidate.model.name]
    if variant.system is None or parent.system is None or _only_way_through(variant, parent):
        return None
    speeds = variant.system.requests_per_second, parent.system.requests_per_second
    difference = variant.system.quality_draws.minus(parent.system.quality_draws).draws
    smaller = _smaller(variant.model_size_mib, parent.model_size_mib)
    return parent.name if _no_reason_left(*speeds, difference, smaller) else None


def uncompressed_of(study: Study, option: Option) -> Uncompressed | None:
    """What was compressed within the same candidate, judged as a parent is; null where that was not measured."""
    benchmark, paired, system = option.evidence.uncompressed, option.uncompressed, option.system
    if benchmark is None or paired is None or system is None:
        return None
    best = benchmark.runtimes[0] if benchmark.runtimes else None
    speed = None if best is None else best.requests_per_second
    smaller = _smaller(option.model_size_mib, benchmark.model_size_mib)
    fits = _keeps_to_limits(study, option, benchmark)
    estimate = paired.quality
    return Uncompressed(
        quality=Quality(study.task.metric, estimate.value, estimate.low, estimate.high, estimate.n, estimate.seeds),
        change=paired.added.interval,
        p50_ms=None if best is None else percentiles(best.latency.milliseconds).p50,
        requests_per_second=speed,
        model_size_mib=benchmark.model_size_mib,
        better=fits and _no_reason_left(system.requests_per_second, speed, paired.added.draws, smaller),
    )


def _keeps_to_limits(study: Study, option: Option, whole: BenchmarkResult) -> bool:
    """Whether the uncompressed form keeps to the limits of memory and latency that the compressed one keeps to."""
    passed = {gate.gate for gate in option.gates if gate.state == "pass"}
    profile = study.profile_of(option.candidate)
    room = profile.memory_gib if isinstance(profile, SelfHosted) else None
    limit = study.criteria.service.p95_latency_ms
    p95 = percentiles(whole.runtimes[0].latency.milliseconds).p95 if whole.runtimes else None
    fits = room is None or (whole.peak_memory_mib is not None and whole.peak_memory_mib <= room * _MIB_PER_GIB)
    fast = limit is None or (p95 is not None and p95 <= limit)
    return (fits or Gate.MEMORY not in passed) and (fast or Gate.LATENCY not in passed)


def _no_reason_left(own: float | None, its: float | None, difference: FloatArray, smaller: bool) -> bool:
    """Whether a variant of `own` requests a second is not worth having beside its parent; false where not timed."""
    if own is None or its is None or own > its * (1.0 + _SAME_SPEED) or _shown(difference > 0.0):
        return False
    return own < its * (1.0 - _SAME_SPEED) or _shown(difference < 0.0) or not smaller


def _shown(draws: BoolArray) -> bool:
    return float(draws.mean()) >= _ONE_SIDED


def _smaller(variant_mib: float | None, parent_mib: float | None) -> bool:
    return variant_mib is not None and parent_mib is not None and variant_mib < parent_mib


def _only_way_through(variant: Option, parent: Option) -> bool:
    """Whether the variant meets a requirement, such as memory, that its parent does not."""
    passed = {gate.gate for gate in variant.gates if gate.state == "pass"}
    return any(gate.gate in passed for gate in parent.gates if gate.state != "pass")
