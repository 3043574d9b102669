"""Parts of the train rows for a learning curve."""

from __future__ import annotations

from itertools import pairwise

import pytest

from core.data.train_part import part_of_rows

GROUPS = [f"g{row // 3}" if row < 30 else f"h{row}" for row in range(100)]


@pytest.mark.parametrize("seed", [1, 2])
def test_a_smaller_part_lies_within_a_larger_one_and_keeps_groups_whole(seed: int) -> None:
    parts = [set(part_of_rows(GROUPS, share, seed).tolist()) for share in (0.1, 0.25, 0.5, 1.0)]
    assert all(smaller < larger for smaller, larger in pairwise(parts))
    assert len(parts[-1]) == 100
    for part, wanted in zip(parts, (10, 25, 50, 100), strict=True):
        assert wanted <= len(part) <= wanted + 2
        assert all({row // 3 * 3 + other for other in range(3)} <= part for row in part if row < 30)


def test_another_seed_draws_other_rows() -> None:
    assert set(part_of_rows(GROUPS, 0.25, 1).tolist()) != set(part_of_rows(GROUPS, 0.25, 2).tolist())
