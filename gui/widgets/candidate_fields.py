"""The fields of a candidate: their editors by path, and which of them a candidate shows, common ones first.

A field's path begins with `candidate`; below `candidate.model` stands the source, for fields of two sources may share
a name. `path_in_candidate` leaves both out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from core.spec import WRITING_KINDS, Candidate, PredictionColumns, Prune, Stage, Train
from gui.study_edits.shapes import (
    ANSWERS_ONLY,
    MODELS,
    PARTS_OF_TRAIN,
    SOURCES,
    STEPS,
    UNCOMPRESSED,
    Document,
    methods_of,
    model_parts_of,
    sweep_forms_of,
    techniques_of,
    training_of,
)
from gui.widgets.candidate_tables import (
    COMMON_OF_MODEL,
    COMMON_OF_TRAIN,
    KINDS,
    OTHER_OF_DISTILL,
    OTHER_OF_TRAIN,
    SHOWN_AS,
)
from gui.widgets.fields import FieldKind, FieldSpec, Presentation, fields_of

SECTIONS = ("candidate", "model", "train", "compress", "parts")
_WIDE = Presentation(wide=True)
_TEXTS = (FieldKind.TEXT, FieldKind.PATH)

_IN_TEXT = ("labels", "sequence")


@dataclass(frozen=True)
class ShownFields:
    """The fields of one section: always in sight, and those under "More"."""

    common: tuple[str, ...]
    other: tuple[str, ...] = ()


def path_in_candidate(path: str) -> str:
    """Where a field's value lies within its candidate: `candidate.model.hub.id` is `model.id`."""
    parts = path.split(".")[1:]
    if len(parts) > 2 and parts[0] == "model":
        del parts[1]
    return ".".join(parts)


def section_specs(section: str) -> list[FieldSpec]:
    """Every field that a section can show, in the order of the form."""
    match section:
        case "candidate":
            return [_spec(name, Candidate) for name in ("name", "role", "profile", "retrieval")]
        case "parts":
            return [_spec("teacher", Candidate), _spec("student", Candidate), _spec("policies", Candidate)]
        case "compress":
            return [FieldSpec("candidate.compress", FieldKind.STEPS, optional=False)]
        case "model":
            return _model_specs()
    return _train_specs()


def step_fields() -> dict[str, Sequence[FieldSpec]]:
    """The fields of each step of compression."""
    prune = [_shown(spec, "compress") for spec in fields_of(Prune, "candidate.compress")]
    return {kind: prune if kind == "prune" else [] for kind in STEPS}


def stage_fields() -> dict[str, Sequence[FieldSpec]]:
    """The fields of an assistant."""
    names = ("layers", "feed_forward", "epochs")
    return {"assistant": [_of_model(Stage, "train.stages", name, "stages") for name in names]}


def shown_fields(section: str, candidate: Document, kind: str) -> ShownFields:
    """The fields of a section that make sense for a candidate in a study of a kind of task."""
    hybrid = candidate.get("role") == "hybrid"
    source = str((candidate.get("model") or {}).get("source"))
    match section:
        case "candidate":
            if hybrid:
                return _named("", ("name", "role"))
            given = _may_write(source, kind) or bool(candidate.get("retrieval"))
            return _named("", ("name", "role", "profile"), ("retrieval",) if given else ())
        case "parts":
            return _named("", ("teacher", "student", "policies") if hybrid else ())
        case "compress":
            return _named("", () if hybrid or source in UNCOMPRESSED else ("compress",))
        case "model":
            return ShownFields(()) if hybrid else _of_model_source(candidate, source, kind)
    return ShownFields(()) if hybrid or source in ANSWERS_ONLY else _of_training(candidate, source, kind)


def step_choices(kind: str, candidate: Document) -> list[str]:
    """The steps that can still be added: each once, the quantising one last, which of a language model is never
    static."""
    taken: list[Document] = list(candidate.get("compress") or [])
    if any("quantize" in step for step in taken):
        return []
    used = {name for step in taken for name in ("prune", "trim_vocabulary") if name in step}
    fit = [name for name, step in STEPS.items() if name not in used]
    return [name for name in fit if kind not in WRITING_KINDS or STEPS[name].get("quantize") != "int8_static"]


def narrowed_choices(path: str, source: str, kind: str) -> tuple[str, ...] | None:
    """The choices that fit the source and the task; null where all do."""
    if path == "candidate.train.method":
        return methods_of(source, kind)
    if path == "candidate.train.technique":
        return techniques_of(kind, source)
    if path == "candidate.model.sweep.quantize":
        return sweep_forms_of(kind)
    return None


def is_set(path: str, candidate: Document, kind: str, defaults: Mapping[str, Any]) -> bool:
    """Whether a field holds something else than its default, and so may not be hidden."""
    return bool(value_of(path, candidate, kind) != defaults.get(path))


def value_of(path: str, candidate: Document, kind: str) -> Any:
    """A field's value, its default where the candidate says nothing."""
    head, _, rest = path_in_candidate(path).partition(".")
    if head == "train":
        here: Any = training_of(candidate, kind)
    elif head == "model":
        here = model_parts_of(candidate)
    elif head == "retrieval":
        return bool(candidate.get(head))
    else:
        return candidate.get(head)
    if path in ("candidate.train.lora", "candidate.train.dynamic"):
        return here.get(rest) is not None
    for part in rest.split("."):
        here = here.get(part) if isinstance(here, dict) else None
    return here


def default_values(specs: Sequence[FieldSpec]) -> dict[str, Any]:
    """Each field's value in a candidate that says nothing of it."""
    values: dict[str, Any] = {}
    for spec in specs:
        parts = spec.path.split(".")
        source = parts[2] if parts[1] == "model" and len(parts) > 3 else "hub"
        full = {"model": {"source": source}, "train": {"lora": None, "dynamic": None, "method": "distill"}}
        if len(parts) > 3 and parts[1] == "train":
            full["train"] = {parts[2]: {}, "method": "distill"}
        values[spec.path] = value_of(spec.path, full, "classification")
    return values


def _may_write(source: str, kind: str) -> bool:
    """Whether a model of a source may answer in text, so that it can be given passages."""
    if source in ("baseline", "sweep", "predictions"):
        return False
    return kind == "generation" or source != "teacher"


def _of_model_source(candidate: Document, source: str, kind: str) -> ShownFields:
    """The fields of a source that make sense for a kind of task: a search over language models keeps the vocabulary,
    needs depths of its own, and has neither temperature nor weight where its students learn a text."""
    shown = _of_source(source)
    if source != "sweep" or kind not in WRITING_KINDS:
        return shown
    path = "candidate.model.sweep."
    in_text = training_of(candidate, kind)["technique"] in _IN_TEXT
    left_out = {
        f"{path}{name}" for name in ("layers", "trim_vocabulary", *(("temperature", "alpha") if in_text else ()))
    }
    return ShownFields((*shown.common, f"{path}layers"), tuple(name for name in shown.other if name not in left_out))


def _of_source(source: str) -> ShownFields:
    common = COMMON_OF_MODEL.get(source, ())
    declared = [name for name in MODELS[source].model_fields if name != "source"] if source in MODELS else []
    other: list[str] = []
    for name in declared:
        if name == "columns":
            other += [f"columns.{column}" for column in PredictionColumns.model_fields]
        elif name not in common:
            other.append(name)
    return ShownFields(
        ("candidate.model.source", *(f"candidate.model.{source}.{name}" for name in common)),
        tuple(f"candidate.model.{source}.{name}" for name in other),
    )


def _of_training(candidate: Document, source: str, kind: str) -> ShownFields:
    training = training_of(candidate, kind)
    method = str(training["method"])
    common = ["method", *COMMON_OF_TRAIN.get(method, ())]
    other = [] if method == "none" else list(OTHER_OF_TRAIN)
    if method == "distill":
        other += OTHER_OF_DISTILL
    elif method == "fine_tune":
        other.append("lora")
        pooled = source == "baseline" and (candidate.get("model") or {}).get("kind") != "tfidf_linear"
        if source in ("teacher", "sweep") or pooled:
            common.insert(1, "teacher")
    # Another teacher than the unpruned model may teach the recovery.
    if any("prune" in step for step in candidate.get("compress") or []) and "teacher" not in common:
        common.insert(1, "teacher")
    refused = _unfit(source, kind, training)
    for part, model in PARTS_OF_TRAIN.items():
        if part in other and training[part] is not None:
            place = other.index(part) + 1
            other[place:place] = [f"{part}.{name}" for name in model.model_fields]
    return _named(
        "train.",
        [name for name in common if name not in refused],
        [name for name in other if name.partition(".")[0] not in refused],
    )


def _unfit(source: str, kind: str, training: Document) -> set[str]:
    """What a source, a task or a method of using the teacher knows nothing of."""
    refused = set() if kind in WRITING_KINDS else {"top_k"}
    refused |= set() if kind == "classification" else {"dynamic"}
    if source == "baseline":
        refused |= {"technique", "epochs", "batch_size", "accumulate", "max_length", "gradient_checkpointing"}
        refused |= {"learning_rate", "top_k", "reasoning"}
    if source == "sweep":
        refused |= {"temperature", "alpha", "weighted"}
        refused |= set() if kind in WRITING_KINDS else {"technique", "top_k", "reasoning"}
    if source in ("baseline", "sweep"):
        refused |= {"lora", "stages", "dynamic", "hidden_weight", "hard_label_baseline"}
    if training["seeds"] is not None:
        refused.add("seed")
    if training["technique"] in _IN_TEXT:
        refused |= {"hidden_weight"}
    return refused


def _named(prefix: str, common: Sequence[str], other: Sequence[str] = ()) -> ShownFields:
    return ShownFields(
        tuple(f"candidate.{prefix}{name}" for name in common), tuple(f"candidate.{prefix}{name}" for name in other)
    )


def _model_specs() -> list[FieldSpec]:
    specs = [FieldSpec("candidate.model.source", FieldKind.CHOICE, optional=False, choices=SOURCES)]
    for source, model in MODELS.items():
        shown = _of_source(source)
        for path in (*shown.common[1:], *shown.other):
            name = path.removeprefix(f"candidate.model.{source}.")
            owner = PredictionColumns if name.startswith("columns.") else model
            specs.append(_of_model(owner, path.removeprefix("candidate.").rpartition(".")[0], name.rpartition(".")[2]))
    return specs


def _train_specs() -> list[FieldSpec]:
    names = ["method", *COMMON_OF_TRAIN["distill"], *OTHER_OF_TRAIN, *OTHER_OF_DISTILL]
    specs: list[FieldSpec] = []
    for name in names:
        specs.append(_of_model(Train, "train", name))
        part = PARTS_OF_TRAIN.get(name)
        if part is not None:
            specs += [_of_model(part, f"train.{name}", field) for field in part.model_fields]
    return specs


def _spec(name: str, model: Any) -> FieldSpec:
    return _of_model(model, "", name)


def _of_model(model: Any, prefix: str, name: str, known_as: str | None = None) -> FieldSpec:
    """The spec of a pydantic field; kinds that its type does not tell come from the table."""
    own = f"{prefix}.{name}" if prefix else name
    found = fields_of(model, f"candidate.{prefix}" if prefix else "candidate", (name,))
    key = f"{known_as}.{name}" if known_as else own
    if found:
        spec = found[0]
    else:
        optional = not model.model_fields[name].is_required()
        spec = FieldSpec(f"candidate.{own}", FieldKind.TEXT, optional)
    return _shown(replace(spec, kind=KINDS.get(key, spec.kind)), prefix, key)


def _shown(spec: FieldSpec, prefix: str, key: str | None = None) -> FieldSpec:
    known = SHOWN_AS.get(key or f"{prefix}.{spec.path.rpartition('.')[2]}")
    return replace(spec, presentation=known or (_WIDE if spec.kind in _TEXTS else spec.presentation))
