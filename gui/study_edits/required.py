"""Fields of candidates that may not stay empty, though the study file's schema takes any text."""

from __future__ import annotations

from collections.abc import Sequence

from gui.study_edits.shapes import MODELS, Document


def empty_fields(candidates: Sequence[Document]) -> list[str]:
    """The paths of fields that must be filled in, as in `candidates.2.model.id`."""
    return [f"candidates.{place}.{field}" for place, one in enumerate(candidates) for field in _empty_in(one)]


def _empty_in(candidate: Document) -> list[str]:
    if candidate.get("role") == "hybrid":
        return [part for part in ("teacher", "student") if candidate.get(part) == ""]
    model = candidate.get("model") or {}
    known = MODELS.get(str(model.get("source")))
    needed = [name for name, info in known.model_fields.items() if info.is_required()] if known else []
    found = [f"model.{name}" for name in needed if model.get(name) == ""]
    dynamic = (candidate.get("train") or {}).get("dynamic") or {}
    return [*found, "train.dynamic.stream"] if dynamic.get("stream") == "" else found
