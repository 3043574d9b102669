"""The trials of a search that still runs, from its live figures: quality against speed."""

from __future__ import annotations

from collections.abc import Sequence

from core.charts.spec import ChartSpec
from core.charts.trials import trials_chart
from core.domain import MetricPoint
from core.jobs.results import SweepResult, TrialRecord

TRIAL_QUALITY, TRIAL_SPEED = "trial_quality", "trial_requests_per_second"
NONE_CHOSEN = -1


def trials_so_far(quality: Sequence[MetricPoint], speed: Sequence[MetricPoint]) -> tuple[TrialRecord, ...]:
    """A record for each trial that told its quality; the step of a point is the trial's number."""
    speeds = {point.step: point.value for point in speed}
    return tuple(
        TrialRecord(
            number=point.step,
            state="complete" if point.step in speeds else "stopped early",
            settings={},
            quality=point.value,
            requests_per_second=speeds.get(point.step),
            p95_latency_ms=None,
            model_size_mib=None,
            feasible=True,
            seconds=0.0,
        )
        for point in quality
    )


def live_trials_chart(candidate: str, quality: Sequence[MetricPoint], speed: Sequence[MetricPoint]) -> ChartSpec:
    """The chart of the trials so far: none is chosen yet, and the teacher's quality is not known here."""
    trials = trials_so_far(quality, speed)
    chart = trials_chart(
        candidate, SweepResult(trials=trials, chosen=NONE_CHOSEN, teacher_quality=0.0, rows_held_out=0, seconds=0.0)
    )
    return ChartSpec(
        code=chart.code,
        kind=chart.kind,
        title=chart.title,
        x=chart.x,
        y=chart.y,
        points=chart.points,
        lines=tuple(line for line in chart.lines if line.kind == "pareto"),
        corner=chart.corner,
        empty=chart.empty,
    )
