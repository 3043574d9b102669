"""Rows into train, calibration and test by their time: what is measured is what came last, as it will be in service."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
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
    than what is measured. Rows of the same moment stay on one side of a border, for the order of their lines tells
    nothing of time. The shares are of all rows, met as nearly as whole moments allow; a share that comes to a row or
    more gets at least one moment.
    """
    newest = _newest_of_groups(groups, moments)
    sizes = Counter(newest[group] for group in groups)
    waiting = sorted(sizes)
    chosen: dict[float, Split] = {}
    for split, share in ((Split.TEST, test), (Split.CALIBRATION, calibration)):
        _fill(split, round(share * len(groups)), waiting, sizes, chosen)
    return [chosen.get(newest[group], Split.TRAIN) for group in groups]


def _fill(
    split: Split, wanted: int, waiting: list[float], sizes: Mapping[float, int], chosen: dict[float, Split]
) -> None:
    """Take the newest moments off the end of `waiting` until the rows are as many as wanted, or nearest to it."""
    rows = 0
    while waiting and rows < wanted:
        size = sizes[waiting[-1]]
        if rows > 0 and abs(rows + size - wanted) > wanted - rows:
            return
        chosen[waiting.pop()] = split
        rows += size


def _newest_of_groups(groups: Sequence[int], moments: Sequence[float]) -> dict[int, float]:
    """The moment of each group's newest row."""
    newest: dict[int, float] = {}
    for group, moment in zip(groups, moments, strict=True):
        newest[group] = max(newest.get(group, moment), moment)
    return newest


def spans_of(groups: Sequence[int], moments: Sequence[float], splits: Sequence[Split]) -> dict[Split, Span]:
    """The time that each split covers; a split without rows has none."""
    newest = _newest_of_groups(groups, moments)
    spans = {}
    for split in Split:
        own = [place for place, of_row in enumerate(splits) if of_row is split]
        if not own:
            continue
        ends = [newest[groups[place]] for place in own]
        first = min(ends)
        spans[split] = Span(first, max(ends), sum(moments[place] < first for place in own))
    return spans
