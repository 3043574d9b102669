"""Sizes that a study asks of its teachers, checked against the teachers' files before anything is trained."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import UserError
from core.gguf_header import scalars_of
from core.model_files import check_model_folder, is_gguf_file, matrix_names, sample_path
from core.spec import (
    Candidate,
    CandidateModel,
    GgufModel,
    LocalModel,
    Prune,
    SampleModel,
    Study,
    SweepModel,
    TeacherLayers,
)
from core.spec.models import LayerChoice
from core.study_file import resolve_path

_CONFIG_NAMES = {
    "layers": ("num_hidden_layers", "n_layers", "n_layer", "num_layers"),
    "feed_forward": ("intermediate_size", "hidden_dim", "n_inner", "d_ff", "d_inner"),
    "heads": ("num_attention_heads", "n_heads", "n_head", "num_heads"),
}
# The model types of `core.engines.compress.prune_anatomy.FAMILIES`, which torch would have to be loaded for.
NARROWED_FAMILIES = frozenset(
    {
        "bert",
        "camembert",
        "deberta-v2",
        "distilbert",
        "electra",
        "gemma",
        "gemma2",
        "gemma3_text",
        "gpt2",
        "llama",
        "mistral",
        "modernbert",
        "mpnet",
        "phi3",
        "qwen2",
        "qwen3",
        "roberta",
        "smollm3",
        "xlm-roberta",
    }
)
# Those of them whose config says how wide a head is, so that a model may have fewer.
FREE_HEADS = frozenset({"gemma", "gemma2", "gemma3_text", "llama", "mistral", "qwen2", "qwen3", "smollm3"})
# Of a teacher with more layers, students of one to three have hardly anything; these shares of them are worth a try.
_SHALLOW, _DEPTHS = 6, (0.25, 0.5, 0.75)
_GGUF_NAMES = {"layers": "block_count", "feed_forward": "feed_forward_length", "heads": "attention.head_count"}


@dataclass(frozen=True)
class Shape:
    """How large a model is; null where its files do not say."""

    layers: int | None = None
    feed_forward: int | None = None
    heads: int | None = None


def check_sizes(study: Study, candidate: Candidate, field: str, base: Path) -> None:
    """Raises UserError where a candidate asks for layers, neurons, heads or adapted layers that its model lacks, or is
    to be narrowed or pruned and its model is of a family whose heads and neurons are not known.

    A model of the hub, whose files are not here yet, is checked by the job that opens it.
    """
    if isinstance(candidate.model, TeacherLayers | SweepModel):
        _check_taken(study, candidate, candidate.model, field, base)
    _check_family(study, candidate, field, base)
    lora = study.training_of(candidate).lora
    if lora is not None and lora.targets is not None:
        _check_targets(study, candidate, lora.targets, f"{field}.train.lora.targets", base)


def _check_taken(study: Study, candidate: Candidate, model: TeacherLayers | SweepModel, field: str, base: Path) -> None:
    """What is taken of the teacher itself; an assistant between them takes first, and the student of that one."""
    teacher = study.teacher_of(candidate)
    if teacher is None:
        return
    shape, stages = _shape(study, study.candidate(teacher), base), study.training_of(candidate).stages
    taken: list[tuple[str, LayerChoice, int | None]]
    if isinstance(model, SweepModel):
        _check_depths(study, model, shape.layers, teacher, f"{field}.model.layers")
        taken = [(f"{field}.model.layers", choice, None) for choice in model.layers]
        if _widths_asked_for(model):
            taken += [(f"{field}.model.feed_forward", 1, width) for width in model.feed_forward]
    elif stages:
        taken = [(f"{field}.train.stages[0].layers", stages[0].layers, stages[0].feed_forward)]
    else:
        taken = [(f"{field}.model.layers", model.layers, model.feed_forward)]
        _check_most(f"{field}.model.heads", model.heads, shape.heads, teacher, "heads")
        _check_heads(study, candidate, f"{field}.model.heads", (model.heads, shape.heads), base)
    for name, layers, neurons in taken:
        _check_indices(name, layers, shape.layers, teacher)
        _check_most(name, layers if isinstance(layers, int) else len(layers), shape.layers, teacher, "layers")
        _check_most(name.replace("layers", "feed_forward"), neurons, shape.feed_forward, teacher, "feed_forward")


def _check_depths(study: Study, model: SweepModel, available: int | None, teacher: str, field: str) -> None:
    """The depths that a search tries by itself are those of small encoders."""
    own = model.layers == SweepModel.model_fields["layers"].default
    if study.task.writes and own and available is not None and available > _SHALLOW:
        depths = ", ".join(str(round(available * share)) for share in _DEPTHS)
        raise UserError("study.sweep_depths", field=field, teacher=teacher, available=available, depths=depths)


def _check_family(study: Study, candidate: Candidate, field: str, base: Path) -> None:
    places = [f"{field}.compress[{place}]" for place, step in enumerate(candidate.compress) if isinstance(step, Prune)]
    if isinstance(candidate.model, TeacherLayers):
        places += [f"{field}.model.{name}" for name in ("feed_forward", "heads") if getattr(candidate.model, name)]
    if isinstance(candidate.model, SweepModel) and _widths_asked_for(candidate.model):
        places.append(f"{field}.model.feed_forward")
    family = _family(study, candidate, base) if places else None
    if family is not None and family not in NARROWED_FAMILIES:
        known = ", ".join(sorted(NARROWED_FAMILIES))
        raise UserError("study.family_unknown", field=places[0], family=family, known=known)


def _check_heads(
    study: Study, candidate: Candidate, field: str, asked_of: tuple[int | None, int | None], base: Path
) -> None:
    """Fewer heads than there are, where the family's config has a head's width from the hidden width."""
    asked, available = asked_of
    family = _family(study, candidate, base)
    fixed = family in NARROWED_FAMILIES - FREE_HEADS
    if fixed and asked is not None and available is not None and asked < available:
        raise UserError("study.heads_fixed", field=field, family=family, available=available)


def _widths_asked_for(model: SweepModel) -> bool:
    """Whether the study names widths; the job fits those that a search tries by itself."""
    asked = model.feed_forward != SweepModel.model_fields["feed_forward"].default
    return asked and any(width is not None for width in model.feed_forward)


def _family(study: Study, candidate: Candidate, base: Path) -> str | None:
    """The model type of the folder that a candidate's weights come from; null where no file says it."""
    if isinstance(candidate.model, CandidateModel):
        return _family(study, study.candidate(candidate.model.name), base)
    if isinstance(candidate.model, TeacherLayers | SweepModel):
        teacher = study.teacher_of(candidate)
        return None if teacher is None else _family(study, study.candidate(teacher), base)
    path = path_of(candidate.model, base)
    named = None if path is None or is_gguf_file(path) else config_of(path).get("model_type")
    return named if isinstance(named, str) else None


def _check_indices(field: str, layers: LayerChoice, available: int | None, teacher: str) -> None:
    if isinstance(layers, int) or available is None:
        return
    if max(layers) >= available:
        raise UserError("study.no_such_layer", field=field, index=max(layers), teacher=teacher, last=available - 1)


def _check_most(field: str, asked: int | None, available: int | None, teacher: str, what: str) -> None:
    if asked is not None and available is not None and asked > available:
        raise UserError(f"study.too_many.{what}", field=field, asked=asked, teacher=teacher, available=available)


def _shape(study: Study, candidate: Candidate, base: Path) -> Shape:
    """The size of a candidate's model as far as files and study say it."""
    model = candidate.model
    if any(isinstance(step, Prune) for step in candidate.compress):
        return Shape()
    if isinstance(model, CandidateModel):
        return _shape(study, study.candidate(model.name), base)
    if isinstance(model, TeacherLayers):
        teacher = study.teacher_of(candidate)
        whole = Shape() if teacher is None else _shape(study, study.candidate(teacher), base)
        count = model.layers if isinstance(model.layers, int) else len(model.layers)
        return Shape(count, model.feed_forward or whole.feed_forward, model.heads or whole.heads)
    path = path_of(model, base)
    return Shape() if path is None else _shape_of_files(path)


def path_of(model: object, base: Path) -> Path | None:
    """The folder or GGUF file with a candidate's own model; null where it has none on this disk."""
    match model:
        case LocalModel():
            return resolve_path(base, model.path)
        case GgufModel():
            return resolve_path(base, model.file)
        case SampleModel():
            return sample_path(model.id)
        case _:
            return None


def _shape_of_files(path: Path) -> Shape:
    """Other checks say what is wrong with files that cannot be read; here they say nothing."""
    if is_gguf_file(path):
        return _shape_of_gguf(path)
    config = config_of(path)
    return Shape(**{key: _first_number(config, names) for key, names in _CONFIG_NAMES.items()})


def config_of(path: Path) -> dict[str, Any]:
    """The `config.json` of a model folder; empty where it cannot be read."""
    try:
        config = json.loads((path / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return config if isinstance(config, dict) else {}


def _first_number(config: dict[str, Any], names: tuple[str, ...]) -> int | None:
    found = (config.get(name) for name in names)
    return next((value for value in found if isinstance(value, int)), None)


def _shape_of_gguf(path: Path) -> Shape:
    try:
        entries = scalars_of(path)
    except (OSError, ValueError):
        return Shape()
    named = entries.get("general.architecture")
    # An array gives each layer its own size, of which the job takes account.
    sizes = {key: entries.get(f"{named}.{name}") for key, name in _GGUF_NAMES.items()}
    return Shape(**{key: size for key, size in sizes.items() if isinstance(size, int)})


def _check_targets(study: Study, candidate: Candidate, targets: list[str], field: str, base: Path) -> None:
    """An adapter goes into layers by the ends of their names, as the weights' names in the files say them."""
    model = candidate.model
    if isinstance(model, TeacherLayers):
        teacher = study.teacher_of(candidate)
        model = None if teacher is None else study.candidate(teacher).model
    path = path_of(model, base)
    if path is None or not path.is_dir():
        return
    check_model_folder(path)
    layers = {name.removesuffix(".weight") for name in matrix_names(path) if name.endswith(".weight")}
    unknown = [wanted for wanted in targets if not any(_ends_so(layer, wanted) for layer in layers)]
    if layers and len(unknown) == len(targets):
        known = sorted({layer.rpartition(".")[2] for layer in layers})
        raise UserError("study.lora_targets", field=field, targets=", ".join(unknown), known=", ".join(known))


def _ends_so(layer: str, wanted: str) -> bool:
    # A whole name may begin with the part that a task's model puts before those of the bare weights.
    return layer == wanted or layer.endswith(f".{wanted}") or wanted.endswith(f".{layer}")
