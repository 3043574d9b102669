"""A candidate's load test in figures: each level, the saturation point, and what meets the user's limit."""

from __future__ import annotations

from collections.abc import Sequence

from core.decide.outcome import LoadFigures, LoadLevel, LoadLimits, Message, message
from core.jobs.results import FailureCause, LoadResult, LoadStep
from core.metrics.load import goodput, saturation_point
from core.metrics.percentiles import Percentiles, percentiles
from core.spec import Service

LATENCY, FIRST_TOKEN, PER_TOKEN = "latency", "time_to_first_token", "time_per_output_token"
_NOTHING = Percentiles(None, None, None, 0)


def load_notes(name: str, load: LoadFigures) -> list[Message]:
    """What stands beside a candidate's figures: why requests failed, which levels have no figures for it, and which
    limits of the criteria are in no goodput, or not in all of them; and at how many the machine was busy."""
    notes = _failure_notes(name, load)
    if any(not level.usable for level in load.levels):
        notes.append(message("decide.load.unusable", name=name))
    if busy := sum(level.noisy for level in load.levels):
        notes.append(message("decide.load.noisy", name=name, count=busy))
    return notes + [message(f"decide.load.unapplied.{limit}", name=name) for limit in load.unapplied]


def _failure_notes(name: str, load: LoadFigures) -> list[Message]:
    """How many requests failed, and the cause seen most; tests of earlier versions kept no causes."""
    failed = sum(level.failed for level in load.levels)
    if not failed:
        return []
    counted = failed + sum(level.answered for level in load.levels)
    causes = [cause for level in load.levels for cause in level.causes]
    if not causes:
        return [message("decide.load.failed.unknown", name=name, failed=failed, requests=counted)]
    most = max(causes, key=lambda cause: _seen(causes, cause))
    code, cause = f"decide.load.failed.{most.kind}", (most.status, most.words)
    return [message(code, name=name, failed=failed, requests=counted, status=cause[0], words=cause[1])]


def _seen(causes: Sequence[FailureCause], one: FailureCause) -> int:
    """How often a cause was seen at all levels."""
    return sum(cause.count for cause in causes if (cause.kind, cause.status) == (one.kind, one.status))


def limits_of(service: Service) -> LoadLimits:
    """The limits that the criteria set for each request."""
    return LoadLimits(service.p95_latency_ms, service.time_to_first_token_ms, service.time_per_output_token_ms)


def load_figures(tested: LoadResult | None, limits: LoadLimits) -> LoadFigures | None:
    """The figures of a test whose requests are held to `limits`; null where nobody tested it."""
    if tested is None:
        return None
    levels = tuple(_level(step, limits) for step in tested.steps)
    closed = [step for step in tested.steps if step.rate is None and not step.mostly_failed]
    place = saturation_point([step.requests_per_second for step in closed])
    saturation = None if place is None else closed[place]
    goods = [level.goodput for level in levels if level.goodput is not None]
    return LoadFigures(
        runtime=tested.runtime,
        levels=levels,
        saturation_concurrency=None if saturation is None else saturation.concurrency,
        saturation_requests_per_second=None if saturation is None else saturation.requests_per_second,
        saturation_output_tokens_per_second=None if saturation is None else saturation.output_tokens_per_second,
        most_clients=max((step.concurrency for step in closed), default=None),
        limits=limits,
        unapplied=tuple(name for name in (FIRST_TOKEN, PER_TOKEN) if any(name in level.unapplied for level in levels)),
        best_goodput=max(goods, default=None),
        requests=tested.requests,
    )


def _level(step: LoadStep, limits: LoadLimits) -> LoadLevel:
    """Requests that were cut off count with their wait so far: percentiles are bounds from below then."""
    held = {} if step.mostly_failed else _held(step, limits)
    known = [met for met in held.values() if met is not None]
    return LoadLevel(
        loop=step.loop,
        concurrency=step.concurrency,
        rate=step.rate,
        requests_per_second=None if step.mostly_failed else step.requests_per_second,
        goodput=goodput(step.requests_per_second, [all(met) for met in zip(*known, strict=True)]) if known else None,
        unapplied=tuple(name for name, met in held.items() if met is None),
        latency=_NOTHING if step.mostly_failed else percentiles((*step.latency_ms, *step.cut_off_ms)),
        time_to_first_token=None if step.mostly_failed else _first_tokens(step),
        answered=len(step.latency_ms),
        failed=step.failed,
        causes=step.causes,
        usable=not step.mostly_failed,
        cut_off=len(step.cut_off_ms),
        warm_up_requests=step.warm_up_requests,
        output_tokens_per_second=None if step.mostly_failed else step.output_tokens_per_second,
        noisy=step.noisy,
    )


def _held(step: LoadStep, limits: LoadLimits) -> dict[str, Sequence[bool] | None]:
    """Whether each answered request meets each limit that there is; null where the level knows nothing of it.

    A first token that did not come by itself came with the answer at the latest. An answer of one token, or in one
    piece, has no time between tokens, and so none that is too long; where none has any, nothing is known of it.
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
        if name == PER_TOKEN and known and all(time is None for time in known):
            known = None
        found[name] = None if known is None else [time is None or time <= limit for time in known]
    return found


def _first_tokens(step: LoadStep) -> Percentiles | None:
    if step.time_to_first_token_ms is None:
        return None
    return percentiles([*(first for first in step.time_to_first_token_ms if first is not None), *step.cut_off_ms])
