"""Rows into train, calibration and test: exact to the row, groups kept whole, targets in proportion.

A dataset is split by `split_rows`; given files are kept apart by `separate_files`. Both know rows only by position.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.data.filling import Fill, choose_fill
from core.domain import Split

_ORDER = (Split.TEST, Split.CALIBRATION, Split.TRAIN)


def split_rows(
    groups: Sequence[int], targets: Sequence[str] | None, test: float, calibration: float, seed: int
) -> list[Split]:
    """The split of each row. `groups` are numbers of groups that stay whole; the shares are of all rows.

    `round(share * rows)` rows go to test and to calibration wherever the group sizes allow, else the nearest numbers.
    `targets`, where given, are spread over the splits in proportion as far as that goes. The same rows in the same
    order and the same seed give the same splits.
    """
    rows = len(groups)
    random = np.random.default_rng(seed)
    members: dict[int, list[int]] = {}
    for row, group in enumerate(groups):
        members.setdefault(group, []).append(row)
    fill = choose_fill(
        Counter(len(group) for group in members.values()), round(test * rows), round(calibration * rows), random
    )
    deal = _Deal(targets or [""] * rows, fill)
    splits = [Split.TRAIN] * rows
    for size, alike in _by_size(list(members.values())):
        places = deal.places(size, len(alike))
        for position in random.permutation(len(alike)):
            chosen = deal.choose(alike[position], places)
            for row in alike[position]:
                splits[row] = chosen
    return splits


def _by_size(members: list[list[int]]) -> list[tuple[int, list[list[int]]]]:
    """The groups by size, largest first, because single rows can make up for what large groups upset."""
    by_size: dict[int, list[list[int]]] = {}
    for group in members:
        by_size.setdefault(len(group), []).append(group)
    return sorted(by_size.items(), reverse=True)


class _Deal:
    """Gives each group to the split that is still furthest from its share of the group's targets."""

    def __init__(self, targets: Sequence[str], fill: Fill) -> None:
        self._targets = targets
        self._fill = fill
        counts = Counter(targets)
        rows_test = sum(size * count for size, count in fill.test.items())
        rows_calibration = sum(size * count for size, count in fill.calibration.items())
        test = _in_shares(counts, rows_test)
        rest = Counter({target: count - test[target] for target, count in counts.items()})
        calibration = _in_shares(rest, rows_calibration)
        train = {target: rest[target] - calibration[target] for target in counts}
        self._wanted = {Split.TEST: test, Split.CALIBRATION: calibration, Split.TRAIN: train}
        self._missing = {split: dict(wanted) for split, wanted in self._wanted.items()}

    def places(self, size: int, groups: int) -> dict[Split, int]:
        """How many of the groups of one size each split takes."""
        test, calibration = self._fill.test.get(size, 0), self._fill.calibration.get(size, 0)
        return {Split.TEST: test, Split.CALIBRATION: calibration, Split.TRAIN: groups - test - calibration}

    def choose(self, group: Sequence[int], places: dict[Split, int]) -> Split:
        """The split that takes this group, whose place is then filled."""
        open_splits = [split for split in _ORDER if places[split] > 0]
        chosen = max(open_splits, key=lambda split: self._need(split, group))
        places[chosen] -= 1
        for row in group:
            self._missing[chosen][self._targets[row]] -= 1
        return chosen

    def _need(self, split: Split, group: Sequence[int]) -> float:
        missing, wanted = self._missing[split], self._wanted[split]
        return sum(missing[self._targets[row]] / (wanted[self._targets[row]] or 0.5) for row in group)


def _in_shares(counts: Counter[str], rows: int) -> dict[str, int]:
    """`rows` divided among the targets in proportion, by largest remainder; none gets more than it has."""
    total = sum(counts.values())
    if total == 0 or rows == 0:
        return dict.fromkeys(counts, 0)
    shares = {target: rows * count / total for target, count in counts.items()}
    given = {target: int(share) for target, share in shares.items()}
    left = rows - sum(given.values())
    by_remainder = sorted(counts, key=lambda target: (given[target] - shares[target], target))
    for target in by_remainder:
        if left == 0:
            break
        if given[target] < counts[target]:
            given[target] += 1
            left -= 1
    return given


@dataclass(frozen=True)
class Separation:
    """Which rows of given files to keep. `overlapping_test_rows` also stand in train or calibration."""

    keep: list[bool]
    overlapping_test_rows: int
    train_in_test: int
    calibration_in_test: int
    train_in_calibration: int


def separate_files(groups: Sequence[int], splits: Sequence[Split]) -> Separation:
    """What must go so that no group spans two of the given splits: test outranks calibration, which outranks train."""
    of_split = {split: {group for group, own in zip(groups, splits, strict=True) if own is split} for split in Split}
    elsewhere = of_split[Split.TRAIN] | of_split[Split.CALIBRATION]
    rows = list(zip(groups, splits, strict=True))
    counts = {"test": 0, "train_in_test": 0, "calibration_in_test": 0, "train_in_calibration": 0}
    keep = []
    for group, split in rows:
        reason = _reason_to_drop(group, split, of_split)
        keep.append(reason is None)
        if reason is not None:
            counts[reason] += 1
        elif split is Split.TEST and group in elsewhere:
            counts["test"] += 1
    return Separation(
        keep, counts["test"], counts["train_in_test"], counts["calibration_in_test"], counts["train_in_calibration"]
    )


def _reason_to_drop(group: int, split: Split, of_split: dict[Split, set[int]]) -> str | None:
    if split is Split.TRAIN and group in of_split[Split.TEST]:
        return "train_in_test"
    if split is Split.CALIBRATION and group in of_split[Split.TEST]:
        return "calibration_in_test"
    if split is Split.TRAIN and group in of_split[Split.CALIBRATION]:
        return "train_in_calibration"
    return None
