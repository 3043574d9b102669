"""Rows into train, calibration and test by their time: what is measured is what came last, as it will be in service."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.domain import Split


@dataclass(frozen=True)
class Span:
    """From when to when the groups of a split are, by their newest rows, in seconds since 1970. `older_rows` of them
    are older than `first`: they came along with a newer row of their group."""

    first: float
    last: float
    older_rows: int


def split_by_time(groups: Sequence[int], moments: Sequence[float], test: float, calibration: float) -> list[Split]:
    """The split of each row: the newest rows are test, those before them calibration, the oldest train.

    Groups stay whole, and one that spans a border goes with its newest row: so nothing that is learnt from is newer
    than what is measured. Rows of the same time are taken to have come in the order of the file. The shares are of all
    rows, met as nearly as whole groups allow; a share that comes to a row or more gets at least one group.
    """
    newest: dict[int, tuple[float, int]] = {}
    sizes: dict[int, int] = {}
    for place, (group, moment) in enumerate(zip(groups, moments, strict=True)):
        newest[group] = max(newest.get(group, (moment, place)), (moment, place))
        sizes[group] = sizes.get(group, 0) + 1
    waiting = sorted(newest, key=lambda group: newest[group])
    chosen: dict[int, Split] = {}
    for split, share in ((Split.TEST, test), (Split.CALIBRATION, calibration)):
        _fill(split, round(share * len(groups)), waiting, sizes, chosen)
    return [chosen.get(group, Split.TRAIN) for group in groups]


def _fill(split: Split, wanted: int, waiting: list[int], sizes: dict[int, int], chosen: dict[int, Split]) -> None:
    """Take the newest groups off the end of `waiting` until the rows are as many as wanted, or nearest to it."""
    rows = 0
    while waiting and rows < wanted:
        size = sizes[waiting[-1]]
        if rows > 0 and abs(rows + size - wanted) > wanted - rows:
            return
        chosen[waiting.pop()] = split
        rows += size


def spans_of(groups: Sequence[int], moments: Sequence[float], splits: Sequence[Split]) -> dict[Split, Span]:
    """The time that each split covers; a split without rows has none."""
    newest: dict[int, float] = {}
    for group, moment in zip(groups, moments, strict=True):
        newest[group] = max(newest.get(group, moment), moment)
    spans = {}
    for split in Split:
        own = [place for place, of_row in enumerate(splits) if of_row is split]
        if not own:
            continue
        ends = [newest[groups[place]] for place in own]
        first = min(ends)
        spans[split] = Span(first, max(ends), sum(moments[place] < first for place in own))
    return spans
