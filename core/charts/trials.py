"""The trials of a search for a student: quality against speed, with the chosen one marked."""

from __future__ import annotations

from collections.abc import Sequence

from core.charts.spec import Axis, ChartSpec, Corner, Line, Point
from core.decide.outcome import Message, message
from core.domain import Role
from core.jobs.results import SweepResult, TrialRecord
from core.spec import PLUGIN_PREFIX

_ROUNDING = 1e-9
LOG_FROM = 5.0  # the ratio of fastest to slowest from which an even axis would crowd the slow ones together


def trials_chart(candidate: str, result: SweepResult, retain: float | None = None) -> ChartSpec:
    """Quality on the held-out train rows against requests a second: one point for each trial that was measured.

    The teacher's quality is a line; with `retain` so is the share of it that was asked for. Trials that miss a limit
    stay, faded. The Pareto front of those that meet all limits is a line.
    """
    trials = [trial for trial in result.trials if trial.quality is not None and trial.requests_per_second is not None]
    front = _front(trials)
    least = None if retain is None else retain * result.teacher_quality
    points = [_point(trial, result.chosen, front, least) for trial in trials]
    speeds = [point.x for point in points]
    wide = bool(speeds) and min(speeds) > 0.0 and max(speeds) >= LOG_FROM * min(speeds)
    teacher = result.teacher_quality
    lines = [_level(message("charts.trials.teacher", quality=teacher), teacher, speeds, Role.TEACHER)]
    if retain is not None:
        lines.append(_level(message("charts.trials.retain", share=retain), retain * teacher, speeds))
    return ChartSpec(
        code="charts.trials",
        kind="scatter",
        title=message("charts.trials.title", candidate=candidate),
        x=Axis(message("charts.axis.requests_per_second"), "requests/s", "number", better="high", log=wide),
        y=Axis(
            message("charts.axis.quality", metric=result.metric.removeprefix(PLUGIN_PREFIX)),
            "share",
            "percent",
            better="high",
            minimum=0.0,
            maximum=1.0,
        ),
        points=tuple(points),
        lines=(*lines, *_pareto(trials, front)) if points else (),
        corner=Corner(message("charts.corner.most_attractive"), "top_right"),
        empty=None if points else message("charts.empty.trials", candidate=candidate),
    )


def _front(trials: Sequence[TrialRecord]) -> list[int]:
    """Numbers of the feasible trials that no other beats in both quality and speed, slowest first."""
    ordered = sorted(
        (trial for trial in trials if trial.feasible),
        key=lambda trial: (-(trial.requests_per_second or 0.0), -(trial.quality or 0.0), trial.number),
    )
    found: list[int] = []
    best = -1.0
    for trial in ordered:
        if (trial.quality or 0.0) > best:
            best = trial.quality or 0.0
            found.append(trial.number)
    return found[::-1]


def _point(trial: TrialRecord, chosen: int, front: Sequence[int], least_quality: float | None) -> Point:
    quality = trial.quality or 0.0
    # Shares of rows: less than this apart they are the same one, rounded differently.
    below = least_quality is not None and quality < least_quality - _ROUNDING
    missed = "charts.trials.misses_the_quality" if below else "charts.trials.misses_a_limit"
    return Point(
        name=str(trial.number),
        label=message("charts.trials.trial", number=trial.number),
        role=Role.STUDENT,
        x=trial.requests_per_second or 0.0,
        y=quality,
        excluded=None if trial.feasible or trial.number == chosen else message(missed),
        chosen=trial.number == chosen,
        on_front=trial.number in front,
    )


def _pareto(trials: Sequence[TrialRecord], front: Sequence[int]) -> list[Line]:
    by_number = {trial.number: trial for trial in trials}
    if len(front) < 2:
        return []
    steps = [by_number[number] for number in front]
    xs = tuple(trial.requests_per_second or 0.0 for trial in steps)
    ys = tuple(trial.quality or 0.0 for trial in steps)
    return [Line("pareto", message("charts.line.pareto"), "pareto", xs, ys)]


def _level(label: Message, quality: float, speeds: Sequence[float], role: Role | None = None) -> Line:
    """A quality as a line through the whole width."""
    ends = (min(speeds, default=0.0), max(speeds, default=0.0))
    return Line(
        label.code.rsplit(".", 1)[-1], label, "reference" if role else "limit", ends, (quality, quality), role=role
    )
