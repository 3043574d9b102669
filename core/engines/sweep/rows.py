"""The train rows of a search: what its trainings learn, and what is held out of all of them; no other row is seen."""

from __future__ import annotations

from collections.abc import Sequence
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
# Judged after every epoch of every training. At 2,000 rows the standard error of an accuracy of 0.9 is 0.7 points; what
# is beyond serves better to learn from.
HELD_OUT_AT_MOST = 2000


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
    groups = [example.group for example in examples]
    held_out = _at_most(held_out_rows(rows.targets, groups, seed), groups, seed)
    if not len(held_out):
        raise UserError("sweep.too_few_rows", count=len(rows.names))
    classifier = open_classifier(teacher)
    targets = tuple(rows.label_indices(classifier.labels))
    soft = teacher_log_probabilities(
        classifier, fingerprint_weights(teacher), rows.inputs, context.folder / OUTPUTS_FOLDER, context
    )
    learnt = np.setdiff1d(np.arange(len(targets), dtype=np.int64), held_out)
    return SearchRows(rows, classifier.labels, targets, soft, learnt, held_out, metric)


def _at_most(held_out: IntArray, groups: Sequence[str], seed: int) -> IntArray:
    """No more of these rows than `HELD_OUT_AT_MOST`, ascending: whole groups in random order, as many as fit.

    Where none fits it is the smallest one. Depends on its arguments alone.
    """
    if len(held_out) <= HELD_OUT_AT_MOST:
        return held_out
    members: dict[str, list[int]] = {}
    for row in held_out:
        members.setdefault(groups[row], []).append(int(row))
    names = list(members)
    chosen: list[int] = []
    for place in np.random.default_rng(seed).permutation(len(names)):
        if len(chosen) + len(members[names[place]]) <= HELD_OUT_AT_MOST:
            chosen += members[names[place]]
    smallest = min(names, key=lambda name: len(members[name]))
    return np.array(sorted(chosen or members[smallest]), dtype=np.int64)
