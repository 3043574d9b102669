"""What can be told before anything starts: what this version runs, which weights are safe, what is installed."""

from __future__ import annotations

from pathlib import Path

from core.domain import Role
from core.errors import UserError
from core.lazy import is_installed
from core.model_files import check_model_folder, sample_folder
from core.spec import (
    BaselineModel,
    Candidate,
    CandidateModel,
    Data,
    EndpointModel,
    GgufModel,
    HubModel,
    LocalModel,
    PredictionsModel,
    Quantize,
    SampleModel,
    SplitPlan,
    Study,
    TeacherLayers,
)

ENGINE_LIBRARIES = ("torch", "transformers", "safetensors")
STEPS = ("trim_vocabulary", "int8_dynamic")  # what compress jobs do, in the order in which they can
QUANTISE_LIBRARIES = ("onnx", "onnxruntime", "onnxscript")


def check_supported(study: Study) -> None:
    """Raises UserError for what the study file may say but this version does not run, and for missing libraries."""
    for index, candidate in enumerate(study.candidates):
        if candidate.role is Role.HYBRID:
            continue
        field = f"candidates[{index}]"
        _check_source(study, candidate, field)
        _check_steps(candidate, field)
        _check_parents(study, candidate, field)
    for library in _needed_libraries(study):
        if not is_installed(library):
            raise UserError("environment.library_missing", library=library, extra="engine")


def _check_source(study: Study, candidate: Candidate, field: str) -> None:
    model = candidate.model
    if isinstance(model, EndpointModel | GgufModel):
        raise UserError("study.not_built_source", field=f"{field}.model.source", source=model.source)
    if study.task.kind == "generation" and not isinstance(model, PredictionsModel):
        raise UserError("study.not_built_generation", field=f"{field}.model.source")
    if isinstance(model, BaselineModel) and study.training_of(candidate).method == "none":
        raise UserError("study.baseline_untrained", field=f"{field}.train.method")


def _check_steps(candidate: Candidate, field: str) -> None:
    names = [
        step.quantize if isinstance(step, Quantize) else next(iter(step.model_dump())) for step in candidate.compress
    ]
    for position, name in enumerate(names):
        if name not in STEPS:
            raise UserError("study.not_built_step", field=f"{field}.compress[{position}]", step=name)
    if names != [name for name in STEPS if name in names]:
        raise UserError("study.step_order", field=f"{field}.compress", steps=", ".join(names))


def _check_parents(study: Study, candidate: Candidate, field: str) -> None:
    """A quantised model and the floor are ends of the line: they give no layers, no logits, no weights to change."""
    training = study.training_of(candidate)
    if training.method == "distill" or isinstance(candidate.model, TeacherLayers):
        teacher = study.teacher_of(candidate)
        if teacher is not None and _is_end_of_line(study, teacher):
            raise UserError("study.teacher_not_torch", field=f"{field}.train.teacher", name=teacher)
    changes = training.method != "none" or bool(candidate.compress)
    if isinstance(candidate.model, CandidateModel) and changes and _is_end_of_line(study, candidate.model.name):
        raise UserError("study.quantised_parent", field=f"{field}.model.name", name=candidate.model.name)
    if isinstance(candidate.model, BaselineModel) and candidate.compress:
        raise UserError("study.quantised_parent", field=f"{field}.compress", name=candidate.name)


def _is_end_of_line(study: Study, name: str) -> bool:
    candidate = study.candidate(name)
    quantised = any(isinstance(step, Quantize) for step in candidate.compress)
    if quantised or isinstance(candidate.model, BaselineModel | PredictionsModel):
        return True
    return isinstance(candidate.model, CandidateModel) and _is_end_of_line(study, candidate.model.name)


def _needed_libraries(study: Study) -> tuple[str, ...]:
    own = [candidate for candidate in study.candidates if candidate.role is not Role.HYBRID]
    neural = [candidate for candidate in own if not isinstance(candidate.model, BaselineModel | PredictionsModel)]
    if not neural:
        return ()
    quantised = any(isinstance(step, Quantize) for candidate in neural for step in candidate.compress)
    return ENGINE_LIBRARIES + (QUANTISE_LIBRARIES if quantised else ())


def check_weights(model: HubModel | LocalModel | SampleModel | BaselineModel, name: str) -> None:
    """Raises UserError where a model on this disk is missing, has no weights, or has only pickled ones."""
    if isinstance(model, LocalModel):
        check_model_folder(Path(model.path))
    elif isinstance(model, SampleModel):
        check_model_folder(sample_folder(model.id))


def needs_test_rows_of_its_own(data: Data) -> SplitPlan | None:
    """How rows are split: as the study says; by the defaults where one file has no split; null where none is needed."""
    if data.split is None and data.file is not None:
        return SplitPlan()
    return data.split
