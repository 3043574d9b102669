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

from core.domain import FloatArray
from core.metrics.effective import effective_rows
from core.metrics.json_text import json_of
from core.metrics.label_sets import classes_of, label_counts
from core.metrics.proportions import wilson_interval


@dataclass(frozen=True)
class PartFigures:
    """One field, or one label, over all rows: how often it was asked for, given, and given rightly. Precision is null
    where it was never given, recall where it was never asked for, F1 where it was neither.

    `wanted`, `given` and `right` count rows. The shares are of `weights`, the same three as sums of the rows' weights,
    null where rows count alike; `worth` is how many independent rows of equal weight those that asked for it and those
    that gave it are worth (`core.metrics.effective`), for the shares' intervals.
    """

    name: str
    wanted: int
    given: int
    right: int
    weights: tuple[float, float, float] | None = None
    worth: tuple[float, float] | None = None

    @property
    def precision(self) -> float | None:
        """Of the times that it was given, the share that were right."""
        _, given, right = self._sums
        return right / given if given else None

    @property
    def recall(self) -> float | None:
        """Of the times that it was asked for, the share that were given rightly."""
        wanted, _, right = self._sums
        return right / wanted if wanted else None

    @property
    def f1(self) -> float | None:
        """The harmonic mean of both."""
        wanted, given, right = self._sums
        both = wanted + given
        return 2 * right / both if both else None

    @property
    def precision_interval(self) -> tuple[float, float] | None:
        """Wilson's 95 % interval for as many rows as those that gave it are worth."""
        return _interval(self.precision, self.given if self.worth is None else self.worth[1])

    @property
    def recall_interval(self) -> tuple[float, float] | None:
        """Wilson's 95 % interval for as many rows as those that asked for it are worth."""
        return _interval(self.recall, self.wanted if self.worth is None else self.worth[0])

    @property
    def _sums(self) -> tuple[float, float, float]:
        return self.weights or (self.wanted, self.given, self.right)


def _interval(share: float | None, rows: float) -> tuple[float, float] | None:
    if share is None:
        return None
    low, high = wilson_interval(share * rows, rows)
    return min(low, share), max(high, share)


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


def field_figures(
    outputs: Sequence[str | None],
    targets: Sequence[str],
    groups: Sequence[str] | None = None,
    weights: FloatArray | None = None,
) -> tuple[PartFigures, ...]:
    """Every field over all rows, those of the targets first, each in the order in which it first stands.

    `weights` says how much each row counts, shape (rows,), null alike; rows of one of `groups` say the same thing, null
    means that each is one of its own. Raises ValueError for a target that is no JSON object.
    """
    rows = [
        (fields_of(json_of(target, (dict,))), answered_fields(output) or {})
        for output, target in zip(outputs, targets, strict=True)
    ]
    names = list(dict.fromkeys([*(name for asked, _ in rows for name in asked), *(n for _, own in rows for n in own)]))
    place = {name: number for number, name in enumerate(names)}
    right, given, wanted = (np.zeros((len(rows), len(names))) for _ in range(3))
    for row, (asked, answered) in enumerate(rows):
        for name, value in asked.items():
            wanted[row, place[name]] = 1.0
            right[row, place[name]] = float(name in answered and same_value(answered[name], value))
        for name in answered:
            given[row, place[name]] = 1.0
    return _figures(names, (right, given, wanted), groups, weights)


def label_figures(
    outputs: Sequence[str | None],
    targets: Sequence[str],
    groups: Sequence[str] | None = None,
    weights: FloatArray | None = None,
) -> tuple[PartFigures, ...]:
    """Every label of sets of labels over all rows, in sorted order; a null output names none. `groups` and `weights`
    are as for `field_figures`."""
    classes = classes_of(outputs, targets)
    right, given, wanted = np.split(label_counts(outputs, targets, classes), 3, axis=1)
    return _figures(classes, (right, given, wanted), groups, weights)


def _figures(
    names: Sequence[str],
    counts: tuple[FloatArray, FloatArray, FloatArray],
    groups: Sequence[str] | None,
    weights: FloatArray | None,
) -> tuple[PartFigures, ...]:
    """The parts from which rows gave them rightly, gave them and asked for them, each of shape (rows, parts)."""
    right, given, wanted = counts
    own = [str(row) for row in range(len(right))] if groups is None else groups
    found = []
    for place, name in enumerate(names):
        columns = wanted[:, place], given[:, place], right[:, place]
        asked, told, hits = (int(column.sum()) for column in columns)
        worth = _worth(columns[0], own, weights), _worth(columns[1], own, weights)
        found.append(PartFigures(name, asked, told, hits, _weighed(columns, weights), worth))
    return tuple(found)


def _weighed(
    columns: tuple[FloatArray, FloatArray, FloatArray], weights: FloatArray | None
) -> tuple[float, float, float] | None:
    if weights is None:
        return None
    wanted, given, right = (float(weights @ column) for column in columns)
    return wanted, given, right


def _worth(column: FloatArray, groups: Sequence[str], weights: FloatArray | None) -> float:
    """How many rows of equal weight those are worth where the column is 1; 0 where there are none."""
    rows = np.flatnonzero(column)
    own = [groups[row] for row in rows.tolist()]
    return effective_rows(own, None if weights is None else weights[rows]) if own else 0.0


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
