"""Figures as plain JSON values.

What was not measured is null, and NaN never appears."""

from __future__ import annotations

import math
from datetime import date
from typing import Any

from core.decide.outcome import (
    Interval,
    Message,
    Quality,
)
from core.metrics.percentiles import Percentiles
from core.metrics.proportions import wilson_interval

DIGITS = 12  # more would only show how a machine adds up


def document(parts: dict[str, Any]) -> dict[str, Any]:
    """Sections of a document, each as JSON can hold it."""
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


def message_values(message: Message) -> dict[str, Any]:
    """A message's code, its values, and its English text."""
    return {"code": message.code, "values": message.values, "text": message.text}


def interval_values(interval: Interval | None) -> dict[str, Any] | None:
    """A figure with the ends of its 95 % interval; null where it was not measured."""
    if interval is None:
        return None
    return {"value": interval.value, "low": interval.low, "high": interval.high}


def interval_value(interval: Interval | None) -> float | None:
    """The figure of an interval alone."""
    return None if interval is None else interval.value


def percentile_values(found: Percentiles | None) -> dict[str, Any] | None:
    """The median and the two tails; null where it was not measured."""
    return None if found is None else {"p50": found.p50, "p95": found.p95, "p99": found.p99}


def share_values(count: int, rows: int) -> dict[str, Any] | None:
    """A share with its Wilson interval; null of no rows."""
    if rows == 0:
        return None
    low, high = wilson_interval(count, rows)
    return {"value": count / rows, "low": low, "high": high}


def quality_values(quality: Quality | None, metric: str) -> dict[str, Any]:
    """A quality in its metric, with rows, interval and spread; keys stay where it was not measured."""
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
