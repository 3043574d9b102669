"""The training rows of a prepared dataset."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.data.examples import write_examples
from core.domain import Example, Split
from core.engines.distill.rows import read_training_rows
from core.errors import UserError


def dataset(folder: Path, *rows: tuple[str, Split, str]) -> Path:
    write_examples(folder, [Example(name, split, name, f"text of {name}", target) for name, split, target in rows])
    return folder


def test_only_train_rows_are_read_in_their_order_and_labels_are_sorted(tmp_path: Path) -> None:
    folder = dataset(
        tmp_path,
        ("r1", Split.TRAIN, "loan"),
        ("r2", Split.TEST, "other"),
        ("r3", Split.CALIBRATION, "other"),
        ("r4", Split.TRAIN, "card"),
    )
    rows = read_training_rows(folder)
    assert (rows.names, rows.inputs) == (("r1", "r4"), ("text of r1", "text of r4"))
    assert rows.labels == ("card", "loan")
    assert rows.label_indices(rows.labels) == [1, 0]


def test_a_dataset_without_train_rows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="train split has no rows"):
        read_training_rows(dataset(tmp_path, ("r1", Split.TEST, "loan")))


def test_a_single_class_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="all training rows have the target loan"):
        read_training_rows(dataset(tmp_path, ("r1", Split.TRAIN, "loan"), ("r2", Split.TRAIN, "loan")))


def test_a_target_that_the_teacher_does_not_know_is_refused_with_its_row(tmp_path: Path) -> None:
    rows = read_training_rows(dataset(tmp_path, ("r1", Split.TRAIN, "loan"), ("r2", Split.TRAIN, "card")))
    with pytest.raises(UserError, match="row r2: the target card"):
        rows.label_indices(("loan", "refund"))
