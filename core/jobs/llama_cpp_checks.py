"""What is refused of models whose answers are llama.cpp's: they answer and are timed, and nothing else is done with
them, for every other step opens the same file with other arithmetic."""

from __future__ import annotations

from core.domain import Role
from core.errors import UserError
from core.jobs.model_sources import source_model
from core.model_files import is_gguf_file, sample_path
from core.spec import Model, SampleModel, Study, runs_under_llama_cpp


def llama_cpp_source(study: Study, name: str) -> Model | None:
    """The model behind a candidate, through those that it takes up, where llama.cpp answers for it; else null."""
    model = source_model(study, study.candidate(name))
    return model if runs_under_llama_cpp(model) else None


def check_llama_cpp(study: Study) -> None:
    """Raises UserError where such a model is trained or compressed, or is no GGUF file."""
    for index, candidate in enumerate(study.candidates):
        if candidate.role is Role.HYBRID or (model := llama_cpp_source(study, candidate.name)) is None:
            continue
        field = f"candidates[{index}]"
        _check_file(model, f"{field}.model.runtime")
        if study.training_of(candidate).method != "none" or candidate.compress:
            raise UserError("study.llama_cpp_only_answers", field=f"{field}.model", name=candidate.name)
    judge = None if study.task.judge is None else study.task.judge.model
    if runs_under_llama_cpp(judge):
        _check_file(judge, "task.judge.model.runtime")


def _check_file(model: object, field: str) -> None:
    if isinstance(model, SampleModel) and not is_gguf_file(sample_path(model.id)):
        raise UserError("study.llama_cpp_gguf", field=field, id=model.id)
