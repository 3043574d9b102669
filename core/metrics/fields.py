"""Fields extracted as JSON: which are right, row by row and field by field.

Fields within objects have dotted names. A field that is missing, null, or empty (text, list, object) counts as absent:
leaving it out is right where the target does. Lists are compared as sets, numbers by value (also one written as text),
texts but for white space.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.metrics.json_text import json_of
from core.metrics.label_sets import classes_of, label_counts


@dataclass(frozen=True)
class PartFigures:
    """One field, or one label, over all rows: how often it was asked for, given, and given rightly. Precision is null
    where it was never given, recall where it was never asked for, F1 where it was neither."""

    name: str
    wanted: int
    given: int
    right: int

    @property
    def precision(self) -> float | None:
        """Of the times that it was given, the share that were right."""
        return self.right / self.given if self.given else None

    @property
    def recall(self) -> float | None:
        """Of the times that it was asked for, the share that were given rightly."""
        return self.right / self.wanted if self.wanted else None

    @property
    def f1(self) -> float | None:
        """The harmonic mean of both."""
        both = self.wanted + self.given
        return 2 * self.right / both if both else None


def fields_of(value: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """The fields of an object that are there, by dotted name."""
    found: dict[str, Any] = {}
    for name, item in value.items():
        if isinstance(item, dict):
            found |= fields_of(item, f"{prefix}{name}.")
        elif not (item is None or item == [] or (isinstance(item, str) and not item.strip())):
            found[f"{prefix}{name}"] = item
    return found


def answered_fields(output: str | None) -> dict[str, Any] | None:
    """The fields of an answer; null where there is no JSON object in it."""
    try:
        return None if output is None else fields_of(json_of(output, (dict,)))
    except ValueError:
        return None


def field_f1(output: str, target: str) -> float:
    """F1 of one row's fields: 2 · right ÷ (given + asked for); 1 where there are none of either, 0 where the answer is
    no JSON object. Raises ValueError for a target that is none."""
    wanted = fields_of(json_of(target, (dict,)))
    given = answered_fields(output)
    if given is None:
        return 0.0
    right = sum(name in given and same_value(given[name], value) for name, value in wanted.items())
    both = len(wanted) + len(given)
    return 2 * right / both if both else 1.0


def field_figures(outputs: Sequence[str | None], targets: Sequence[str]) -> tuple[PartFigures, ...]:
    """Every field over all rows, those of the targets first, each in the order in which it first stands.

    Raises ValueError for a target that is no JSON object.
    """
    wanted: dict[str, int] = {}
    given: dict[str, int] = {}
    right: dict[str, int] = {}
    for output, target in zip(outputs, targets, strict=True):
        asked, answered = fields_of(json_of(target, (dict,))), answered_fields(output) or {}
        for name, value in asked.items():
            wanted[name] = wanted.get(name, 0) + 1
            right[name] = right.get(name, 0) + (name in answered and same_value(answered[name], value))
        for name in answered:
            given[name] = given.get(name, 0) + 1
    names = dict.fromkeys((*wanted, *given))
    return tuple(PartFigures(name, wanted.get(name, 0), given.get(name, 0), right.get(name, 0)) for name in names)


def label_figures(outputs: Sequence[str | None], targets: Sequence[str]) -> tuple[PartFigures, ...]:
    """Every label of sets of labels over all rows, in sorted order; a null output names none."""
    classes = classes_of(outputs, targets)
    right, given, wanted = np.split(label_counts(outputs, targets, classes).sum(axis=0).astype(np.int64), 3)
    counts = zip(classes, wanted.tolist(), given.tolist(), right.tolist(), strict=True)
    return tuple(PartFigures(*found) for found in counts)


def same_value(one: Any, other: Any) -> bool:
    """Whether two JSON values say the same."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, list) and isinstance(other, list):
        return _all_within(one, other) and _all_within(other, one)
    if isinstance(one, dict) and isinstance(other, dict):
        left, right = fields_of(one), fields_of(other)
        return left.keys() == right.keys() and all(same_value(value, right[name]) for name, value in left.items())
    if isinstance(one, int | float) or isinstance(other, int | float):
        return _number(one) is not None and _number(one) == _number(other)
    if isinstance(one, str) and isinstance(other, str):
        return " ".join(one.split()) == " ".join(other.split())
    return one is None and other is None


def _all_within(part: list[Any], whole: list[Any]) -> bool:
    return all(any(same_value(item, other) for other in whole) for item in part)


def _number(value: Any) -> float | int | None:
    if isinstance(value, int | float):
        return value
    try:
        return float(value.replace(",", "")) if isinstance(value, str) else None
    except ValueError:
        return None
