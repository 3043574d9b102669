"""A question on the test rows with its answer, and what two questions have in common."""

from __future__ import annotations

from dataclasses import dataclass, replace

from core.drill_down import Overview, overview_of
from core.store import StudyStore
from core.store.question import ExamplePage, Question


@dataclass(frozen=True)
class Answered:
    """The first rows of a question, how many it means, and how the candidates compare where that was asked."""

    page: ExamplePage
    count: int
    overview: Overview


def same_pair(before: Question, question: Question) -> bool:
    """Whether the same two candidates are compared; a hybrid beside them follows from the two."""
    return before.sides[:2] == question.sides[:2]


def same_rows(before: Question, question: Question) -> bool:
    """Whether the same rows are meant in the same order, with answers of the same two or a hybrid of these more."""
    return same_pair(before, question) and replace(before, sides=question.sides) == question


def answered(store: StudyStore, question: Question, rows: int, known: Overview | None) -> Answered:
    """The first `rows` rows; `known` is how the candidates compare where that is known already."""
    page = store.examples(question, None, rows)
    overview = known or overview_of(store, question.data_job, question.sides)
    return Answered(page, store.example_count(question), overview)
