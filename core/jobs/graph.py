"""The jobs of a plan as they are found: each once, with the candidates that use it and the parts that it makes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from core.domain import JobKind
from core.jobs.identity import job_id
from core.jobs.specs import JobSpec, Parameters

DATA_PART = ("", "data")
PROFILE_PART = ("", "profile")
_MEASURING = (JobKind.BENCHMARK, JobKind.CHECK, JobKind.JUDGE)


@dataclass
class JobGraph:
    """Jobs by id, their users, and the parts (candidate, part, job id)."""

    specs: dict[str, JobSpec] = field(default_factory=dict)
    users: dict[str, list[str]] = field(default_factory=dict)
    parts: list[tuple[str, str, str]] = field(default_factory=list)

    def add(self, parameters: Parameters, inputs: Mapping[str, str], candidate: str | None, part: str) -> str:
        """The id of a job that makes a part of a candidate (null: of the study); equal work is one job."""
        identifier = job_id(parameters, inputs)
        self.specs.setdefault(identifier, JobSpec(job_id=identifier, parameters=parameters, inputs=dict(inputs)))
        users = self.users.setdefault(identifier, [])
        if candidate is not None and candidate not in users:
            users.append(candidate)
        named = (candidate or DATA_PART[0], part, identifier)
        if named not in self.parts:
            self.parts.append(named)
        return identifier

    def ordered(self) -> list[JobSpec]:
        """Each job after those it needs; a candidate is measured as soon as it is made, so that figures come early."""
        ordered: dict[str, JobSpec] = {}

        def visit(identifier: str) -> None:
            if identifier not in ordered:
                for other in self.specs[identifier].inputs.values():
                    visit(other)
                ordered[identifier] = self.specs[identifier]

        prepared = [identifier for identifier, spec in self.specs.items() if spec.kind is JobKind.PREPARE]
        final = [identifier for identifier, spec in self.specs.items() if spec.kind in _MEASURING]
        for identifier in [*prepared, *final, *self.specs]:
            visit(identifier)
        return list(ordered.values())
