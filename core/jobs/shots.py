"""Whether the prepared rows have the examples that the study shows language models, told before anybody is asked."""

from __future__ import annotations

from collections.abc import Sequence

from core.errors import UserError
from core.jobs.plan import PlannedJob


def most_shown(jobs: Sequence[PlannedJob]) -> int:
    """The most examples that any of these jobs puts into a message; 0 where none does."""
    parameters = [job.spec.parameters for job in jobs]
    tasks = [task for one in parameters for name in ("task", "teacher_task") if (task := getattr(one, name, None))]
    return max((task.few_shot.examples for task in tasks if task.few_shot is not None), default=0)


def check_shots(wanted: int, train_groups: int) -> None:
    """Raises UserError where train has fewer different rows than are to be shown."""
    if train_groups < wanted:
        raise UserError("language.few_shot_rows", wanted=wanted, found=train_groups)
