"""What a search holds out of its train rows when there are many: whole groups, no more than are needed to judge."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from job_context import job_context
from sweep_tasks import sweeping
from tiny_models import LABELS

from core.data.examples import write_examples
from core.domain import Example, Split
from core.engines import held_out
from core.engines.sweep.rows import SearchRows, search_rows

ROWS = 300


def group_of(row: int) -> str:
    return f"g{row // 4}"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Rows in groups of four, each of one class."""
    folder = tmp_path / "data"
    folder.mkdir()
    rows = [
        Example(f"r{row}", Split.TRAIN, group_of(row), f"lost rate {row}", LABELS[row // 4 % 3]) for row in range(ROWS)
    ]
    write_examples(folder, rows)
    return folder


def found(folder: Path, data: Path, teacher: Path, seed: int = 1) -> SearchRows:
    context = job_context(folder, sweeping(), {"data": data, "teacher": teacher})
    context.started("cpu")
    return search_rows(teacher / "model", seed, "accuracy", context)


def test_what_is_beyond_the_most_that_is_held_out_is_learnt_and_no_group_is_in_both(
    data: Path, teacher: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = found(tmp_path / "whole", data, teacher)
    monkeypatch.setattr(held_out, "HELD_OUT_AT_MOST", 22)
    some = found(tmp_path / "some", data, teacher)
    assert len(whole.held_out) > 22
    assert len(some.held_out) == 20
    assert set(some.held_out.tolist()) < set(whole.held_out.tolist())
    assert sorted([*some.learnt.tolist(), *some.held_out.tolist()]) == list(range(ROWS))
    assert {group_of(row) for row in some.held_out}.isdisjoint(group_of(row) for row in some.learnt)


def test_the_same_seed_holds_out_the_same_rows_and_another_seed_others(
    data: Path, teacher: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(held_out, "HELD_OUT_AT_MOST", 22)
    first, again, other = (
        found(tmp_path / name, data, teacher, seed).held_out for name, seed in (("a", 1), ("b", 1), ("c", 2))
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_with_groups_larger_than_the_most_one_whole_group_is_held_out(
    data: Path, teacher: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(held_out, "HELD_OUT_AT_MOST", 3)
    rows = found(tmp_path / "job", data, teacher).held_out
    assert len(rows) == 4
    assert len({group_of(row) for row in rows}) == 1
