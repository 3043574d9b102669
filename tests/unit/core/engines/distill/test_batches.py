"""Which rows go together, and in which order."""

from __future__ import annotations

import numpy as np
import pytest

from core.engines.distill.batches import batch_count, epoch_batches
from core.engines.distill.schedule import one_cycle
from core.engines.models.tokenization import TokenRows

LENGTHS = np.random.default_rng(0).integers(3, 60, size=1003)


@pytest.mark.parametrize(("rows", "size"), [(1003, 32), (32, 32), (33, 32), (5, 32), (1003, 1)])
def test_every_row_stands_in_one_batch_and_only_one_batch_is_short(rows: int, size: int) -> None:
    batches = epoch_batches(LENGTHS[:rows], size, seed=1, epoch=0)
    assert sorted(np.concatenate(batches)) == list(range(rows))
    assert len(batches) == batch_count(rows, size)
    assert sum(len(batch) != size for batch in batches) <= 1


def test_the_same_seed_and_epoch_give_the_same_batches_and_others_give_others() -> None:
    def order(seed: int, epoch: int) -> list[int]:
        return [int(row) for batch in epoch_batches(LENGTHS, 32, seed, epoch) for row in batch]

    assert order(1, 2) == order(1, 2)
    assert order(1, 2) != order(1, 3)
    assert order(1, 2) != order(2, 2)
    assert order(-1, 0) == order(-1, 0)


def test_rows_of_like_length_go_together_and_batches_are_not_in_order_of_length() -> None:
    batches = epoch_batches(LENGTHS, 32, seed=1, epoch=0)
    padded = sum(len(batch) * int(LENGTHS[batch].max()) for batch in batches)
    assert padded < 1.08 * int(LENGTHS.sum())
    longest = [int(LENGTHS[batch].max()) for batch in batches]
    assert longest != sorted(longest, reverse=True)


def test_padded_rows_hold_their_tokens_and_a_mask_of_their_lengths() -> None:
    tokens = TokenRows(np.array([5, 6, 7, 8, 9, 4]), np.array([0, 3, 4, 6]), truncated=0)
    ids, mask = tokens.padded(np.array([1, 0]), pad_id=1)
    assert ids.tolist() == [[8, 1, 1], [5, 6, 7]]
    assert mask.tolist() == [[1, 0, 0], [1, 1, 1]]


def test_learning_rate_rises_to_its_peak_in_the_first_tenth_and_falls_to_nearly_nothing() -> None:
    rates = [one_cycle(step, 100, 2e-4) for step in range(100)]
    assert max(rates) == pytest.approx(2e-4)
    assert rates.index(max(rates)) == 10
    assert rates == sorted(rates[:11]) + sorted(rates[11:], reverse=True)
    assert 0.0 < rates[-1] < 1e-7


@pytest.mark.parametrize("total", [1, 2, 3])
def test_a_training_of_a_few_steps_has_a_positive_learning_rate(total: int) -> None:
    assert all(0.0 < one_cycle(step, total, 1e-3) <= 1e-3 for step in range(total))
