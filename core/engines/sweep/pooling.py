"""The trials of a search with what all timings of their shape and form say together.

Students of one shape and form do the same arithmetic: what differs between their timings is the machine, which the
search would otherwise take for speed.
"""

from __future__ import annotations

from collections.abc import Sequence

from core.engines.sweep.figures import Speed
from core.engines.sweep.objective import Wanted
from core.engines.sweep.records import TrialLine
from core.engines.sweep.space import Settings

# An answer takes as long as it has tokens: so far apart, two lengths make no more difference than the machine's noise.
_SAME_LENGTH = 0.05


def pooled(lines: Sequence[TrialLine], wanted: Wanted) -> list[TrialLine]:
    """The trials, each as fast as the median of all timings of students that do the same arithmetic."""
    return [_pooled(line, lines, wanted) for line in lines]


def timed_before(
    lines: Sequence[TrialLine], settings: Settings, quantize: str | None, output_tokens: float | None
) -> bool:
    """Whether a student that does the same arithmetic has been timed."""
    return any(_alike(line, settings, quantize, output_tokens) for line in lines)


def as_fast(trials: Sequence[TrialLine], chosen: int) -> tuple[int, ...]:
    """Numbers of the pooled trials of another shape or form that keep everything too, and whose timings reach into
    those of the chosen one; none where it keeps not everything itself, for then it was not chosen by its speed."""
    winner = next(line for line in trials if line.record.number == chosen)
    low = winner.record.requests_per_second_low
    if not winner.record.feasible or low is None:
        return ()
    return tuple(
        line.record.number
        for line in trials
        if line.record.feasible
        and not _alike(line, winner.settings, winner.quantize, winner.output_tokens)
        and (line.record.requests_per_second_high or 0.0) >= low
    )


def _pooled(line: TrialLine, lines: Sequence[TrialLine], wanted: Wanted) -> TrialLine:
    record = line.record
    if record.quality is None or not line.rates:
        return line
    alike = [one for one in lines if one.rates and _alike(one, line.settings, line.quantize, line.output_tokens)]
    speed = Speed(
        tuple(rate for one in alike for rate in one.rates), tuple(ms for one in alike for ms in one.milliseconds)
    )
    low, high = speed.spread
    figures = {
        "requests_per_second": speed.requests_per_second,
        "requests_per_second_low": low,
        "requests_per_second_high": high,
        "p95_latency_ms": speed.p95_latency_ms,
        "feasible": wanted.kept_by(record.quality, speed.requests_per_second, speed.p95_latency_ms),
    }
    return line.model_copy(update={"record": record.model_copy(update=figures)})


def _alike(line: TrialLine, settings: Settings, quantize: str | None, output_tokens: float | None) -> bool:
    same = line.settings.shape == settings.shape and line.quantize == quantize
    return same and line.record.requests_per_second is not None and _as_long(line.output_tokens, output_tokens)


def _as_long(first: float | None, second: float | None) -> bool:
    """Whether two mean answers have about as many tokens; those of classifiers have none."""
    if first is None or second is None:
        return first is second
    return abs(first - second) <= _SAME_LENGTH * max(first, second)
