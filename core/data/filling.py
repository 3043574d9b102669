"""How many groups of each size go to which split, so that the splits' row counts are met exactly where they can be.

Groups of one row give the freedom: larger groups are dealt out in proportion and single rows fill the rest. Where there
are too few single rows, this is a subset-sum problem in two dimensions, solved by dynamic programming over the numbers
of rows in the test and the calibration split (Kellerer, Pferschy, Pisinger: Knapsack Problems, 2004, section 4.1).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.domain import IntArray

_MOST_STATES = 6_000_000


@dataclass(frozen=True)
class Fill:
    """How many groups of each size go to test and to calibration; the others go to train."""

    test: dict[int, int]
    calibration: dict[int, int]


def choose_fill(
    groups_of_size: Mapping[int, int], rows_test: int, rows_calibration: int, random: np.random.Generator
) -> Fill:
    """A fill with exactly `rows_test` and `rows_calibration` rows where group sizes allow, else the nearest one."""
    return _in_proportion(groups_of_size, rows_test, rows_calibration, random) or _exact(
        groups_of_size, rows_test, rows_calibration
    )


def _in_proportion(
    groups_of_size: Mapping[int, int], rows_test: int, rows_calibration: int, random: np.random.Generator
) -> Fill | None:
    """Groups of each size dealt out in proportion, largest first; None where the single rows do not fill the rest."""
    rows_left = sum(size * count for size, count in groups_of_size.items())
    test_left, calibration_left = rows_test, rows_calibration
    fill = Fill({}, {})
    for size in sorted((size for size in groups_of_size if size > 1), reverse=True):
        count = groups_of_size[size]
        to_test = min(_randomly_rounded(count * test_left / rows_left, random), test_left // size)
        wanted = _randomly_rounded(count * calibration_left / rows_left, random)
        to_calibration = min(wanted, calibration_left // size, count - to_test)
        fill.test[size], fill.calibration[size] = to_test, to_calibration
        test_left -= to_test * size
        calibration_left -= to_calibration * size
        rows_left -= count * size
    if test_left + calibration_left > groups_of_size.get(1, 0):
        return None
    fill.test[1], fill.calibration[1] = test_left, calibration_left
    return fill


def _randomly_rounded(value: float, random: np.random.Generator) -> int:
    whole = int(value)
    return whole + int(random.random() < value - whole)


def _exact(groups_of_size: Mapping[int, int], rows_test: int, rows_calibration: int) -> Fill:
    """The fill whose row counts are nearest to those asked for, jointly where the table of states is small enough."""
    reach_test = _within_reach(groups_of_size, rows_test)
    reach_calibration = _within_reach(groups_of_size, rows_calibration)
    if (reach_test + 1) * (reach_calibration + 1) <= _MOST_STATES:
        return _Table(groups_of_size, reach_test, reach_calibration).nearest(rows_test, rows_calibration)
    test = _Table(groups_of_size, reach_test, 0).nearest(rows_test, 0).test
    rest = {size: count - test.get(size, 0) for size, count in groups_of_size.items()}
    calibration = _Table(rest, reach_calibration, 0).nearest(rows_calibration, 0).test
    return Fill(test, calibration)


def _within_reach(groups_of_size: Mapping[int, int], rows: int) -> int:
    """The most rows worth considering: the nearest sum may lie above `rows`, though never by as much as `rows`."""
    if rows == 0:
        return 0
    return min(sum(size * count for size, count in groups_of_size.items()), 2 * rows)


class _Table:
    """Which pairs (rows in test, rows in calibration) can be reached, and the first batch that reached them."""

    def __init__(self, groups_of_size: Mapping[int, int], reach_test: int, reach_calibration: int) -> None:
        shape = (reach_test + 1, reach_calibration + 1)
        self._first: IntArray = np.full(shape, -1, dtype=np.int64)
        self._to_test: NDArray[np.bool_] = np.zeros(shape, dtype=bool)
        self._first[0, 0] = 0
        self._rows = sum(size * count for size, count in groups_of_size.items())
        # A batch of 2^k groups of one size is one item, so that a thousand groups of a size cost ten steps.
        self._batches = [(0, 0)] + [
            (size, batch) for size, count in sorted(groups_of_size.items()) for batch in _binary_batches(count)
        ]
        for number, (size, batch) in enumerate(self._batches[1:], start=1):
            self._add(number, size * batch)

    def _add(self, number: int, rows: int) -> None:
        reached = self._first >= 0
        for into_test in (True, False):
            shifted = np.zeros_like(reached)
            if into_test and rows < reached.shape[0]:
                shifted[rows:, :] = reached[:-rows, :]
            elif not into_test and rows < reached.shape[1]:
                shifted[:, rows:] = reached[:, :-rows]
            new = shifted & (self._first < 0)
            self._first[new] = number
            self._to_test[new] = into_test

    def nearest(self, rows_test: int, rows_calibration: int) -> Fill:
        """The reachable fill that is nearest to the rows asked for, with no split left empty where that is possible."""
        test, calibration = np.nonzero(self._first >= 0)
        empty = (
            ((rows_test > 0) & (test == 0)).astype(int)
            + ((rows_calibration > 0) & (calibration == 0))
            + ((rows_test + rows_calibration < self._rows) & (test + calibration == self._rows))
        )
        distance = np.abs(test - rows_test) + np.abs(calibration - rows_calibration)
        best = int(np.lexsort((distance, empty))[0])
        return self._walk_back(int(test[best]), int(calibration[best]))

    def _walk_back(self, test: int, calibration: int) -> Fill:
        fill = Fill({}, {})
        while (number := int(self._first[test, calibration])) > 0:
            size, batch = self._batches[number]
            if self._to_test[test, calibration]:
                fill.test[size] = fill.test.get(size, 0) + batch
                test -= size * batch
            else:
                fill.calibration[size] = fill.calibration.get(size, 0) + batch
                calibration -= size * batch
        return fill


def _binary_batches(count: int) -> list[int]:
    """Batches 1, 1, 2, 2, 4, 4, … of `count` groups: each size twice, for three splits share the groups."""
    batches: list[int] = []
    while count > 0:
        batches.append(min(2 ** (len(batches) // 2), count))
        count -= batches[-1]
    return batches
