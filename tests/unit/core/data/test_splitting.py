from collections import Counter
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.data.filling import choose_fill
from core.data.grouping import link_rows, normalise, repeated_rows
from core.data.splitting import separate_files, split_rows
from core.domain import Split

group_lists = st.lists(st.integers(0, 12), min_size=1, max_size=30)
shares = st.tuples(st.floats(0.05, 0.6), st.floats(0.0, 0.35))


@cache
def reachable(sizes: tuple[int, ...]) -> frozenset[tuple[int, int]]:
    """Every (test rows, calibration rows) that whole groups can make up, by trying them all."""
    pairs = frozenset({(0, 0)})
    for size in sizes:
        pairs |= {(test + size, calibration) for test, calibration in pairs} | {
            (test, calibration + size) for test, calibration in pairs
        }
    return pairs


@settings(max_examples=150, deadline=None)
@given(group_lists, shares, st.integers(0, 5))
def test_a_group_never_spans_two_splits(groups: list[int], asked: tuple[float, float], seed: int) -> None:
    splits = split_rows(groups, None, asked[0], asked[1], seed)
    homes = {(group, split) for group, split in zip(groups, splits, strict=True)}
    assert len(homes) == len(set(groups))


@settings(max_examples=150, deadline=None)
@given(group_lists, shares, st.integers(0, 5))
def test_row_counts_are_exact_wherever_whole_groups_can_make_them_up(
    groups: list[int], asked: tuple[float, float], seed: int
) -> None:
    rows = len(groups)
    wanted = (round(asked[0] * rows), round(asked[1] * rows))
    counts = Counter(split_rows(groups, None, asked[0], asked[1], seed))
    if wanted in reachable(tuple(sorted(Counter(groups).values()))):
        assert (counts[Split.TEST], counts[Split.CALIBRATION]) == wanted


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(st.integers(1, 6), st.integers(1, 9), min_size=1),
    st.integers(0, 40),
    st.integers(0, 40),
    st.integers(0, 3),
)
def test_a_fill_uses_each_group_at_most_once(sizes: dict[int, int], test: int, calibration: int, seed: int) -> None:
    fill = choose_fill(sizes, test, calibration, np.random.default_rng(seed))
    for size in {*fill.test, *fill.calibration}:
        used = (fill.test.get(size, 0), fill.calibration.get(size, 0))
        assert min(used) >= 0
        assert sum(used) <= sizes.get(size, 0)


@given(st.lists(st.sampled_from("abc"), min_size=40, max_size=80), st.integers(0, 5))
@settings(max_examples=60, deadline=None)
def test_targets_keep_their_proportions_where_every_row_stands_alone(targets: list[str], seed: int) -> None:
    splits = split_rows(range(len(targets)), targets, 0.25, 0.25, seed)
    for target, count in Counter(targets).items():
        in_test = sum(split is Split.TEST and own == target for own, split in zip(targets, splits, strict=True))
        assert abs(in_test - round(0.25 * len(targets)) * count / len(targets)) < 1


def test_large_groups_leave_targets_near_their_proportions() -> None:
    targets = ["a", "b"] * 500
    groups = [row // 4 for row in range(600)] + list(range(1000, 1400))
    splits = split_rows(groups, targets, 0.2, 0.2, 3)
    in_test = Counter(target for target, split in zip(targets, splits, strict=True) if split is Split.TEST)
    assert in_test == {"a": 100, "b": 100}


def test_the_same_seed_gives_the_same_splits_and_another_seed_others() -> None:
    first, again, other = (split_rows(range(200), None, 0.2, 0.2, seed) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_counts_are_met_by_large_groups_alone_where_greedy_dealing_would_miss_them() -> None:
    groups = [group for group, size in enumerate([7, 5, 5, 3, 3, 3, 4]) for _ in range(size)]
    splits = Counter(split_rows(groups, None, 0.3, 0.5, 0))
    assert (splits[Split.TEST], splits[Split.CALIBRATION]) == (9, 15)


def test_many_duplicated_rows_are_filled_exactly_in_bounded_time() -> None:
    groups = [row // 2 for row in range(200_000)]
    splits = Counter(split_rows(groups, None, 0.2, 0.2, 7))
    assert (splits[Split.TEST], splits[Split.CALIBRATION]) == (40_000, 40_000)


@pytest.mark.parametrize(
    ("left", "right"),
    [("My card is LOST!", "my card, is lost"), ("我的卡，丢了。", "我的卡丢了"), ("a_b", "ab"), ("ÉTÉ 7", "été7")],
)
def test_normalised_inputs_ignore_case_blanks_and_signs(left: str, right: str) -> None:
    assert normalise(left) == normalise(right)


def test_normalised_inputs_keep_letters_and_digits_of_every_script() -> None:
    assert normalise("Straße 7, 三楼 ٣!") == "straße7三楼٣"


def test_rows_are_linked_through_inputs_and_groups_in_turn() -> None:
    inputs = ["a", "b", "a", "c", "d"]
    customers = ["x", None, "y", "y", None]
    assert link_rows([inputs, customers]) == [0, 1, 0, 0, 2]


def test_repeated_rows_counts_each_row_after_the_first() -> None:
    assert repeated_rows(["Hi!", "hi", "HI", "you"]) == 2


def test_given_files_lose_train_and_calibration_rows_that_stand_in_test() -> None:
    groups = [0, 1, 2, 3, 1, 4, 0, 1, 5]
    splits = [Split.TRAIN] * 4 + [Split.CALIBRATION] * 2 + [Split.TEST] * 3
    separation = separate_files([*groups[:3], 4, *groups[4:]], splits)
    assert separation.keep == [False, False, True, False, False, True, True, True, True]
    assert separation.overlapping_test_rows == 2
    assert (separation.train_in_test, separation.calibration_in_test, separation.train_in_calibration) == (2, 1, 1)
