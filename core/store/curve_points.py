"""The sizes of a student's learning curve, from the rows that each of its trainings answered."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from core.data.train_part import part_of_rows
from core.domain import Example, Split
from core.evidence import CurvePoint, ScoredRows
from core.jobs.learning_curve import CurveRun, curve_runs
from core.spec import Study


def curve_sizes(study: Study, name: str) -> int:
    """How many sizes the study plans for the curve of a candidate; 0 where it has none."""
    plan = study.learning_curve
    return 0 if plan is None or plan.student != name else len(plan.shares)


def curve_points(
    study: Study, name: str, examples: Sequence[Example], rows_of: Callable[[CurveRun], ScoredRows | None]
) -> tuple[CurvePoint, ...]:
    """The sizes of the curve of a candidate whose trainings are all measured, ascending; empty where it has none."""
    groups = [example.group for example in examples if example.split is Split.TRAIN]
    if not groups or not curve_sizes(study, name):
        return ()
    runs, found = curve_runs(study), list[CurvePoint]()
    for share in sorted({run.share for run in runs}):
        of_size = [run for run in runs if run.share == share]
        answered = [rows for run in of_size if (rows := rows_of(run)) is not None]
        if len(answered) == len(of_size):
            sizes = [len(part_of_rows(groups, share, run.seed)) for run in of_size]
            seeds = tuple(run.seed for run in of_size)
            found.append(CurvePoint(round(sum(sizes) / len(sizes)), seeds, tuple(answered)))
    return tuple(found)
