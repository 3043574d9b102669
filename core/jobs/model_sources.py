"""What a study says of a candidate's model: which ready weights it names, whether it answers in text, which seeds it
is trained with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from core.errors import UserError
from core.model_files import (
    check_answering_folder,
    file_sha256,
    fingerprint_weights,
    is_gguf_file,
    is_language_model_folder,
    sample_path,
)
from core.spec import (
    BaselineModel,
    Candidate,
    CandidateModel,
    EndpointModel,
    GgufModel,
    HubModel,
    LocalModel,
    Model,
    SampleModel,
    Study,
)
from core.study_file import resolve_path

ReadyModel = HubModel | LocalModel | SampleModel | GgufModel | EndpointModel | BaselineModel


@dataclass(frozen=True)
class ModelPart:
    """A model that other jobs take up: the job that makes it, or a ready one with the hash of its weights.

    The hash is null for a hub model, which is not on this disk yet, and for an endpoint.
    """

    job: str | None = None
    ready: ReadyModel | None = None
    sha256: str | None = None

    @property
    def inputs(self) -> dict[str, str]:
        """The input `model` of a job that takes this one up; empty for a ready model."""
        return {} if self.job is None else {"model": self.job}


def ready_model(model: ReadyModel, base: Path) -> ModelPart:
    """A model that no job makes, with whole paths. Raises UserError where a file is missing, broken or pickled."""
    match model:
        case LocalModel():
            path = resolve_path(base, model.path)
            check_answering_folder(path)
            return ModelPart(None, model.model_copy(update={"path": str(path)}), fingerprint_weights(path))
        case GgufModel():
            path = resolve_path(base, model.file)
            if not path.is_file():
                raise UserError("model.gguf.missing", path=str(path))
            return ModelPart(None, model.model_copy(update={"file": str(path)}), file_sha256(path))
        case SampleModel():
            path = sample_path(model.id)
            return ModelPart(None, model, file_sha256(path) if path.is_file() else fingerprint_weights(path))
        case _:
            return ModelPart(None, model)


def seeds_of(study: Study, candidate: Candidate) -> tuple[int | None, ...]:
    """The seeds that a candidate is trained with, its parent's where it starts from one; (null,) means its only one."""
    training = study.training_of(candidate)
    if training.seeds is not None and training.method != "none":
        return tuple(training.seeds)
    if isinstance(candidate.model, CandidateModel):
        return seeds_of(study, study.candidate(candidate.model.name))
    return (None,)


def source_model(study: Study, candidate: Candidate) -> Model | None:
    """The model behind a candidate, through those that it takes up; null for a hybrid."""
    model = candidate.model
    return source_model(study, study.candidate(model.name)) if isinstance(model, CandidateModel) else model


def is_gguf_model(model: object) -> bool:
    """Whether a ready model is a GGUF file, be it one that a package carries."""
    return isinstance(model, GgufModel) or (isinstance(model, SampleModel) and is_gguf_file(sample_path(model.id)))


def answers_in_text(study: Study, candidate: Candidate, base: Path) -> bool:
    """Whether the candidate is a language model that is asked by a prompt, and no classifier.

    In a study of generation every model is. Elsewhere those are that were not trained here and are language models:
    endpoints, GGUF files, folders whose config says so, and models that the study calls so.
    """
    model = candidate.model
    if study.task.writes:
        return True
    if study.training_of(candidate).method != "none":
        return False
    match model:
        case EndpointModel() | GgufModel():
            return True
        case HubModel():
            return model.language_model
        case LocalModel():
            return model.language_model or is_language_model_folder(resolve_path(base, model.path))
        case SampleModel():
            path = sample_path(model.id)
            return path.is_file() or is_language_model_folder(path)
        case CandidateModel():
            return answers_in_text(study, study.candidate(model.name), base)
        case _:
            return False
