"""What a candidate of each source, method and role consists of, with the defaults of the study file's schema."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticUndefined, to_jsonable_python

from core.spec import (
    WRITING_KINDS,
    BaselineModel,
    CandidateModel,
    Dynamic,
    EndpointModel,
    GgufModel,
    HubModel,
    LocalModel,
    Lora,
    PredictionsModel,
    Prune,
    Quantize,
    SampleModel,
    Stage,
    SweepModel,
    TeacherLayers,
    Train,
    TrimVocabulary,
)

Document = dict[str, Any]

MODELS: dict[str, type[BaseModel]] = {
    "teacher": TeacherLayers,
    "candidate": CandidateModel,
    "hub": HubModel,
    "local": LocalModel,
    "gguf": GgufModel,
    "sample": SampleModel,
    "endpoint": EndpointModel,
    "baseline": BaselineModel,
    "sweep": SweepModel,
    "predictions": PredictionsModel,
}
SOURCES = tuple(MODELS)
PARTS_OF_TRAIN: dict[str, type[BaseModel]] = {"lora": Lora, "dynamic": Dynamic}
STEPS: dict[str, Document] = {
    "int8_dynamic": {"quantize": "int8_dynamic"},
    "int8_static": {"quantize": "int8_static"},
    "int4": {"quantize": "int4"},
    "prune": {"prune": 0.7},
    "trim_vocabulary": {"trim_vocabulary": True},
}
ANSWERS_ONLY = ("endpoint", "predictions")
"""Sources without weights on this machine: neither trained nor compressed."""
UNCOMPRESSED = (*ANSWERS_ONLY, "baseline", "sweep")
DISTILL_ONLY = ("technique", "stages", "dynamic", "hidden_weight", "hard_label_baseline")
PLAIN_TRAINING_ONLY = ("lora", "stages", "dynamic", "hidden_weight", "hard_label_baseline")
"""What a floor and a search know nothing of."""
_FIRST_VALUES: dict[str, Document] = {"teacher": {"layers": 2}, "baseline": {"kind": "best"}}


def defaults_of(model: type[BaseModel]) -> Document:
    """A part of the study file with its default values; what has none is empty text."""
    values: Document = {}
    for name, info in model.model_fields.items():
        default = info.get_default(call_default_factory=True)
        values[name] = "" if default is PydanticUndefined else to_jsonable_python(default)
    return values


def model_of_source(source: str) -> Document:
    """A fresh model of a source."""
    return {**defaults_of(MODELS[source]), "source": source, **_FIRST_VALUES.get(source, {})}


def methods_of(source: str, kind: str) -> tuple[str, ...]:
    """How a model of a source can be trained in a study of a kind of task, the most usual way first."""
    if source in ANSWERS_ONLY or (source == "gguf" and kind not in WRITING_KINDS):
        return ("none",)
    if kind == "multi_label" and source == "baseline":
        return ("fine_tune",)
    return {
        "teacher": ("distill", "fine_tune"),
        "baseline": ("fine_tune", "distill"),
        "sweep": ("distill",),
    }.get(source, ("none", "fine_tune", "distill"))


def techniques_of(kind: str, source: str = "") -> tuple[str, ...]:
    """How a teacher can be used in a study of a kind of task, by a student of a source."""
    if kind in WRITING_KINDS:
        return ("auto", "soft_labels", "sequence", *(() if source == "sweep" else ("on_policy",)))
    return ("auto", "soft_labels", *(() if source == "sweep" else ("labels",)))


def sweep_forms_of(kind: str) -> tuple[str, ...]:
    """The forms that a search can measure its students in: a language model's activations are never static."""
    return ("none", "int8_dynamic", *(() if kind in WRITING_KINDS else ("int8_static",)))


def training_of(candidate: Document, kind: str) -> Document:
    """A candidate's training with every default filled in, also where the study says nothing of it."""
    train = candidate.get("train")
    source = str((candidate.get("model") or {}).get("source"))
    filled = {**defaults_of(Train), "method": methods_of(source, kind)[0], **(train or {})}
    for name, model in PARTS_OF_TRAIN.items():
        if filled[name] is not None:
            filled[name] = {**defaults_of(model), **filled[name]}
    return filled


def model_parts_of(candidate: Document) -> Document:
    """A candidate's model with every default filled in."""
    model = candidate.get("model") or {}
    known = MODELS.get(str(model.get("source")))
    return {**(defaults_of(known) if known else {}), **model}


def step_kind(step: Document) -> str:
    """The key of `STEPS` that a step is of."""
    if "quantize" in step:
        return str(step["quantize"])
    return "prune" if "prune" in step else "trim_vocabulary"


def step_of(kind: str) -> Document:
    """A fresh step of compression."""
    models: dict[str, type[BaseModel]] = {"prune": Prune, "trim_vocabulary": TrimVocabulary}
    model = models.get(kind, Quantize)
    return {**defaults_of(model), **STEPS[kind]}


def stage_of() -> Document:
    """A fresh assistant between teacher and student."""
    return {**defaults_of(Stage), "layers": 3}
