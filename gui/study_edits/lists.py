"""Candidates added, renamed, duplicated and removed: each takes the list and gives a new one."""

from __future__ import annotations

import copy
from collections.abc import Sequence

from gui.study_edits.references import teacher_named, uses_teacher
from gui.study_edits.shapes import Document, training_of


def free_name(candidates: Sequence[Document], wanted: str) -> str:
    """`wanted`, or `wanted-2`, `wanted-3` … where it is taken; 80 letters at most."""
    taken = {candidate.get("name") for candidate in candidates}
    name, number = wanted[:80], 1
    while name in taken:
        number += 1
        name = f"{wanted[: 80 - len(str(number)) - 1]}-{number}"
    return name


def renamed(candidates: Sequence[Document], index: int, name: str) -> list[Document]:
    """The list with another name for a candidate, wherever it is named."""
    result = copy.deepcopy(list(candidates))
    old = result[index].get("name")
    result[index]["name"] = name
    for other in result:
        for part in ("teacher", "student"):
            if other.get(part) == old:
                other[part] = name
        model, train = other.get("model") or {}, other.get("train") or {}
        if model.get("source") == "candidate" and model.get("name") == old:
            model["name"] = name
        if train.get("teacher") == old:
            train["teacher"] = name
    return result


def added(candidates: Sequence[Document], candidate: Document, kind: str, at: int | None = None) -> list[Document]:
    """The list with one more, at its end or at a place; its name made free."""
    result = copy.deepcopy(list(candidates))
    fresh = {**copy.deepcopy(candidate), "name": free_name(result, str(candidate["name"]))}
    result.insert(len(result) if at is None else at, fresh)
    return with_teachers_named(candidates, result, kind)


def removed(candidates: Sequence[Document], index: int) -> list[Document]:
    """The list without one; who names it as a teacher that it does not use any more forgets it."""
    name = candidates[index].get("name")
    result = copy.deepcopy([other for place, other in enumerate(candidates) if place != index])
    for other in result:
        if (other.get("train") or {}).get("teacher") == name:
            other["train"]["teacher"] = None
    return result


def with_teachers_named(before: Sequence[Document], after: Sequence[Document], kind: str) -> list[Document]:
    """`after`, in which whoever learned from the only teacher of `before` names it, once there are several."""
    result = copy.deepcopy(list(after))
    if sum(other.get("role") == "teacher" for other in result) < 2:
        return result
    for candidate in result:
        known = any(other.get("name") == candidate.get("name") for other in before)
        teacher = teacher_named(before, candidate) if known else None
        if teacher is not None and uses_teacher(candidate, kind) and teacher_named(result, candidate) is None:
            candidate["train"] = {**training_of(candidate, kind), "teacher": teacher}
    return result


def blank(name: str, role: str) -> Document:
    """A candidate of a role with nothing in it yet."""
    return {
        "name": name,
        "role": role,
        "profile": None,
        "model": None,
        "train": None,
        "compress": [],
        "teacher": None,
        "student": None,
        "policies": ["cascade", "router"],
    }
