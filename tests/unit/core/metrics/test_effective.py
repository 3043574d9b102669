"""How many independent rows of equal weight some rows are worth."""

from __future__ import annotations

import numpy as np
import pytest

from core.metrics.effective import effective_rows


def test_independent_rows_of_equal_weight_count_as_they_are() -> None:
    assert effective_rows(["a", "b", "c"]) == pytest.approx(3.0)
    assert effective_rows(["a", "b", "c"], np.full(3, 0.1)) == pytest.approx(3.0)


def test_rows_of_one_group_count_as_one() -> None:
    assert effective_rows(["a", "a", "b", "b"]) == pytest.approx(2.0)


def test_a_row_that_outweighs_the_others_leaves_little_more_than_itself() -> None:
    # Kish: (8 + 1 + 1)² ÷ (64 + 1 + 1)
    assert effective_rows(["a", "b", "c"], np.array([8.0, 1.0, 1.0])) == pytest.approx(100 / 66)


def test_no_rows_are_worth_nothing_that_could_be_told() -> None:
    with pytest.raises(ValueError, match="no rows"):
        effective_rows([])
