"""The train rows of a search: what its trainings learn, and what is held out of all of them; no other row is seen."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.domain import IntArray
from core.engines.device import choose_device
from core.engines.distill.fit_check import check_teacher_fit
from core.engines.distill.rows import TrainingRows, read_training_rows
from core.engines.distill.teacher_cache import LogProbabilities, teacher_log_probabilities
from core.engines.distill.training_job import MODEL_FOLDER
from core.engines.held_out import HeldOut, held_out_part, rows_to_judge_by
from core.engines.models import open_classifier
from core.errors import UserError
from core.model_files import fingerprint_weights
from core.worker.context import JobContext

OUTPUTS_FOLDER, UNPACKED_FOLDER = "teacher_outputs", "teacher"
# The input that is the teacher trained without the held-out rows.
REFERENCE = "reference"


@dataclass(frozen=True, eq=False)
class SearchRows:
    """All train rows, their targets as places in `labels`, and what the teacher says of them, shape (rows, classes).

    `held_out` are numbers of rows, as `learnt` are; a group of rows that belong together is whole in one of them.
    `teacher_quality` is the teacher's on the held-out rows, 0 to 1; where it has learnt those rows itself, that of the
    same training without them.
    """

    rows: TrainingRows
    labels: tuple[str, ...]
    targets: tuple[int, ...]
    soft: LogProbabilities
    learnt: IntArray
    held_out: IntArray
    metric: str
    teacher_quality: float

    @property
    def all_rows(self) -> IntArray:
        """The numbers of all train rows."""
        return np.arange(len(self.targets), dtype=np.int64)

    @property
    def judged_on(self) -> HeldOut:
        """The held-out rows."""
        return held_out_part(self.rows, self.held_out, self.metric)

    def part(self, chosen: IntArray) -> TrainingRows:
        """Some of the rows by their numbers."""
        return self.rows.part([int(row) for row in chosen])


def search_rows(teacher: Path, seed: int, metric: str, context: JobContext) -> SearchRows:
    """The train rows of the input `data`, split, with the teacher's outputs, which are computed once for all trials.

    Raises Stopped, and UserError where there are too few rows to hold any out, or the teacher lacks a label.
    """
    rows = read_training_rows(context.input_folder("data"))
    held_out = rows_to_judge_by(context.input_folder("data"), seed)
    if not len(held_out):
        raise UserError("sweep.too_few_rows", count=len(rows.names))
    check_teacher_fit(teacher, choose_device(), context)
    classifier = open_classifier(teacher)
    targets = tuple(rows.label_indices(classifier.labels))
    soft = teacher_log_probabilities(
        classifier, fingerprint_weights(teacher), rows.inputs, context.folder / OUTPUTS_FOLDER, context
    )
    learnt = np.setdiff1d(np.arange(len(targets), dtype=np.int64), held_out)
    judged_on = held_out_part(rows, held_out, metric)
    if REFERENCE in context.spec.inputs:
        reference = open_classifier(context.input_folder(REFERENCE) / MODEL_FOLDER)
        quality = judged_on.quality_of(reference)
    else:
        quality = judged_on.quality([classifier.labels[place] for place in soft[held_out].argmax(axis=1)])
    return SearchRows(rows, classifier.labels, targets, soft, learnt, held_out, metric, quality)
