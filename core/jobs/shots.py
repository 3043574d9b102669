"""Whether the prepared rows have the examples that the study shows language models, told before anybody is asked."""

from __future__ import annotations

from collections.abc import Sequence

from core.errors import UserError
from core.jobs.plan import PlannedJob
from core.spec import Task


def most_shown(jobs: Sequence[PlannedJob]) -> int:
    """The most examples that any of these jobs puts into a message; 0 where none does."""
    parameters = [job.spec.parameters for job in jobs]
    named = [getattr(one, name, None) for one in parameters for name in ("task", "teacher_task")]
    # A suite's task is the name of a suite, and shows what the suite says.
    tasks = [task for task in named if isinstance(task, Task)]
    return max((task.few_shot.examples for task in tasks if task.few_shot is not None), default=0)


def check_shots(wanted: int, train_groups: int) -> None:
    """Raises UserError where train has fewer different rows than are to be shown."""
    if train_groups < wanted:
        raise UserError("language.few_shot_rows", wanted=wanted, found=train_groups)
