"""Which rows belong together: equal normalised inputs or equal groups, and whatever that links."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def normalise(text: str) -> str:
    """The text in lower case with nothing but its letters and digits, of any script."""
    return "".join(character for character in text.lower() if character.isalnum())


def link_rows(keys_by_rule: Iterable[Sequence[str | None]]) -> list[int]:
    """The number of each row's group, counted from 0 in the order in which groups first appear.

    Each rule gives one key for each row: rows with equal keys of the same rule share a group, and so do rows that are
    linked through others. A null key links nothing.
    """
    rules = [list(keys) for keys in keys_by_rule]
    parents = list(range(len(rules[0])))
    for keys in rules:
        first_with: dict[str, int] = {}
        for row, key in enumerate(keys):
            if key is None:
                continue
            other = first_with.setdefault(key, row)
            if other != row:
                _join(parents, row, other)
    numbers: dict[int, int] = {}
    return [numbers.setdefault(_root(parents, row), len(numbers)) for row in range(len(parents))]


def _root(parents: list[int], row: int) -> int:
    while parents[row] != row:
        parents[row] = parents[parents[row]]
        row = parents[row]
    return row


def _join(parents: list[int], left: int, right: int) -> None:
    left, right = _root(parents, left), _root(parents, right)
    parents[max(left, right)] = min(left, right)


def repeated_rows(inputs: Iterable[str]) -> int:
    """How many rows say, normalised, what an earlier row has said."""
    seen: set[str] = set()
    repeated = 0
    for text in inputs:
        key = normalise(text)
        repeated += key in seen
        seen.add(key)
    return repeated
