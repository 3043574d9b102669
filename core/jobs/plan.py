"""From a study to its jobs: which work is needed, in which order, and which job makes which part of a candidate.

The plan needs the files that the study names, for their hashes are part of the jobs' identity, but it starts nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from core.domain import JobKind
from core.jobs.planner import Planner
from core.jobs.preflight import check_supported
from core.jobs.schema_file import with_schema_read
from core.jobs.specs import JobSpec
from core.spec import Study


@dataclass(frozen=True)
class PlannedJob:
    """One job of the plan; several candidates may share it."""

    spec: JobSpec
    candidates: tuple[str, ...]
    position: int

    @property
    def job_id(self) -> str:
        """The job's id."""
        return self.spec.job_id

    @property
    def kind(self) -> JobKind:
        """The kind of work."""
        return self.spec.kind

    @property
    def depends_on(self) -> tuple[str, ...]:
        """Ids of the jobs whose results it takes."""
        return tuple(self.spec.inputs.values())


@dataclass(frozen=True)
class Plan:
    """Every job that a study needs, each after those it depends on, and the parts (candidate, part, job id)."""

    jobs: tuple[PlannedJob, ...]
    parts: tuple[tuple[str, str, str], ...]

    def job(self, wanted: str) -> PlannedJob:
        """The job of that id. Raises KeyError."""
        for job in self.jobs:
            if job.job_id == wanted:
                return job
        raise KeyError(wanted)


def build_plan(study: Study, base: Path) -> Plan:
    """The plan of a study whose relative paths refer to `base`.

    Raises UserError for what this version does not run, for missing files, for model folders without safe weights and
    for missing libraries: nothing is started then.
    """
    study = with_schema_read(study, base)
    check_supported(study, base)
    graph = Planner(study, base).planned()
    jobs = tuple(
        PlannedJob(spec, tuple(graph.users[spec.job_id]), position) for position, spec in enumerate(graph.ordered())
    )
    return Plan(jobs, tuple(graph.parts))
