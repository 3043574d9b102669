"""The results of lm-eval as rows: a measure of a task, its standard error, and how many rows it rests on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from core.jobs.results import SuiteMetric

_ERROR = "_stderr"


def metrics_of(results: Mapping[str, Any]) -> tuple[SuiteMetric, ...]:
    """Every figure of an lm-eval result document, task by task; keys there read `METRIC,FILTER`.

    A standard error that lm-eval does not give ("N/A", or NaN) is null, and a figure that is no number is left out.
    """
    rows = []
    shots, samples = results.get("n-shot", {}), results.get("n-samples", {})
    for task, told in {**results.get("results", {}), **results.get("groups", {})}.items():
        for key, value in told.items():
            name, comma, filtered = key.partition(",")
            number = _number(value)
            if not comma or name.endswith(_ERROR) or number is None:
                continue
            rows.append(
                SuiteMetric(
                    task=task,
                    metric=name,
                    filter=filtered,
                    value=number,
                    standard_error=_number(told.get(f"{name}{_ERROR},{filtered}")),
                    rows=_rows(samples.get(task), told),
                    num_fewshot=shots.get(task) if isinstance(shots.get(task), int) else None,
                )
            )
    return tuple(rows)


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not hasattr(value, "__float__"):
        return None
    number = float(value)
    return number if math.isfinite(number) else None


def _rows(counted: object, told: Mapping[str, Any]) -> int | None:
    """The rows that were measured: of the task's own count, else of its row; null for a group that tells none."""
    if isinstance(counted, Mapping) and isinstance(counted.get("effective"), int):
        return int(counted["effective"])
    length = told.get("sample_len")
    return length if isinstance(length, int) else None
