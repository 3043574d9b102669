"""Which rows of the stream stand in which round, and on which side of it: learnt, or held out for good."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from core.engines.dynamic.stream import StreamRow
from core.spec import Dynamic


@dataclass(frozen=True)
class RoundRows:
    """The rows of one round, in the stream's order. No round learns what this or another one holds out."""

    learnt: tuple[StreamRow, ...]
    held_out: tuple[StreamRow, ...]


def plan_rounds(
    rows: Sequence[StreamRow], known: Collection[str], dynamic: Dynamic, seed: int
) -> tuple[tuple[RoundRows, ...], int]:
    """The rounds, and how many rows at the end wait for more.

    `known` are the normalised inputs that the student has learnt already. A group of linked rows is on one side
    throughout: where its first row is, and among the learnt ones where the student knows any of it. The rest of the
    stream joins the last round where it is less than half of one; what has nothing to learn or nothing to hold out
    waits. The same rows and seed give the same rounds.
    """
    sides: dict[int, bool] = {row.group: False for row in rows if row.key in known}
    chunks = _chunks(rows, dynamic.round_rows)
    rounds: list[RoundRows] = []
    waiting = 0
    for number, chunk in enumerate(chunks):
        _hold_out(chunk, sides, dynamic.held_out, np.random.default_rng([seed, number]))
        made = RoundRows(
            tuple(row for row in chunk if not sides[row.group]), tuple(row for row in chunk if sides[row.group])
        )
        if made.learnt and (made.held_out or any(before.held_out for before in rounds)):
            rounds.append(made)
        else:
            waiting += len(chunk)
    return tuple(rounds), waiting


def _chunks(rows: Sequence[StreamRow], size: int) -> list[Sequence[StreamRow]]:
    chunks = [rows[begin : begin + size] for begin in range(0, len(rows), size)]
    if len(chunks) > 1 and 2 * len(chunks[-1]) < size:
        chunks[-2:] = [rows[(len(chunks) - 2) * size :]]
    return chunks


def _hold_out(chunk: Sequence[StreamRow], sides: dict[int, bool], share: float, random: np.random.Generator) -> None:
    """Decide for the groups that are new in this chunk: held out until the share is reached, in a random order.

    At least one group is held out, and the chunk keeps something to learn.
    """
    learns_already = any(not sides.get(row.group, True) for row in chunk)
    sizes: dict[int, int] = {}
    for row in chunk:
        if row.group not in sides:
            sizes[row.group] = sizes.get(row.group, 0) + 1
    groups, wanted = list(sizes), share * sum(sizes.values())
    most = len(groups) - (0 if learns_already else 1)
    held_groups = held_rows = 0
    for place in random.permutation(len(groups)):
        group = groups[place]
        fits = held_groups == 0 or held_rows + sizes[group] / 2 <= wanted
        sides[group] = held_groups < most and fits
        if sides[group]:
            held_groups, held_rows = held_groups + 1, held_rows + sizes[group]
