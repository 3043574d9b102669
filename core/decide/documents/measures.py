"""Measurements beside a candidate's own: under load, on lm-eval's tasks, and the trials of the search that found it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core.decide.documents.values import percentile_values
from core.decide.outcome import (
    LoadFigures,
)
from core.jobs.results import SuiteResult, SweepResult


def suite_values(suites: Sequence[SuiteResult]) -> list[dict[str, Any]]:
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


def search_values(sweep: SweepResult | None) -> dict[str, Any] | None:
    """Each trial with its settings, and its figures on train rows that no trial learnt; null where nobody searched."""
    if sweep is None:
        return None
    return {
        "chosen": sweep.chosen,
        "metric": sweep.metric,
        "teacher_quality": sweep.teacher_quality,
        "teacher_knows_rows": sweep.teacher_knows_rows,
        "rows_held_out": sweep.rows_held_out,
        "as_fast": list(sweep.as_fast),
        "trials": [
            {
                "trial": trial.number,
                "state": trial.state,
                "settings": dict(trial.settings),
                "quality": trial.quality,
                "requests_per_second": trial.requests_per_second,
                "requests_per_second_low": trial.requests_per_second_low,
                "requests_per_second_high": trial.requests_per_second_high,
                "p95_latency_ms": trial.p95_latency_ms,
                "model_size_mib": trial.model_size_mib,
                "within_limits": trial.feasible,
                "seconds": trial.seconds,
            }
            for trial in sweep.trials
        ],
    }


def load_values(load: LoadFigures | None) -> dict[str, Any] | None:
    """Each level under load, and where throughput stops growing; null where nobody tested it."""
    if load is None:
        return None
    saturation = None
    if load.saturation_concurrency is not None:
        rate = load.saturation_requests_per_second
        saturation = {
            "concurrency": load.saturation_concurrency,
            "requests_per_second": rate,
            "output_tokens_per_second": load.saturation_output_tokens_per_second,
        }
    return {
        "runtime": load.runtime,
        "requests": load.requests,
        "limit_ms": load.limits.latency,
        "limits": {
            "latency_ms": load.limits.latency,
            "time_to_first_token_ms": load.limits.time_to_first_token,
            "time_per_output_token_ms": load.limits.time_per_output_token,
        },
        "limits_not_applied": [f"{name}_ms" for name in load.unapplied],
        "saturation": saturation,
        "best_goodput": load.best_goodput,
        "levels": [
            {
                "loop": level.loop,
                "concurrency": level.concurrency,
                "rate": level.rate,
                "requests_per_second": level.requests_per_second,
                "output_tokens_per_second": level.output_tokens_per_second,
                "goodput": level.goodput,
                "latency_ms": percentile_values(level.latency),
                "time_to_first_token_ms": percentile_values(level.time_to_first_token),
                "n": level.latency.n,
                "answered": level.answered,
                "failed": level.failed,
                "failures": [
                    {"cause": one.kind, "status": one.status, "words": one.words, "count": one.count}
                    for one in level.causes
                ],
                "usable": level.usable,
                "cut_off": level.cut_off,
                "warm_up_requests": level.warm_up_requests,
                "noisy": level.noisy,
            }
            for level in load.levels
        ],
    }
