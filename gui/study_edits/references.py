"""Which candidates a candidate needs, in the document under edit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from core.spec import WRITING_KINDS
from gui.study_edits.shapes import Document, training_of


def teacher_named(candidates: Sequence[Document], candidate: Document) -> str | None:
    """The teacher that a candidate learns from: the named one, else the study's only one."""
    named = (candidate.get("train") or {}).get("teacher")
    if named is not None:
        return str(named)
    teachers = [str(other.get("name")) for other in candidates if other.get("role") == "teacher"]
    return teachers[0] if len(teachers) == 1 else None


def uses_teacher(candidate: Document, kind: str) -> bool:
    """Whether a teacher makes a candidate, gives it its layers or its token embeddings, or teaches its recovery."""
    if candidate.get("role") == "hybrid":
        return False
    model = candidate.get("model") or {}
    source = model.get("source")
    if source == "baseline" and model.get("kind") != "tfidf_linear" and (candidate.get("train") or {}).get("teacher"):
        return True
    named = (candidate.get("train") or {}).get("teacher")
    if named and any("prune" in step for step in candidate.get("compress") or []):
        return True
    return source in ("teacher", "sweep") or training_of(candidate, kind)["method"] == "distill"


def needed_by(candidates: Sequence[Document], candidate: Document, kind: str) -> list[str]:
    """The names that a candidate needs."""
    if candidate.get("role") == "hybrid":
        return [str(candidate[part]) for part in ("teacher", "student") if candidate.get(part)]
    needed = []
    model = candidate.get("model") or {}
    if model.get("source") == "candidate" and model.get("name"):
        needed.append(str(model["name"]))
    teacher = teacher_named(candidates, candidate)
    if uses_teacher(candidate, kind) and teacher is not None:
        needed.append(teacher)
    return needed


def users_of(candidates: Sequence[Document], name: str, kind: str) -> list[str]:
    """The names of the candidates that need `name`."""
    return [
        str(other.get("name"))
        for other in candidates
        if other.get("name") != name and name in needed_by(candidates, other, kind)
    ]


def testable_under_load(candidates: Sequence[Document]) -> list[str]:
    """The names of the candidates that run here or answer at an address, and look nothing up first."""
    return [
        str(candidate["name"])
        for candidate in candidates
        if candidate.get("role") != "hybrid"
        and (candidate.get("model") or {}).get("source") != "predictions"
        and not candidate.get("retrieval")
    ]


def asked_in_suites(candidates: Sequence[Document]) -> list[str]:
    """The names of the candidates that a standard suite may ask: no floor, and none quantised for ONNX Runtime."""
    testable = set(testable_under_load(candidates))
    return [
        str(candidate["name"])
        for candidate in candidates
        if str(candidate["name"]) in testable
        and (candidate.get("model") or {}).get("source") not in ("baseline", "sweep")
        and not any(str(step.get("quantize")).startswith("int8") for step in candidate.get("compress") or [])
    ]


def asks_in_words(task: Document, candidates: Sequence[Document]) -> bool:
    """Whether a language model is asked, or may be, so that a prompt makes sense."""
    models = [candidate.get("model") or {} for candidate in candidates]
    named = any(
        model.get("source") in ("endpoint", "gguf")
        or model.get("language_model")
        or (model.get("source") == "sample" and str(model.get("id")).startswith("llm"))
        for model in models
    )
    return task.get("kind") in WRITING_KINDS or bool(task.get("prompt")) or named


def parts_that_name(value: Callable[[str], Any], change: Callable[[str], str | None]) -> dict[str, Any]:
    """The parts beside `candidates` that name some of them, by path, with each name changed; null forgets it.

    A load test, a suite or a learning curve of nobody but forgotten ones goes with them. `value` hands out a part of
    the document by its path.
    """
    load, suites, curve = value("load"), value("suites") or [], value("learning_curve")
    student = None if curve is None else change(str(curve.get("student")))
    after = {
        "load": None if load is None else _of_those(load, change),
        "suites": [kept for one in suites if (kept := _of_those(one, change)) is not None],
        "learning_curve": None if student is None else {**curve, "student": student},
    }
    before = {"load": load, "suites": suites, "learning_curve": curve}
    return {path: part for path, part in after.items() if part != before[path]}


def _of_those(part: Document, change: Callable[[str], str | None]) -> Document | None:
    """A part with the names of its `candidates` changed, null where none is left; without names it is of all."""
    if part.get("candidates") is None:
        return part
    kept = [name for one in part["candidates"] if (name := change(str(one))) is not None]
    return {**part, "candidates": kept} if kept else None
