"""Which libraries the jobs of a study import."""

from __future__ import annotations

from core.domain import Role
from core.model_files import sample_path
from core.spec import (
    BaselineModel,
    EndpointModel,
    GgufModel,
    Model,
    PredictionsModel,
    Quantize,
    SampleModel,
    Study,
    SweepModel,
    runs_under_llama_cpp,
)

ENGINE_LIBRARIES = ("torch", "transformers", "safetensors")
QUANTISE_LIBRARIES = ("onnx", "onnxruntime", "onnxscript")


def needed_libraries(study: Study) -> tuple[str, ...]:
    """The libraries that the candidates' jobs import, by the names under which they are imported."""
    own = [candidate for candidate in study.candidates if candidate.role is not Role.HYBRID]
    plain = BaselineModel | PredictionsModel | EndpointModel
    neural = [candidate for candidate in own if not isinstance(candidate.model, plain)]
    needed: list[str] = []
    endpoints = [candidate.model for candidate in own if isinstance(candidate.model, EndpointModel)]
    judge = None if study.task.judge is None else study.task.judge.model
    endpoints += [judge] if isinstance(judge, EndpointModel) else []
    local_judge = None if isinstance(judge, EndpointModel) else judge
    if endpoints:
        needed.append("httpx2")
    if any(model.key_name is not None and model.key_env is None for model in endpoints):
        needed.append("keyring")
    if not neural and local_judge is None:
        return tuple(needed)
    needed += ENGINE_LIBRARIES
    trainings = [study.training_of(candidate) for candidate in neural]
    searched = [candidate.model for candidate in neural if isinstance(candidate.model, SweepModel)]
    quantised = any(isinstance(step, Quantize) for candidate in neural for step in candidate.compress)
    if quantised or any(space.quantize != ["none"] for space in searched):
        needed += QUANTISE_LIBRARIES
    optional = {
        "llama_cpp": any(runs_under_llama_cpp(model) for model in (*(one.model for one in neural), local_judge)),
        "peft": any(training.lora is not None for training in trainings),
        "trl": any(training.technique == "on_policy" for training in trainings),
        "optuna": bool(searched),
        "gguf": any(_is_gguf(model) for model in (*(candidate.model for candidate in neural), local_judge)),
    }
    return (*needed, *(library for library, wanted in optional.items() if wanted))


def _is_gguf(model: Model | None) -> bool:
    return isinstance(model, GgufModel) or (isinstance(model, SampleModel) and sample_path(model.id).is_file())
