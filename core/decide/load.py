"""A candidate's load test in figures: each level, the saturation point, and what meets the user's limit."""

from __future__ import annotations

from collections.abc import Sequence

from core.decide.outcome import LoadFigures, LoadLevel, LoadLimits, Message, message
from core.jobs.results import LoadResult, LoadStep
from core.metrics.load import goodput, saturation_point
from core.metrics.percentiles import Percentiles, percentiles
from core.spec import Service

LATENCY, FIRST_TOKEN, PER_TOKEN = "latency", "time_to_first_token", "time_per_output_token"


def unapplied_notes(name: str, load: LoadFigures) -> list[Message]:
    """Why limits of the criteria are in no goodput of a candidate, or not in all of them."""
    return [message(f"decide.load.unapplied.{limit}", name=name) for limit in load.unapplied]


def limits_of(service: Service) -> LoadLimits:
    """The limits that the criteria set for each request."""
    return LoadLimits(service.p95_latency_ms, service.time_to_first_token_ms, service.time_per_output_token_ms)


def load_figures(tested: LoadResult | None, limits: LoadLimits) -> LoadFigures | None:
    """The figures of a test whose requests are held to `limits`; null where nobody tested it."""
    if tested is None:
        return None
    levels = tuple(_level(step, limits) for step in tested.steps)
    closed = [level for level in levels if level.rate is None]
    place = saturation_point([level.requests_per_second for level in closed])
    saturation = None if place is None else closed[place]
    goods = [level.goodput for level in levels if level.goodput is not None]
    return LoadFigures(
        runtime=tested.runtime,
        levels=levels,
        saturation_concurrency=None if saturation is None else saturation.concurrency,
        saturation_requests_per_second=None if saturation is None else saturation.requests_per_second,
        limits=limits,
        unapplied=tuple(name for name in (FIRST_TOKEN, PER_TOKEN) if any(name in level.unapplied for level in levels)),
        best_goodput=max(goods, default=None),
        requests=tested.requests,
    )


def _level(step: LoadStep, limits: LoadLimits) -> LoadLevel:
    """Requests that were cut off count with their wait so far: percentiles are bounds from below then."""
    held = _held(step, limits)
    known = [met for met in held.values() if met is not None]
    return LoadLevel(
        loop=step.loop,
        concurrency=step.concurrency,
        rate=step.rate,
        requests_per_second=step.requests_per_second,
        goodput=goodput(step.requests_per_second, [all(met) for met in zip(*known, strict=True)]) if known else None,
        unapplied=tuple(name for name, met in held.items() if met is None),
        latency=percentiles((*step.latency_ms, *step.cut_off_ms)),
        time_to_first_token=_first_tokens(step),
        failed=step.failed,
        cut_off=len(step.cut_off_ms),
        warm_up_requests=step.warm_up_requests,
    )


def _held(step: LoadStep, limits: LoadLimits) -> dict[str, Sequence[bool] | None]:
    """Whether each answered request meets each limit that there is; null where the level knows nothing of it.

    A first token that did not come by itself came with the answer at the latest. An answer of one token has no time
    between tokens, and so none that is too long.
    """
    firsts, between = step.time_to_first_token_ms, step.time_per_output_token_ms
    if firsts is not None:
        pairs = zip(firsts, step.latency_ms, strict=True)
        firsts = tuple(latency if first is None else first for first, latency in pairs)
    found: dict[str, Sequence[bool] | None] = {}
    for name, limit, times in (
        (LATENCY, limits.latency, step.latency_ms),
        (FIRST_TOKEN, limits.time_to_first_token, firsts),
        (PER_TOKEN, limits.time_per_output_token, between),
    ):
        if limit is None:
            continue
        # Where nothing was answered, nothing met anything.
        known = times if step.latency_ms else ()
        found[name] = None if known is None else [time is None or time <= limit for time in known]
    return found


def _first_tokens(step: LoadStep) -> Percentiles | None:
    if step.time_to_first_token_ms is None:
        return None
    return percentiles([*(first for first in step.time_to_first_token_ms if first is not None), *step.cut_off_ms])
