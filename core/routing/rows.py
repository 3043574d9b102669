"""The rows of a route job: both models' scores on the same examples, and which rows may be fitted on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.domain import Example, FloatArray, IntArray, Prediction, Split
from core.errors import UserError
from core.routing.folds import grouped_folds

DEFAULT_FOLDS = 5
_ENOUGH_TEST_ROWS = 5_000  # from here on, a test split of its own costs less than it is worth


@dataclass(frozen=True, eq=False)
class UsableRows:
    """Examples that teacher and student both answered, aligned; `confidence` is NaN where the student gives none.

    `test` and `other` are row indices; `other` rows may be fitted on, and share no group with a test row.
    """

    examples: tuple[Example, ...]
    groups: tuple[str, ...]
    teacher_scores: FloatArray
    student_scores: FloatArray
    confidence: FloatArray
    test: IntArray
    other: IntArray


@dataclass(frozen=True, eq=False)
class Pass:
    """One fit: on the rows `fit`, to score the rows `score`, both as indices. No group stands in both."""

    fit: IntArray
    score: IntArray


def usable_rows(
    examples: Sequence[Example],
    teacher: Sequence[Prediction],
    student: Sequence[Prediction],
    *,
    train_rows_usable: bool,
) -> UsableRows:
    """The rows that both models answered; train rows only where no candidate was trained on them.

    Raises UserError (routing.no_shared_rows) where no test row was answered by both.
    """
    by_teacher = {prediction.example_id: prediction for prediction in teacher}
    by_student = {prediction.example_id: prediction for prediction in student}
    splits = {Split.TEST, Split.CALIBRATION} | ({Split.TRAIN} if train_rows_usable else set())
    kept = [
        example
        for example in examples
        if example.split in splits and example.example_id in by_teacher and example.example_id in by_student
    ]
    test_groups = {example.group for example in kept if example.split is Split.TEST}
    if not test_groups:
        raise UserError("routing.no_shared_rows")
    kept = [example for example in kept if example.split is Split.TEST or example.group not in test_groups]
    is_test = np.array([example.split is Split.TEST for example in kept])
    return UsableRows(
        examples=tuple(kept),
        groups=tuple(example.group for example in kept),
        teacher_scores=_scores(kept, by_teacher),
        student_scores=_scores(kept, by_student),
        confidence=np.array(
            [
                np.nan if (confidence := by_student[example.example_id].confidence) is None else confidence
                for example in kept
            ]
        ),
        test=np.flatnonzero(is_test),
        other=np.flatnonzero(~is_test),
    )


def folds_to_use(asked: int | None, rows: UsableRows) -> int:
    """The number of folds: as asked; else 5 below 5,000 test rows or where nothing else can be fitted on, else 0."""
    if asked is not None:
        return asked
    return DEFAULT_FOLDS if len(rows.test) < _ENOUGH_TEST_ROWS or len(rows.other) == 0 else 0


def cross_fitting_passes(groups: Sequence[str], scored: IntArray, always: IntArray, folds: int) -> list[Pass]:
    """Passes that score each row of `scored` by a fit on all its other folds and on the rows `always`."""
    fold = grouped_folds([groups[row] for row in scored.tolist()], folds)
    return [
        Pass(fit=np.concatenate([scored[fold != number], always]), score=scored[fold == number])
        for number in np.unique(fold).tolist()
    ]


def _scores(examples: Sequence[Example], predictions: Mapping[str, Prediction]) -> FloatArray:
    return np.array([predictions[example.example_id].score for example in examples], dtype=np.float64)
