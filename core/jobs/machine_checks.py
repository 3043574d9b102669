"""What this machine cannot do of the jobs that are still to be done, told before the first of them begins."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from core.errors import UserError
from core.gpu import other_device
from core.i18n import Sentence, english
from core.jobs.plan import Plan, PlannedJob
from core.jobs.specs import CompressParameters
from core.spec import Quantize


@dataclass(frozen=True)
class Refusal:
    """A job that this machine cannot do, why, and the candidates that are not made without it."""

    job_id: str
    why: UserError
    candidates: tuple[str, ...]

    @property
    def words(self) -> Sentence:
        """Who is left out, and why."""
        return english("run.left_out", names=", ".join(self.candidates), reason=self.why.text)


@dataclass(frozen=True)
class LeftOut:
    """What a run of a whole study leaves out because this machine cannot do it: `jobs` are those refused, what needs
    them, and what serves no other candidate."""

    refusals: tuple[Refusal, ...] = ()
    jobs: frozenset[str] = frozenset()


def check_machine(jobs: Iterable[PlannedJob]) -> None:
    """Raises UserError where a language model is to be brought to 4 bits and no NVIDIA GPU is here.

    Jobs that are done or not asked for are none of `jobs`: they may run, or have run, on another machine.
    """
    for job in jobs:
        why = _refusal(job)
        if why is not None:
            raise why


def left_out(plan: Plan, done: Collection[str]) -> LeftOut:
    """What this machine leaves out of the jobs that are not `done`. Raises UserError where it can make no candidate."""
    why = {job.job_id: error for job in plan.jobs if job.job_id not in done and (error := _refusal(job)) is not None}
    if not why:
        return LeftOut()
    needed = _needed(plan, done)
    without = {name: jobs for name, jobs in needed.items() if name and jobs & set(why)}
    if set(without) == {name for name in needed if name}:
        raise next(iter(why.values()))
    refusals = (
        Refusal(job_id, error, tuple(name for name, jobs in without.items() if job_id in jobs))
        for job_id, error in why.items()
    )
    own = frozenset[str]().union(*without.values())
    return LeftOut(tuple(refusals), own.difference(*(jobs for name, jobs in needed.items() if name not in without)))


def _needed(plan: Plan, done: Collection[str]) -> dict[str, frozenset[str]]:
    """The jobs that each candidate still takes, by its name in the plan's order; the study's own under none."""
    behind: dict[str, frozenset[str]] = {}
    for job in plan.jobs:  # each stands behind those that it needs
        own = frozenset[str]() if job.job_id in done else frozenset({job.job_id})
        behind[job.job_id] = own.union(*(behind[other] for other in job.depends_on)) if own else own
    found: dict[str, frozenset[str]] = {}
    for name, _, job_id in plan.parts:
        found[name] = found.get(name, frozenset()) | behind[job_id]
    return found


def _refusal(job: PlannedJob) -> UserError | None:
    parameters = job.spec.parameters
    # The job of a classifier has no task.
    if not isinstance(parameters, CompressParameters) or parameters.task is None:
        return None
    in_4_bits = any(isinstance(step, Quantize) and step.quantize == "int4" for step in parameters.steps)
    device = other_device() if in_4_bits else None
    if device is None:
        return None
    named = f"candidates: {', '.join(job.candidates)}"
    return UserError("compress.language_int4_needs_gpu", path=named, device=device)
