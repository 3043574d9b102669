"""The training rows of a prepared dataset as texts and label indices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.data.train_part import train_examples
from core.errors import UserError
from core.jobs.specs import TrainPart


@dataclass(frozen=True)
class TrainingRows:
    """Texts of the train split in dataset order, with the names and targets of their rows."""

    names: tuple[str, ...]
    inputs: tuple[str, ...]
    targets: tuple[str, ...]

    def part(self, chosen: Sequence[int]) -> TrainingRows:
        """Some of the rows by their numbers."""
        names, inputs, targets = (
            tuple(column[row] for row in chosen) for column in (self.names, self.inputs, self.targets)
        )
        return TrainingRows(names, inputs, targets)

    def label_indices(self, labels: Sequence[str]) -> list[int]:
        """The index of each row's target in `labels`. Raises UserError, naming a row, for one that is not there."""
        index_of = {label: index for index, label in enumerate(labels)}
        for name, target in zip(self.names, self.targets, strict=True):
            if target not in index_of:
                raise UserError("train.label_unknown", label=target, row=name)
        return [index_of[target] for target in self.targets]

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes that occur, sorted."""
        return tuple(sorted(set(self.targets)))


def read_training_rows(data_folder: Path, part: TrainPart | None = None) -> TrainingRows:
    """The train split of a prepare job's folder, or a part of it. Raises UserError where it is empty or has one class
    only."""
    examples = train_examples(data_folder, part)
    if not examples:
        raise UserError("train.no_rows")
    rows = TrainingRows(
        tuple(example.example_id for example in examples),
        tuple(example.input for example in examples),
        tuple(example.target for example in examples),
    )
    if len(rows.labels) < 2:
        raise UserError("train.one_class", label=rows.labels[0])
    return rows
