"""What a training learns from: its teacher's outputs, what the teacher says in text, or its embeddings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from core.errors import UserError
from core.jobs.asked_task import asked_task
from core.jobs.graph import JobGraph
from core.jobs.model_sources import ModelPart, answers_in_text, seeds_of
from core.jobs.specs import LabelParameters, LoadableModel, TrainPart
from core.jobs.vendor_prices import vendor_price
from core.spec import (
    BaselineModel,
    Candidate,
    EndpointModel,
    PredictionsModel,
    Prune,
    Study,
    SweepModel,
    Task,
    TeacherLayers,
    Train,
    runs_under_llama_cpp,
)

TEXT_TECHNIQUES = ("labels", "sequence")


@dataclass(frozen=True)
class Recipe:
    """One making of a candidate: its training with the seed in it, how its parts are named, and the part of the train
    rows that it learns from, null for all."""

    candidate: Candidate
    training: Train
    seed: int | None
    suffix: str = ""
    prefix: str = ""
    rows: TrainPart | None = None

    def part(self, name: str) -> str:
        """The name of one of its parts."""
        return f"{self.prefix}{name}{self.suffix}"


@dataclass(frozen=True)
class Teaching:
    """What a distill job gets of its teacher: inputs, or a ready model with its hash; `in_text` says that there is one
    whose outputs cannot be read."""

    inputs: dict[str, str]
    model: LoadableModel | None = None
    sha256: str | None = None
    in_text: bool = False


@dataclass(frozen=True)
class Teachers:
    """Finds what trainings of a study learn from, and plans into `graph` the jobs that ask teachers. `model` is the
    model of a candidate under one of its seeds."""

    study: Study
    base: Path
    graph: JobGraph
    data_job: str
    model: Callable[[Candidate, int | None], ModelPart]

    def teaching(self, recipe: Recipe, training: Train) -> Teaching:
        """The teacher itself where its outputs can be read, and what it says where it only answers in text."""
        teacher = self.study.candidate(self.study.teacher_of(recipe.candidate) or "")
        part = self.model(teacher, seeds_of(self.study, teacher)[0])
        in_text = answers_in_text(self.study, teacher, self.base)
        asked = in_text and (
            not self.study.task.writes
            or isinstance(part.ready, EndpointModel)
            or runs_under_llama_cpp(part.ready)
            or training.technique in TEXT_TECHNIQUES
        )
        searched = isinstance(recipe.candidate.model, SweepModel)
        own_layers = searched or isinstance(recipe.candidate.model, TeacherLayers)
        teaching = Teaching({}) if asked and not own_layers else self._read(part)
        if not asked or (training.alpha == 0.0 and not searched):
            return teaching
        labels = self.asked(recipe, part, training, asked_task(self.study, teacher, self.base))
        return Teaching({**teaching.inputs, "labels": labels}, teaching.model, teaching.sha256)

    def asked(self, recipe: Recipe, teacher: ModelPart, training: Train, task: Task, part: str = "label") -> str:
        """The id of the job in which a teacher answers the train rows."""
        if isinstance(teacher.ready, BaselineModel):
            raise ValueError("a floor does not answer in text")
        owner = self.study.candidate(self.study.teacher_of(recipe.candidate) or "")
        parameters = LabelParameters(
            task=task,
            loadable=teacher.ready,
            model_sha256=teacher.sha256,
            reasoning=training.reasoning,
            price=vendor_price(self.study, owner, teacher.ready),
        )
        inputs = {"data": self.data_job, **teacher.inputs}
        return self.graph.add(parameters, inputs, recipe.candidate.name, recipe.part(part))

    def recovery_teacher(self, candidate: Candidate) -> Teaching:
        """The teacher of the recovery after pruning where the study names one whose outputs can be read; else the
        unpruned model teaches."""
        named = None if candidate.train is None else candidate.train.teacher
        if named is None or not any(isinstance(step, Prune) for step in candidate.compress):
            return Teaching({})
        teacher = self.study.candidate(named)
        part = self.model(teacher, seeds_of(self.study, teacher)[0])
        pruned_in_text, in_text = (answers_in_text(self.study, one, self.base) for one in (candidate, teacher))
        if (
            (in_text and not pruned_in_text)
            or isinstance(part.ready, EndpointModel)
            or runs_under_llama_cpp(part.ready)
        ):
            return Teaching({}, in_text=True)
        return self._read(part)

    def embeddings(self, candidate: Candidate) -> Teaching:
        """The model whose token embeddings a floor may use: the teacher's, where its weights are here."""
        none = Teaching({})
        terms_only = self.study.task.kind == "multi_label"
        if terms_only or not isinstance(candidate.model, BaselineModel) or candidate.model.kind == "tfidf_linear":
            return none
        named = self.study.teacher_of(candidate)
        if named is None or named == candidate.name:
            return none
        if isinstance(self.study.candidate(named).model, PredictionsModel):
            return none
        teacher = self.study.candidate(named)
        part = self.model(teacher, seeds_of(self.study, teacher)[0])
        if part.job is not None:
            return Teaching({"embeddings": part.job})
        if part.ready is None or isinstance(part.ready, EndpointModel | BaselineModel):
            return none
        return Teaching({}, part.ready, part.sha256)

    def _read(self, part: ModelPart) -> Teaching:
        if part.job is not None:
            return Teaching({"teacher": part.job})
        model = on_this_machine(part)
        if isinstance(model, BaselineModel):
            raise ValueError("a floor is trained before it teaches")
        return Teaching({}, model, part.sha256)


def on_this_machine(part: ModelPart) -> LoadableModel | BaselineModel | None:
    """The ready model, null where a job makes it. Raises UserError for an endpoint, which has no weights here."""
    if isinstance(part.ready, EndpointModel):
        raise UserError("study.endpoint_has_no_weights", field=f"model: {part.ready.model}")
    return part.ready
