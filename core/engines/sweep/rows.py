"""The train rows of a search: what its trainings learn, and what is held out of all of them; no other row is seen."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.data.examples import read_examples
from core.domain import IntArray, Split
from core.engines.distill.rows import TrainingRows, read_training_rows
from core.engines.distill.teacher_cache import LogProbabilities, teacher_log_probabilities
from core.engines.held_out import HeldOut, held_out_rows
from core.engines.models import open_classifier
from core.errors import UserError
from core.model_files import fingerprint_weights
from core.worker.context import JobContext

OUTPUTS_FOLDER = "teacher_outputs"


@dataclass(frozen=True, eq=False)
class SearchRows:
    """All train rows, their targets as places in `labels`, and what the teacher says of them, shape (rows, classes).

    `held_out` are numbers of rows, as `learnt` are; a group of rows that belong together is whole in one of them.
    """

    rows: TrainingRows
    labels: tuple[str, ...]
    targets: tuple[int, ...]
    soft: LogProbabilities
    learnt: IntArray
    held_out: IntArray
    metric: str

    @property
    def all_rows(self) -> IntArray:
        """The numbers of all train rows."""
        return np.arange(len(self.targets), dtype=np.int64)

    @property
    def judged_on(self) -> HeldOut:
        """The held-out rows."""
        chosen = [int(row) for row in self.held_out]
        return HeldOut(
            tuple(self.rows.inputs[row] for row in chosen), tuple(self.rows.targets[row] for row in chosen), self.metric
        )

    @property
    def teacher_quality(self) -> float:
        """The teacher's quality on the held-out rows, 0 to 1."""
        chosen = self.soft[self.held_out].argmax(axis=1)
        return self.judged_on.quality([self.labels[place] for place in chosen])

    def part(self, chosen: IntArray) -> TrainingRows:
        """Some of the rows by their numbers."""
        places = [int(row) for row in chosen]
        names, inputs, targets = (
            tuple(column[place] for place in places)
            for column in (self.rows.names, self.rows.inputs, self.rows.targets)
        )
        return TrainingRows(names, inputs, targets)


def search_rows(teacher: Path, seed: int, metric: str, context: JobContext) -> SearchRows:
    """The train rows of the input `data`, split, with the teacher's outputs, which are computed once for all trials.

    Raises Stopped, and UserError where there are too few rows to hold any out, or the teacher lacks a label.
    """
    rows = read_training_rows(context.input_folder("data"))
    examples = [one for one in read_examples(context.input_folder("data")) if one.split is Split.TRAIN]
    held_out = held_out_rows(rows.targets, [example.group for example in examples], seed)
    if not len(held_out):
        raise UserError("sweep.too_few_rows", count=len(rows.names))
    classifier = open_classifier(teacher)
    targets = tuple(rows.label_indices(classifier.labels))
    soft = teacher_log_probabilities(
        classifier, fingerprint_weights(teacher), rows.inputs, context.folder / OUTPUTS_FOLDER, context
    )
    learnt = np.setdiff1d(np.arange(len(targets), dtype=np.int64), held_out)
    return SearchRows(rows, classifier.labels, targets, soft, learnt, held_out, metric)
