"""The two documents that scripts rely on: results and recommendation, as plain JSON values.

Keys are never missing: what was not measured is null, and NaN never appears. Candidates stand in study order.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date
from typing import Any

from core.decide.limit_documents import label_noise_document, learning_document
from core.decide.outcome import (
    CandidateDecision,
    ComplexityProfile,
    CostFigures,
    CutInputs,
    Decision,
    Exclusion,
    Flip,
    FrontierStep,
    Interval,
    Latency,
    LoadFigures,
    Message,
    PolicyDecision,
    Quality,
    Retained,
    RetrievalFound,
    TokenLatency,
    Uncompressed,
)
from core.domain import Role
from core.evidence import StudyEvidence
from core.i18n import translate_text
from core.jobs.results import CheckResult, SuiteResult
from core.metrics.effective import effective_rows
from core.metrics.fields import PartFigures
from core.metrics.percentiles import Percentiles, percentiles
from core.metrics.proportions import wilson_interval
from core.spec import Study

DIGITS = 12  # more would only show how a machine adds up


def results_document(evidence: StudyEvidence, decision: Decision) -> dict[str, Any]:
    """The document of `tercet results --json`: measurements with intervals, per candidate and per policy."""
    study = evidence.study
    return _document(
        {
            "study": study.name,
            "task": {"kind": study.task.kind, "metric": study.task.metric, "prompt": study.task.prompt},
            "data": _data(evidence, decision),
            "complexity": _complexity(decision.complexity),
            "candidates": [
                _candidate(candidate, study) | {"suites": _suites(evidence.candidate(candidate.name).suites)}
                for candidate in decision.candidates
            ],
            "policies": [_policy(policy) for policy in decision.policies],
        }
    )


def recommendation_document(decision: Decision) -> dict[str, Any]:
    """The document of `tercet recommend --json`: the choice, its reasons, and what would change it."""
    confidence = decision.confidence
    return _document(
        {
            "choice": decision.choice.value,
            "candidate": decision.candidate,
            "confidence": {
                "probability_best": confidence.probability_best,
                "expected_loss": confidence.expected_loss,
                "evpi": confidence.evpi,
            },
            "headline": _message(decision.headline),
            "leading": decision.leading,
            "reasons": [_message(reason) for reason in decision.reasons],
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
            "notes": [_message(note) for note in decision.notes],
        }
    )


def _exclusion(excluded: Exclusion) -> dict[str, Any]:
    return {
        "candidate": excluded.candidate,
        "gate": excluded.gate.value,
        "rule": excluded.rule,
        **_message(excluded.message),
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


def _document(parts: dict[str, Any]) -> dict[str, Any]:
    return {key: plain(part) for key, part in parts.items()}


def plain(value: Any) -> Any:
    """A value as JSON can hold it: dates as text, figures in twelve digits, and no NaN or infinity."""
    if isinstance(value, dict):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None
    return value


def _message(message: Message) -> dict[str, Any]:
    return {"code": message.code, "values": message.values, "text": message.text}


def _data(evidence: StudyEvidence, decision: Decision) -> dict[str, Any]:
    data = evidence.dataset
    return {
        "rows": {
            "train": None if data is None else data.rows_train,
            "calibration": None if data is None else data.rows_calibration,
            "test": None if data is None else data.rows_test,
        },
        "dropped": [
            {
                "reason": translate_text("en", one.reason, {"rows": one.rows, "count": one.rows}, one.reason),
                "rows": one.rows,
            }
            for one in (() if data is None else data.dropped)
        ],
        "weights": _weights(evidence),
        "time": _time(evidence),
        "label_noise": label_noise_document(decision),
    }


def _weights(evidence: StudyEvidence) -> dict[str, Any] | None:
    """The weight column and how many test rows of equal weight the weighted ones are worth; null without one."""
    column, test = evidence.study.data.columns.weight, evidence.test
    if column is None or test is None:
        return None
    return {
        "column": column,
        "rows": len(test.groups),
        "effective_rows": effective_rows(test.groups, test.weights),
        "equal": test.weights is None,
    }


def _time(evidence: StudyEvidence) -> dict[str, Any] | None:
    """From when to when each split's rows are; null where they were not split by time."""
    plan, data = evidence.study.data.split, evidence.dataset
    if plan is None or plan.time is None or data is None or not data.spans:
        return None
    found: dict[str, Any] = {"column": plan.time, "train": None, "calibration": None, "test": None}
    for span in data.spans:
        found[span.split] = {"from": span.first, "to": span.last, "older_rows": span.older_rows}
    return found


def _complexity(profile: ComplexityProfile) -> dict[str, Any]:
    measured = {
        "level": profile.measured,
        "teacher": profile.teacher,
        "student": profile.student,
        "disagreement": profile.disagreement,
        "gap": _interval(profile.gap),
        "headroom": profile.headroom,
        "floor_gap": _interval(profile.floor_gap),
        "label_entropy_bits": profile.label_entropy_bits,
        "input_length": {
            "p50": profile.input_length_p50,
            "p95": profile.input_length_p95,
            "max": profile.input_length_max,
        },
        "slices": [
            {
                "column": one.column,
                "value": one.value,
                "rows": one.rows,
                "teacher": one.teacher,
                "student": one.student,
                "gap": _interval(one.gap),
            }
            for one in profile.slices
        ],
        **learning_document(profile),
    }
    contradiction = None if profile.contradiction is None else profile.contradiction.text
    return {"stated": profile.stated, "measured": measured, "contradiction": contradiction}


def _candidate(candidate: CandidateDecision, study: Study) -> dict[str, Any]:
    return {
        "name": candidate.name,
        "role": candidate.role.value,
        "source": candidate.source,
        "parent": candidate.parent,
        "origin": candidate.origin,
        "runtime": candidate.runtime,
        "policy": None if candidate.policy is None else candidate.policy.value,
        "quality": _quality(candidate.quality, study.task.metric),
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
        "cost_benefit": _interval(candidate.cost_benefit) or {"value": None, "low": None, "high": None},
        "by_seed": [{"seed": one.seed, "quality": one.quality} for one in candidate.by_seed],
        "retained": _retained(candidate.retained),
        "dominated_by": candidate.dominated_by,
        "uncompressed": _uncompressed(candidate.uncompressed),
        "fields": None if study.task.kind == "multi_label" else _parts(candidate),
        "labels": _parts(candidate) if study.task.kind == "multi_label" else None,
        "judging": _judging(candidate),
        "checks": _checks(candidate.checking),
        "load": _load(candidate.load),
        "baseline": {
            "hard_labels": None if candidate.hard_labels is None else _quality(candidate.hard_labels, ""),
            "added": _interval(candidate.distillation_added),
        },
        "retrieval": _retrieval(candidate.retrieval),
        "cut_inputs": _cut_inputs(candidate.cut_inputs),
        "classes": [
            {"label": one.label, "rows": one.rows, "recall": _interval(one.recall), "few_rows": one.few}
            for one in candidate.by_class
        ],
        "slices": [
            {"column": one.column, "value": one.value, "rows": one.rows, "quality": _interval(one.quality)}
            for one in candidate.by_slice
        ],
    }


def _suites(suites: Sequence[SuiteResult]) -> list[dict[str, Any]]:
    """Figures of lm-eval's tasks, which have no part in the decision."""
    return [
        {
            "suite": suite.task,
            "task": figure.task,
            "metric": figure.metric,
            "filter": figure.filter,
            "value": figure.value,
            "standard_error": figure.standard_error,
            "rows": figure.rows,
            "num_fewshot": figure.num_fewshot,
            "library": suite.library,
        }
        for suite in suites
        for figure in suite.metrics
    ]


def _retrieval(found: RetrievalFound | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "method": found.method,
        "top_k": found.top_k,
        "documents": found.documents,
        "passages": found.passages,
        "index_mib": found.index_mib,
        "embeddings_mib": found.embeddings_mib,
        "encoder_mib": found.encoder_mib,
        "search_ms": _percentiles(found.search_ms),
        "right_by": found.right_by,
        "rows": found.rows,
        "recall": _interval(found.recall),
        "reciprocal_rank": _interval(found.reciprocal_rank),
        "leaked_rows": found.leaked_rows,
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


def _part(part: PartFigures) -> dict[str, Any]:
    return {
        "name": part.name,
        "precision": part.precision,
        "recall": part.recall,
        "f1": part.f1,
        "wanted": part.wanted,
        "given": part.given,
        "right": part.right,
    }


def _cut_inputs(cut: CutInputs | None) -> dict[str, Any] | None:
    if cut is None:
        return None
    return {"share": cut.share, "cut_rows": cut.cut, "unfit_rows": cut.unfit, "max_length": cut.max_length}


def _judging(candidate: CandidateDecision) -> dict[str, Any] | None:
    """How a job of its own scored the answers; `position_bias` is null where there is one order only."""
    found = candidate.judging
    if found is None:
        return None
    bias = None
    if found.both_orders:
        low, high = wilson_interval(found.disagreements, found.both_orders)
        bias = {
            "rows": found.both_orders,
            "disagreements": found.disagreements,
            "share": found.disagreements / found.both_orders,
            "low": low,
            "high": high,
            "reference_first": found.first_order if found.method == "reference" else None,
            "answer_first": found.second_order if found.method == "reference" else found.first_order,
            "answer_second": None if found.method == "reference" else found.second_order,
        }
    return {
        "method": found.method,
        "judge": found.judge,
        "scale": found.scale,
        "judges_itself": candidate.judges_itself,
        "rows": found.rows,
        "given": found.given,
        "unanswered": found.unanswered,
        "position_bias": bias,
        "verdicts": found.verdicts,
        "unreadable": found.unreadable,
        "unreadable_rows": found.unreadable_rows,
        "bought": found.bought,
        "kept": found.kept,
        "input_tokens": found.input_tokens,
        "output_tokens": found.output_tokens,
        "exact_match": {"rows": found.exact_rows, "agreements": found.exact_agreements},
    }


def _checks(found: CheckResult | None) -> dict[str, Any] | None:
    """What the checks found on the test rows, before and after the second request, and what that took."""
    if found is None:
        return None
    second = percentiles(found.second_ms) if found.second_ms else None
    return {
        "rows": found.rows,
        "failed": found.failed,
        "failure_rate": _share(found.failed, found.rows),
        "re_asked": found.re_asked,
        "re_ask_rate": _share(found.re_asked, found.rows),
        "corrected": found.corrected,
        "correction_rate": _share(found.corrected, found.re_asked),
        "remaining": found.failed - found.corrected,
        "remaining_rate": _share(found.failed - found.corrected, found.rows),
        "by_check": [{"check": one.check, "failed": one.failed, "remaining": one.remaining} for one in found.by_check],
        "second_requests": {
            "count": found.second_requests,
            "input_tokens": found.second_input_tokens,
            "output_tokens": found.second_output_tokens,
            "latency_ms": _percentiles(second),
        },
        "score_before": found.score_before,
        "score_after": found.score_after,
    }


def _share(count: int, rows: int) -> dict[str, Any] | None:
    """A share with its Wilson interval; null of no rows."""
    if rows == 0:
        return None
    low, high = wilson_interval(count, rows)
    return {"value": count / rows, "low": low, "high": high}


def _retained(retained: Retained | None) -> dict[str, Any] | None:
    if retained is None:
        return None
    share = retained.share
    return {"of": retained.of, "quality_share": share.value, "low": share.low, "high": share.high}


def _uncompressed(whole: Uncompressed | None) -> dict[str, Any] | None:
    if whole is None:
        return None
    return {
        "quality": _quality(whole.quality, ""),
        "change": _interval(whole.change),
        "p50_ms": whole.p50_ms,
        "requests_per_second": whole.requests_per_second,
        "model_size_mib": whole.model_size_mib,
        "better": whole.better,
    }


def _load(load: LoadFigures | None) -> dict[str, Any] | None:
    if load is None:
        return None
    saturation = None
    if load.saturation_concurrency is not None:
        rate = load.saturation_requests_per_second
        saturation = {"concurrency": load.saturation_concurrency, "requests_per_second": rate}
    return {
        "runtime": load.runtime,
        "requests": load.requests,
        "limit_ms": load.limit_ms,
        "saturation": saturation,
        "best_goodput": load.best_goodput,
        "levels": [
            {
                "loop": level.loop,
                "concurrency": level.concurrency,
                "rate": level.rate,
                "requests_per_second": level.requests_per_second,
                "goodput": level.goodput,
                "latency_ms": _percentiles(level.latency),
                "n": level.latency.n,
                "failed": level.failed,
                "cut_off": level.cut_off,
                "warm_up_requests": level.warm_up_requests,
            }
            for level in load.levels
        ],
    }


def _quality(quality: Quality | None, metric: str) -> dict[str, Any]:
    if quality is None:
        return {"metric": metric} | dict.fromkeys(("value", "low", "high", "n", "spread", "seeds", "interval"))
    return {
        "metric": quality.metric,
        "value": quality.value,
        "low": quality.low,
        "high": quality.high,
        "n": quality.n,
        "spread": quality.spread,
        "seeds": quality.seeds,
        "interval": quality.interval,
    }


def _latency(latency: Latency | None, tokens: TokenLatency | None) -> dict[str, Any]:
    """Times of tokens are null where no text is written, or none of its tokens was timed."""
    return {
        "p50": None if latency is None else latency.p50,
        "p95": None if latency is None else latency.p95,
        "p99": None if latency is None else latency.p99,
        "time_to_first_token": None if tokens is None else _percentiles(tokens.time_to_first_token),
        "time_to_first_output_token": None if tokens is None else _percentiles(tokens.time_to_first_output_token),
        "time_per_output_token": None if tokens is None else _percentiles(tokens.time_per_output_token),
        "inter_token": None if tokens is None else _percentiles(tokens.inter_token),
    }


def _percentiles(found: Percentiles | None) -> dict[str, Any] | None:
    return None if found is None else {"p50": found.p50, "p95": found.p95, "p99": found.p99}


def _cost(cost: CostFigures | None, currency: str) -> dict[str, Any]:
    if cost is None:
        return {
            "per_million_requests": None, "per_success": None, "monthly": None, "one_off": None,
            "one_off_labels": None, "one_off_judging": None, "currency": currency,
        }  # fmt: skip
    return {
        "per_million_requests": _value(cost.per_million_requests),
        "per_success": _value(cost.per_success),
        "monthly": _value(cost.monthly),
        "one_off": cost.one_off,
        "one_off_labels": cost.one_off_labels,
        "one_off_judging": cost.one_off_judging,
        "currency": cost.currency,
    }


def _value(interval: Interval | None) -> float | None:
    return None if interval is None else interval.value


def _interval(interval: Interval | None) -> dict[str, Any] | None:
    if interval is None:
        return None
    return {"value": interval.value, "low": interval.low, "high": interval.high}


def _policy(policy: PolicyDecision) -> dict[str, Any]:
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
        "quality": _quality(policy.quality, policy.quality.metric),
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
