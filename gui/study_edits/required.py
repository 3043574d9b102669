"""Fields of models and trainings that may not stay empty, though the study file's schema takes any text."""

from __future__ import annotations

from gui.study_edits.shapes import MODELS, Document


def empty_fields(study: Document) -> list[str]:
    """The paths of fields that must be filled in, as in `candidates.2.model.id` and `task.judge.model.id`."""
    candidates = study.get("candidates") or []
    found = [f"candidates.{place}.{field}" for place, one in enumerate(candidates) for field in _empty_in(one)]
    judge = (study.get("task") or {}).get("judge") or {}
    return [*found, *(f"task.judge.{field}" for field in _empty_in_model(judge.get("model") or {}))]


def _empty_in(candidate: Document) -> list[str]:
    if candidate.get("role") == "hybrid":
        return [part for part in ("teacher", "student") if candidate.get(part) == ""]
    found = _empty_in_model(candidate.get("model") or {})
    dynamic = (candidate.get("train") or {}).get("dynamic") or {}
    return [*found, "train.dynamic.stream"] if dynamic.get("stream") == "" else found


def _empty_in_model(model: Document) -> list[str]:
    known = MODELS.get(str(model.get("source")))
    needed = [name for name, info in known.model_fields.items() if info.is_required()] if known else []
    return [f"model.{name}" for name in needed if model.get(name) == ""]
