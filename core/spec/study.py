"""One deployment question: the whole study file, and its JSON schema."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from core.domain import PolicyKind, Role
from core.spec.base import Name, SpecModel
from core.spec.criteria import Criteria
from core.spec.learning_curve import CurvePlan
from core.spec.load import LoadPlan
from core.spec.making import Prune, Quantize, Train, TrimVocabulary
from core.spec.models import CandidateModel, EndpointModel, Model, PredictionsModel
from core.spec.profiles import Api, Profile, SelfHosted
from core.spec.retrieval import Retrieval
from core.spec.suites import Suite
from core.spec.task import Data, Task


class Candidate(SpecModel):
    """One system under test. A hybrid names its teacher and student; every other one names its model.

    With `retrieval` a language model is given passages of the study's documents when it is measured; it is trained
    without them.
    """

    name: Name
    role: Role
    model: Model | None = None
    profile: str | None = None
    train: Train | None = None
    compress: list[Prune | TrimVocabulary | Quantize] = Field(default=[])
    retrieval: bool = False
    teacher: str | None = None
    student: str | None = None
    policies: list[PolicyKind] = Field(default=[PolicyKind.CASCADE, PolicyKind.ROUTER])

    @model_validator(mode="after")
    def _parts_fit_role(self) -> Candidate:
        if self.role is Role.HYBRID:
            if self.teacher is None or self.student is None:
                raise ValueError("a hybrid needs teacher and student, the names of two candidates")
            if self.model is not None or self.train is not None or self.compress or self.profile is not None:
                raise ValueError("a hybrid has no model, train, compress or profile of its own; remove them")
            if self.retrieval:
                raise ValueError("a hybrid retrieves nothing itself; let its teacher or student have retrieval")
            if not self.policies:
                raise ValueError("policies is empty; give cascade, router or both")
        else:
            if self.model is None:
                raise ValueError("model is missing; say where the candidate's model comes from")
            if self.teacher is not None or self.student is not None:
                raise ValueError(
                    "teacher and student belong to a hybrid; a distilled student names its teacher under train"
                )
        return self


class Routing(SpecModel):
    """How policies are fitted. `folds` null means 5 below 5,000 test rows and 0 from there on."""

    folds: Annotated[int, Field(ge=0, le=50)] | None = None

    @model_validator(mode="after")
    def _not_one_fold(self) -> Routing:
        if self.folds == 1:
            raise ValueError("folds must be 0 (fit on train and calibration) or at least 2")
        return self


class Study(SpecModel):
    """One deployment question: the whole study file."""

    version: Literal[1]
    name: Annotated[str, Field(min_length=1, max_length=200)]
    task: Task
    data: Data = Data()
    criteria: Criteria
    profiles: Annotated[dict[str, Profile], Field(min_length=1)]
    candidates: Annotated[list[Candidate], Field(min_length=1)]
    routing: Routing = Routing()
    retrieval: Retrieval | None = None
    suites: list[Suite] = Field(default=[])
    load: LoadPlan | None = None
    learning_curve: CurvePlan | None = None

    def compresses_its_own(self, candidate: Candidate) -> bool:
        """Whether what is compressed is no candidate itself: a model trained or named by this one."""
        named = isinstance(candidate.model, CandidateModel) and self.training_of(candidate).method == "none"
        return bool(candidate.compress) and not named

    def prunes(self, candidate: Candidate) -> bool:
        """Whether a candidate is pruned, which learns from train rows as a training does."""
        return any(isinstance(step, Prune) for step in candidate.compress)

    def candidate(self, name: str) -> Candidate:
        """The candidate of that name. Raises KeyError."""
        for candidate in self.candidates:
            if candidate.name == name:
                return candidate
        raise KeyError(name)

    def profile_of(self, candidate: Candidate) -> SelfHosted | Api:
        """The profile of a candidate that is no hybrid; a study's only profile serves all. Raises KeyError."""
        if candidate.profile is None and len(self.profiles) == 1:
            return next(iter(self.profiles.values()))
        return self.profiles[candidate.profile or ""]

    @property
    def uses_context(self) -> bool:
        """Whether answers are held against the cells of the context column."""
        checks = self.task.checks
        return self.task.metric == "groundedness" or (checks is not None and checks.need_context)

    def judge_profile(self) -> str | None:
        """The name of the profile at whose price the judge is asked; null where the study does not tell it."""
        judge = self.task.judge
        if judge is None or judge.profile is not None:
            return None if judge is None else judge.profile
        alike = [candidate.profile for candidate in self.candidates if candidate.model == judge.model]
        named = next((name for name in alike if name is not None), None)
        return next(iter(self.profiles)) if named is None and len(self.profiles) == 1 else named

    def takes_inputs(self, candidate: Candidate) -> bool:
        """Whether the candidate takes what the data hold: pictures beside text, where they have any.

        Of the models that run here none does; what was measured elsewhere was asked there.
        """
        if self.data.columns.image is None:
            return True
        if candidate.role is Role.HYBRID:
            parts = [self.candidate(name) for name in (candidate.teacher, candidate.student) if name is not None]
            return all(self.takes_inputs(part) for part in parts)
        model = candidate.model
        return isinstance(model, PredictionsModel) or (isinstance(model, EndpointModel) and model.images)

    def training_of(self, candidate: Candidate) -> Train:
        """How a candidate is trained, with the default of its model's source where the study says nothing."""
        if candidate.train is not None:
            return candidate.train
        source = candidate.model.source if candidate.model else None
        if source == "baseline":
            return Train(method="fine_tune")
        return Train(method="distill" if source in ("teacher", "sweep") else "none")

    def teacher_of(self, candidate: Candidate) -> str | None:
        """The teacher that trains this candidate or gives it its layers: the named one, else the study's only one."""
        if candidate.train is not None and candidate.train.teacher is not None:
            return candidate.train.teacher
        teachers = [other.name for other in self.candidates if other.role is Role.TEACHER]
        return teachers[0] if len(teachers) == 1 else None


def json_schema() -> dict[str, Any]:
    """The JSON schema of the study file, as published in `resources/study.schema.json`."""
    schema = Study.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "Tercet study"
    return schema
