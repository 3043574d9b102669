"""How a candidate's answers were checked and judged, and with which passages they were found."""

from __future__ import annotations

from typing import Any

from core.decide.documents.values import interval_values, percentile_values, share_values
from core.decide.outcome import (
    CandidateDecision,
    RetrievalFound,
)
from core.jobs.results import CheckResult
from core.metrics.percentiles import percentiles
from core.metrics.proportions import wilson_interval


def retrieval_values(found: RetrievalFound | None) -> dict[str, Any] | None:
    """What retrieval found, and what its index takes; null for a candidate without one."""
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
        "search_ms": percentile_values(found.search_ms),
        "right_by": found.right_by,
        "rows": found.rows,
        "recall": interval_values(found.recall),
        "reciprocal_rank": interval_values(found.reciprocal_rank),
        "leaked_rows": found.leaked_rows,
        "unknown_documents": found.unknown_documents,
    }


def judging_values(candidate: CandidateDecision) -> dict[str, Any] | None:
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
        "exact_match": {
            "rows": found.exact_rows,
            "agreements": found.exact_agreements,
            "matches": found.exact_matches,
            "judged_right": found.exact_judged_right,
            "kappa": found.kappa,
        },
        "by_verdict": [{"verdict": one.verdict, "count": one.count} for one in found.by_verdict],
        "by_score": [{"score": one.score, "rows": one.rows} for one in found.by_score],
    }


def check_values(found: CheckResult | None) -> dict[str, Any] | None:
    """What the checks found on the test rows, before and after the second request, and what that took."""
    if found is None:
        return None
    second = percentiles(found.second_ms) if found.second_ms else None
    return {
        "rows": found.rows,
        "failed": found.failed,
        "failure_rate": share_values(found.failed, found.rows),
        "re_asked": found.re_asked,
        "re_ask_rate": share_values(found.re_asked, found.rows),
        "corrected": found.corrected,
        "correction_rate": share_values(found.corrected, found.re_asked),
        "remaining": found.failed - found.corrected,
        "remaining_rate": share_values(found.failed - found.corrected, found.rows),
        "by_check": [{"check": one.check, "failed": one.failed, "remaining": one.remaining} for one in found.by_check],
        "second_requests": {
            "count": found.second_requests,
            "unanswered": found.second_unanswered,
            "input_tokens": found.second_input_tokens,
            "output_tokens": found.second_output_tokens,
            "latency_ms": percentile_values(second),
        },
        "score_before": found.score_before,
        "score_after": found.score_after,
    }
