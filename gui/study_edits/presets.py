"""Whole candidates for common jobs, filled in from what the study already has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core.spec import WRITING_KINDS, Train
from gui.study_edits.edits import parts_of_hybrid
from gui.study_edits.lists import blank
from gui.study_edits.shapes import Document, defaults_of, model_of_source, step_of, training_of

PRESETS = (
    "layers",
    "int8",
    "pruned",
    "floor",
    "sweep",
    "seeds",
    "taught",
    "hybrid",
    "language_teacher",
    "model",
    "predictions",
)
"""Names of the jobs, in the order of the menu. `int8`, `pruned` and `seeds` start from a candidate."""
_REFUSED: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(WRITING_KINDS, ("floor",)),
    "multi_label": ("sweep",),
}
_END_OF_LINE = ("baseline", "predictions", "sweep", "endpoint")


def can_start_from(candidates: Sequence[Document], candidate: Document) -> bool:
    """Whether a candidate has weights that can still be trained or compressed."""
    if candidate.get("role") == "hybrid":
        return False
    if any("quantize" in step for step in candidate.get("compress") or []):
        return False
    model = candidate.get("model") or {}
    if model.get("source") == "candidate":
        parents = [other for other in candidates if other.get("name") == model.get("name")]
        return bool(parents) and parents[0] is not candidate and can_start_from(candidates, parents[0])
    return model.get("source") not in _END_OF_LINE


def start_for(candidates: Sequence[Document], chosen: Document | None) -> Document | None:
    """The candidate that a compressed version is made of: the chosen one, else the last student that can be."""
    if chosen is not None and can_start_from(candidates, chosen):
        return chosen
    fit = [other for other in candidates if can_start_from(candidates, other)]
    students = [other for other in fit if other.get("role") == "student"]
    best = students or fit
    return best[-1] if best else None


def offered(candidates: Sequence[Document], kind: str, chosen: Document | None) -> list[str]:
    """The presets that make sense in a study."""
    roles = [candidate.get("role") for candidate in candidates]
    start = start_for(candidates, chosen)
    needs = {
        "layers": "teacher" in roles,
        "sweep": "teacher" in roles,
        "taught": "teacher" in roles,
        "hybrid": "teacher" in roles and "student" in roles,
        "int8": start is not None,
        "pruned": start is not None,
        "seeds": chosen is not None and _is_trained(chosen, kind),
    }
    refused = _REFUSED.get(kind, ())
    return [name for name in PRESETS if needs.get(name, True) and name not in refused]


def preset(
    name: str, candidates: Sequence[Document], kind: str, profiles: Mapping[str, Any], chosen: Document | None = None
) -> Document:
    """A candidate for a job of `PRESETS`. Raises ValueError where the job needs a candidate that is not there."""
    teacher = next((other for other in candidates if other.get("role") == "teacher"), None)
    start = start_for(candidates, chosen)
    own = _profile(profiles, "self_hosted", start or teacher)
    match name:
        case "layers":
            return _student("student-2l", own, _of_layers("teacher", kind), _distilled(candidates))
        case "int8":
            return _version(_known(start), "int8", [step_of("int8_dynamic")], own)
        case "pruned":
            return _version(_known(start), "pruned", [step_of("prune")], own)
        case "seeds":
            known = _known(chosen)
            train = {**training_of(known, kind), "seeds": [1, 2, 3]}
            return {**known, "name": f"{known['name']}-seeds", "train": train}
        case "floor":
            return _student("floor", own, model_of_source("baseline"), {**defaults_of(Train), "method": "fine_tune"})
        case "sweep":
            return _student("search", own, _of_layers("sweep", kind), _distilled(candidates))
        case "hybrid":
            return {**blank("hybrid", "hybrid"), **parts_of_hybrid(candidates)}
        case "language_teacher":
            profile = _profile(profiles, "api", None)
            return {**blank("llm-teacher", "teacher"), "model": model_of_source("endpoint"), "profile": profile}
        case "taught":
            return _student("taught", own, model_of_source("hub"), _distilled(candidates))
        case "model":
            role = "teacher" if teacher is None else "student"
            return {**blank(role, role), "model": model_of_source("hub"), "profile": own}
        case "predictions":
            return _student("imported", own, model_of_source("predictions"), None)
    raise ValueError(f"no preset {name!r}")


def _of_layers(source: str, kind: str) -> Document:
    """Layers of the teacher: a pretrained language model is hardly itself in evenly spaced ones."""
    chosen_by = "influence" if kind in WRITING_KINDS else "spacing"
    return {**model_of_source(source), "chosen_by": chosen_by}


def _known(candidate: Document | None) -> Document:
    if candidate is None:
        raise ValueError("there is no candidate to start from")
    return candidate


def _is_trained(candidate: Document, kind: str) -> bool:
    sources = (candidate.get("model") or {}).get("source")
    if candidate.get("role") == "hybrid" or sources == "candidate":
        return False
    train = training_of(candidate, kind)
    return train["method"] != "none" and not train.get("seeds")


def _student(name: str, profile: str | None, model: Document, train: Document | None) -> Document:
    return {**blank(name, "student"), "profile": profile, "model": model, "train": train}


def _version(start: Document, ending: str, steps: list[Document], profile: str | None) -> Document:
    model = {**model_of_source("candidate"), "name": start["name"]}
    made = _student(f"{start['name']}-{ending}", start.get("profile") or profile, model, None)
    return {**made, "compress": steps}


def _distilled(candidates: Sequence[Document]) -> Document:
    teachers = [other["name"] for other in candidates if other.get("role") == "teacher"]
    return {
        **defaults_of(Train),
        "method": "distill",
        "teacher": teachers[0] if len(teachers) > 1 else None,
    }


def _profile(profiles: Mapping[str, Any], kind: str, like: Document | None) -> str | None:
    """The profile of a candidate like this one, else the first of a kind, else the first."""
    if like is not None and like.get("profile") in profiles:
        return str(like["profile"])
    of_kind = [name for name, profile in profiles.items() if profile.get("kind") == kind]
    return next(iter([*of_kind, *profiles]), None)
