"""A candidate's load test in figures: each level, the saturation point, and what meets the user's limit."""

from __future__ import annotations

from core.decide.outcome import LoadFigures, LoadLevel
from core.jobs.results import LoadResult, LoadStep
from core.metrics.load import goodput, saturation_point
from core.metrics.percentiles import Percentiles, percentiles


def load_figures(tested: LoadResult | None, limit_ms: float | None) -> LoadFigures | None:
    """The figures of a test; `limit_ms` is the limit that each request is held to, null without one."""
    if tested is None:
        return None
    levels = tuple(_level(step, limit_ms) for step in tested.steps)
    closed = [level for level in levels if level.rate is None]
    place = saturation_point([level.requests_per_second for level in closed])
    saturation = None if place is None else closed[place]
    goods = [level.goodput for level in levels if level.goodput is not None]
    return LoadFigures(
        runtime=tested.runtime,
        levels=levels,
        saturation_concurrency=None if saturation is None else saturation.concurrency,
        saturation_requests_per_second=None if saturation is None else saturation.requests_per_second,
        limit_ms=limit_ms,
        best_goodput=max(goods, default=None),
        requests=tested.requests,
    )


def _level(step: LoadStep, limit_ms: float | None) -> LoadLevel:
    """Requests that were cut off count with their wait so far: percentiles are bounds from below then."""
    return LoadLevel(
        loop=step.loop,
        concurrency=step.concurrency,
        rate=step.rate,
        requests_per_second=step.requests_per_second,
        goodput=None if limit_ms is None else goodput(step.requests_per_second, step.latency_ms, limit_ms),
        latency=percentiles((*step.latency_ms, *step.cut_off_ms)),
        time_to_first_token=_first_tokens(step),
        failed=step.failed,
        cut_off=len(step.cut_off_ms),
        warm_up_requests=step.warm_up_requests,
    )


def _first_tokens(step: LoadStep) -> Percentiles | None:
    if step.time_to_first_token_ms is None:
        return None
    return percentiles([*(first for first in step.time_to_first_token_ms if first is not None), *step.cut_off_ms])
