"""Which candidates are tested under load, and what of that is refused before a plan is made."""

from __future__ import annotations

from core.domain import Role
from core.errors import UserError
from core.i18n import listed
from core.spec import Candidate, EndpointModel, PredictionsModel, Study


def tested_under_load(study: Study) -> list[Candidate]:
    """The candidates that the study's load test names, or all that run here or answer at an address."""
    if study.load is None:
        return []
    testable = [candidate for candidate in study.candidates if _testable(study, candidate)]
    named = study.load.candidates
    return testable if named is None else [candidate for candidate in testable if candidate.name in named]


def check_load(study: Study) -> None:
    """Raises UserError for a load test of what cannot be tested, or that an endpoint's own limits forbid."""
    plan = study.load
    if plan is None:
        return
    names = [candidate.name for candidate in study.candidates]
    for name in plan.candidates or ():
        if name not in names:
            raise UserError("study.candidate_unknown", field="load.candidates", name=name, names=listed(names))
        if not _testable(study, study.candidate(name)):
            raise UserError("load.untestable", name=name)
    if not tested_under_load(study):
        raise UserError("load.nobody")
    for candidate in tested_under_load(study):
        model = candidate.model
        if not isinstance(model, EndpointModel):
            continue
        if model.requests_per_minute is not None:
            raise UserError("load.paced", name=candidate.name)
        if model.max_requests is not None and plan.most_requests > model.max_requests:
            raise UserError("load.cap", name=candidate.name, requests=plan.most_requests, cap=model.max_requests)


def _testable(study: Study, candidate: Candidate) -> bool:
    """Not so a hybrid (two models), what looks passages up first, what was measured elsewhere, and what takes no
    pictures where the data have some."""
    elsewhere = isinstance(candidate.model, PredictionsModel)
    alone = candidate.role is not Role.HYBRID and not elsewhere and not candidate.retrieval
    return alone and study.takes_inputs(candidate)
