"""One candidate's fields changed, with what has to follow: another source has other parts, another role others."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from core.spec import Train
from gui.study_edits.lists import blank, with_teachers_named
from gui.study_edits.shapes import (
    ANSWERS_ONLY,
    DISTILL_ONLY,
    PARTS_OF_TRAIN,
    PLAIN_TRAINING_ONLY,
    UNCOMPRESSED,
    Document,
    defaults_of,
    methods_of,
    model_of_source,
    techniques_of,
    training_of,
)

_KEPT_BETWEEN_SOURCES = {"hub": "id", "sample": "id", "gguf": "file", "predictions": "file"}


def changed(candidates: Sequence[Document], index: int, path: str, value: Any, kind: str) -> list[Document]:
    """The list after a field of one candidate was set. `path` is within the candidate, as in `train.epochs`."""
    result = copy.deepcopy(list(candidates))
    candidate = result[index]
    head, _, rest = path.partition(".")
    if path == "role":
        result[index] = _of_role(result, candidate, str(value), kind)
        return with_teachers_named(candidates, result, kind)
    if path == "model.source":
        result[index] = _of_source(candidate, str(value), kind)
    elif head == "train":
        candidate["train"] = _trained(training_of(candidate, kind), rest, value)
    elif head == "model":
        _put(candidate["model"], rest, value)
    else:
        candidate[path] = copy.deepcopy(value)
    return result


def _trained(train: Document, path: str, value: Any) -> Document:
    if path in PARTS_OF_TRAIN and isinstance(value, bool):
        value = defaults_of(PARTS_OF_TRAIN[path]) if value else None
    _put(train, path, value)
    if path == "method" and value != "distill":
        plain = defaults_of(Train)
        train.update({name: plain[name] for name in DISTILL_ONLY})
    return train


def _put(document: Document, path: str, value: Any) -> None:
    *parents, last = path.split(".")
    here = document
    for part in parents:
        here = here.setdefault(part, {})
    here[last] = copy.deepcopy(value)


def _of_source(candidate: Document, source: str, kind: str) -> Document:
    """A candidate whose model comes from elsewhere: what does not fit the new source is left out."""
    before = candidate.get("model") or {}
    model = model_of_source(source)
    shared = _KEPT_BETWEEN_SOURCES.get(source)
    if shared is not None and _KEPT_BETWEEN_SOURCES.get(str(before.get("source"))) == shared:
        model[shared] = before.get(shared, "")
    result = {**candidate, "model": model}
    if source in UNCOMPRESSED:
        result["compress"] = []
    if source in ANSWERS_ONLY or candidate.get("train") is None:
        return {**result, "train": None}
    train = training_of(candidate, kind)
    if train["method"] not in methods_of(source, kind):
        train = _trained(train, "method", methods_of(source, kind)[0])
    if source in ("baseline", "sweep"):
        plain = defaults_of(Train)
        train.update({name: plain[name] for name in PLAIN_TRAINING_ONLY})
        if train["technique"] not in techniques_of(kind, source):
            train["technique"] = plain["technique"]
    if source == "sweep":
        train["weighted"] = False
    return {**result, "train": None if train["method"] == "none" else train}


def _of_role(candidates: Sequence[Document], candidate: Document, role: str, kind: str) -> Document:
    """A candidate in another role; a hybrid has a teacher and a student in place of a model of its own."""
    before = candidate.get("role")
    if (role == "hybrid") == (before == "hybrid"):
        return {**candidate, "role": role}
    fresh = blank(str(candidate.get("name")), role)
    others = [other for other in candidates if other is not candidate and other.get("role") != "hybrid"]
    if role == "hybrid":
        return {**fresh, **parts_of_hybrid(others)}
    teachers = [other for other in others if other.get("role") == "teacher"]
    fresh["model"] = model_of_source("teacher" if role == "student" and len(teachers) == 1 else "hub")
    return fresh


def parts_of_hybrid(others: Sequence[Document]) -> Document:
    """Teacher and student that a new hybrid is made of: the first teacher and the last student."""
    teachers = [str(other["name"]) for other in others if other.get("role") == "teacher"]
    students = [str(other["name"]) for other in others if other.get("role") == "student"]
    return {"teacher": teachers[0] if teachers else "", "student": students[-1] if students else ""}
