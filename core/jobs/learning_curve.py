"""Which trainings the learning curve of a student takes, how their parts are named, and what is refused."""

from __future__ import annotations

from dataclasses import dataclass

from core.domain import Role
from core.errors import UserError
from core.i18n import listed
from core.jobs.model_sources import seeds_of
from core.spec import Candidate, CandidateModel, Prune, Study, SweepModel

CURVE = "curve_"


@dataclass(frozen=True)
class CurveRun:
    """One training of the curve: the share of the train rows and the seed. `own` is the student's training itself."""

    share: float
    seed: int
    own: bool

    @property
    def suffix(self) -> str:
        """How the run's parts of the candidate end: `curve_train:0.25@1`, `curve_benchmark:0.25@1`."""
        return f":{self.share:g}@{self.seed}"


def curve_runs(study: Study) -> list[CurveRun]:
    """The trainings of the study's learning curve, by ascending share; empty without one."""
    plan = study.learning_curve
    if plan is None:
        return []
    own = own_seeds(study, study.candidate(plan.student))
    return [
        CurveRun(share, seed, own=share == 1.0 and seed in own) for share in plan.shares for seed in plan.seeds or own
    ]


def own_seeds(study: Study, candidate: Candidate) -> list[int]:
    """The seeds that the student itself is trained with."""
    training = study.training_of(candidate)
    return [training.seed if seed is None else seed for seed in seeds_of(study, candidate)]


def check_curve(study: Study) -> None:
    """Raises UserError for a learning curve of what is not trained here on labelled rows in one way."""
    plan = study.learning_curve
    if plan is None:
        return
    field, names = "learning_curve.student", [candidate.name for candidate in study.candidates]
    if plan.student not in names:
        raise UserError("study.candidate_unknown", field=field, name=plan.student, names=listed(names))
    candidate = study.candidate(plan.student)
    training = study.training_of(candidate)
    if candidate.role is not Role.STUDENT or training.method == "none" or not study.takes_inputs(candidate):
        raise UserError("curve.untrained", name=plan.student)
    parent = study.candidate(candidate.model.name) if isinstance(candidate.model, CandidateModel) else None
    unfit = {
        "model.source: sweep": isinstance(candidate.model, SweepModel),
        "train.dynamic": training.dynamic is not None,
        "compress: prune": any(isinstance(step, Prune) for step in candidate.compress),
        "model.source: candidate": parent is not None and not _untrained(study, parent),
    }
    for part, given in unfit.items():
        if given:
            raise UserError("curve.unfit", name=plan.student, part=part)


def _untrained(study: Study, candidate: Candidate) -> bool:
    """Whether nothing of the train rows is in a model that a student starts from."""
    if study.training_of(candidate).method != "none" or candidate.compress:
        return False
    model = candidate.model
    return not isinstance(model, CandidateModel) or _untrained(study, study.candidate(model.name))
