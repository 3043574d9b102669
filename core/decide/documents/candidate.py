"""A candidate's part of the results document."""

from __future__ import annotations

from typing import Any

from core.decide.documents.answers import check_values, judging_values, retrieval_values
from core.decide.documents.measures import load_values
from core.decide.documents.values import interval_value, interval_values, percentile_values, quality_values
from core.decide.outcome import (
    CandidateDecision,
    CostFigures,
    CutInputs,
    Latency,
    Retained,
    TokenLatency,
    Unanswered,
    Uncompressed,
)
from core.domain import Role
from core.metrics.fields import PartFigures
from core.spec import Study


def candidate_values(candidate: CandidateDecision, study: Study) -> dict[str, Any]:
    """All that was measured of a candidate, and what follows from it."""
    return {
        "name": candidate.name,
        "role": candidate.role.value,
        "source": candidate.source,
        "parent": candidate.parent,
        "origin": candidate.origin,
        "runtime": candidate.runtime,
        "policy": None if candidate.policy is None else candidate.policy.value,
        "quality": quality_values(candidate.quality, study.task.metric),
        "latency_ms": _latency(candidate.latency, candidate.token_latency),
        "throughput": {
            "requests_per_second": candidate.requests_per_second,
            "output_tokens_per_second": candidate.output_tokens_per_second,
        },
        "runtimes": [
            {"runtime": one.runtime, "p50_ms": one.p50_ms, "requests_per_second": one.requests_per_second}
            for one in candidate.runtimes
        ],
        "peak_memory_mib": candidate.peak_memory_mib,
        "memory": _memory(candidate),
        "model_size_mib": candidate.model_size_mib,
        "parameters": candidate.parameters,
        "energy": {"joules_per_request": candidate.joules_per_request, "source": candidate.energy_source},
        "cost": _cost(candidate.cost, study.criteria.cost.currency),
        "cost_benefit": interval_values(candidate.cost_benefit) or {"value": None, "low": None, "high": None},
        "by_seed": [{"seed": one.seed, "quality": one.quality} for one in candidate.by_seed],
        "retained": _retained(candidate.retained),
        "dominated_by": candidate.dominated_by,
        "uncompressed": _uncompressed(candidate.uncompressed),
        "fields": None if study.task.kind == "multi_label" else _parts(candidate),
        "labels": _parts(candidate) if study.task.kind == "multi_label" else None,
        "judging": judging_values(candidate),
        "checks": check_values(candidate.checking),
        "load": load_values(candidate.load),
        "baseline": {
            "hard_labels": None if candidate.hard_labels is None else quality_values(candidate.hard_labels, ""),
            "added": interval_values(candidate.distillation_added),
        },
        "retrieval": retrieval_values(candidate.retrieval),
        "cut_inputs": _cut_inputs(candidate.cut_inputs),
        "unanswered": _unanswered(candidate.unanswered),
        "classes": [
            {"label": one.label, "rows": one.rows, "recall": interval_values(one.recall), "few_rows": one.few}
            for one in candidate.by_class
        ],
        "slices": [
            {"column": one.column, "value": one.value, "rows": one.rows, "quality": interval_values(one.quality)}
            for one in candidate.by_slice
        ],
    }


def _memory(candidate: CandidateDecision) -> dict[str, Any]:
    """Peaks by phase. Marks of the kernel and of allocators are counters; sums of a hybrid's models are none."""
    peak = candidate.memory
    return {
        "loading_mib": None if peak is None else peak.loading_mib,
        "answering_mib": None if peak is None else peak.answering_mib,
        "gpu_reserved_mib": None if peak is None else peak.gpu_reserved_mib,
        "gpu_process_mib": None if peak is None else peak.gpu_process_mib,
        "source": _memory_source(candidate),
    }


def _memory_source(candidate: CandidateDecision) -> str:
    if candidate.peak_memory_mib is None:
        return "not measured"
    return "estimate" if candidate.role is Role.HYBRID else "counter"


def _parts(candidate: CandidateDecision) -> list[dict[str, Any]] | None:
    return [_part(part) for part in candidate.parts] or None


def _ends(interval: tuple[float, float] | None) -> dict[str, float] | None:
    return None if interval is None else {"low": interval[0], "high": interval[1]}


def _part(part: PartFigures) -> dict[str, Any]:
    return {
        "name": part.name,
        "precision": part.precision,
        "recall": part.recall,
        "f1": part.f1,
        "precision_interval": _ends(part.precision_interval),
        "recall_interval": _ends(part.recall_interval),
        "weighted": part.weights is not None,
        "wanted": part.wanted,
        "given": part.given,
        "right": part.right,
    }


def _cut_inputs(cut: CutInputs | None) -> dict[str, Any] | None:
    if cut is None:
        return None
    return {"share": cut.share, "cut_rows": cut.cut, "unfit_rows": cut.unfit, "max_length": cut.max_length}


def _unanswered(found: Unanswered | None) -> dict[str, Any] | None:
    return None if found is None else {"count": found.count, "rows": found.rows, "share": found.share}


def _retained(retained: Retained | None) -> dict[str, Any] | None:
    if retained is None:
        return None
    share = retained.share
    return {"of": retained.of, "quality_share": share.value, "low": share.low, "high": share.high}


def _uncompressed(whole: Uncompressed | None) -> dict[str, Any] | None:
    if whole is None:
        return None
    return {
        "quality": quality_values(whole.quality, ""),
        "change": interval_values(whole.change),
        "p50_ms": whole.p50_ms,
        "requests_per_second": whole.requests_per_second,
        "model_size_mib": whole.model_size_mib,
        "better": whole.better,
    }


def _latency(latency: Latency | None, tokens: TokenLatency | None) -> dict[str, Any]:
    """Times of tokens are null where no text is written, or none of its tokens was timed. `inter_token` is between the
    chunks that an endpoint sends, each of which may hold several tokens."""
    return {
        "p50": None if latency is None else latency.p50,
        "p95": None if latency is None else latency.p95,
        "p99": None if latency is None else latency.p99,
        "time_to_first_token": None if tokens is None else percentile_values(tokens.time_to_first_token),
        "time_to_first_output_token": None if tokens is None else percentile_values(tokens.time_to_first_output_token),
        "time_per_output_token": None if tokens is None else percentile_values(tokens.time_per_output_token),
        "inter_token": None if tokens is None else percentile_values(tokens.inter_token),
    }


def _cost(cost: CostFigures | None, currency: str) -> dict[str, Any]:
    if cost is None:
        return {
            "per_million_requests": None, "per_success": None, "monthly": None, "one_off": None,
            "one_off_labels": None, "one_off_judging": None, "currency": currency,
        }  # fmt: skip
    return {
        "per_million_requests": interval_value(cost.per_million_requests),
        "per_success": interval_value(cost.per_success),
        "monthly": interval_value(cost.monthly),
        "one_off": cost.one_off,
        "one_off_labels": cost.one_off_labels,
        "one_off_judging": cost.one_off_judging,
        "currency": cost.currency,
    }
