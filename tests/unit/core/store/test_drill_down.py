"""Test rows with answers side by side: which are meant, in which order, and page by page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.domain import ComparedExample, Example, Split
from core.events import PredictionItem
from core.store import StudyStore, writes
from core.store.question import (
    ExamplePage,
    MeasuredSide,
    Place,
    Question,
    RoutedSide,
    Show,
    Side,
    SortKey,
)
from core.study_file import LoadedStudy

DATA, BIG, SMALL = "d" * 16, "b" * 16, "s" * 16
TEACHER, STUDENT = MeasuredSide("big", BIG), MeasuredSide("small", SMALL)
PAIR: tuple[Side, ...] = (TEACHER, STUDENT)
# id, input, target, teacher's and student's output, their confidences
ROWS = (
    ("r0", "a fee", "fees", "fees", "fees", 0.9, 0.8),
    ("r1", "100 % off_card", "card", "card", "fees", 0.8, None),
    ("r2", "Lost CARD", "card", "fees", "card", 0.7, 0.9),
    ("r3", "what?", "pin", "fees", "card", 0.6, None),
    ("r4", "neither", "pin", "fees", "fees", 0.5, 0.4),
)


@pytest.fixture
def store(tmp_path: Path, predictions_study: LoadedStudy) -> Iterator[StudyStore]:
    made = StudyStore.create(
        tmp_path / "s.tercet", predictions_study.study, predictions_study.base, predictions_study.text
    )
    jobs = [
        {"job_id": job, "kind": kind, "candidates": [], "position": place, "depends_on": [], "spec": {}}
        for place, (job, kind) in enumerate(((DATA, "prepare"), (BIG, "benchmark"), (SMALL, "benchmark")))
    ]
    examples = [Example("train", Split.TRAIN, "g", "a fee", "fees")]
    examples += [
        Example(row[0], Split.TEST, row[0], row[1], row[2], (("lang", 'd"e' if place < 2 else "fr"),))
        for place, row in enumerate(ROWS)
    ]
    with made.writing() as connection:
        writes.put_plan(connection, jobs, [])
        writes.put_examples(connection, DATA, examples)
        for job, output, confidence in ((BIG, 3, 5), (SMALL, 4, 6)):
            items = [
                PredictionItem(
                    example_id=row[0], output=row[output], score=float(row[output] == row[2]),
                    confidence=row[confidence], input_tokens=None, output_tokens=None, latency_ms=None,
                )
                for row in ROWS
            ]  # fmt: skip
            writes.add_predictions(connection, job, items)
    yield made
    made.close()


def all_pages(store: StudyStore, question: Question, size: int = 2) -> list[ComparedExample]:
    rows: list[ComparedExample] = []
    place: Place | None = None
    while True:
        page: ExamplePage = store.examples(question, place, size)
        rows += page.rows
        place = page.next
        if place is None:
            return rows


def ids(store: StudyStore, question: Question, size: int = 2) -> list[str]:
    found = [row.example.example_id for row in all_pages(store, question, size)]
    assert store.example_count(question) == len(found)
    return found


def test_each_row_carries_the_answers_in_the_order_asked_for(store: StudyStore) -> None:
    rows = all_pages(store, Question(DATA, (STUDENT, TEACHER)))
    assert [row.example.example_id for row in rows] == ["r0", "r1", "r2", "r3", "r4"]
    assert rows[1].example.slices == (("lang", 'd"e'),)
    answers = [answer and (answer.prediction.output, answer.prediction.score) for answer in rows[1].answers]
    assert answers == [("fees", 0.0), ("card", 1.0)]


@pytest.mark.parametrize(
    ("show", "expected"),
    [
        (Show.ALL, ["r0", "r1", "r2", "r3", "r4"]),
        (Show.DISAGREE, ["r1", "r2", "r3"]),
        (Show.ONLY_FIRST, ["r1"]),
        (Show.ONLY_SECOND, ["r2"]),
        (Show.BOTH_RIGHT, ["r0"]),
        (Show.BOTH_WRONG, ["r3", "r4"]),
    ],
)
def test_filters_compare_the_first_two(store: StudyStore, show: Show, expected: list[str]) -> None:
    assert ids(store, Question(DATA, PAIR, show=show)) == expected


def test_answers_in_words_disagree_by_their_scores(store: StudyStore) -> None:
    """Row r3 is answered differently, and both answers are wrong."""
    assert ids(store, Question(DATA, PAIR, show=Show.DISAGREE, by_score=True)) == ["r1", "r2"]


def test_with_one_candidate_the_filters_say_right_and_wrong(store: StudyStore) -> None:
    assert ids(store, Question(DATA, (STUDENT,), show=Show.ONLY_FIRST)) == ["r0", "r2"]
    assert ids(store, Question(DATA, (STUDENT,), show=Show.BOTH_WRONG)) == ["r1", "r3", "r4"]


def test_a_search_takes_letters_of_any_case_and_no_pattern(store: StudyStore) -> None:
    assert ids(store, Question(DATA, PAIR, search="lost card")) == ["r2"]
    assert ids(store, Question(DATA, PAIR, search="100 % off_")) == ["r1"]
    assert ids(store, Question(DATA, PAIR, search="_")) == ["r1"]
    assert ids(store, Question(DATA, (STUDENT,), search="card")) == ["r1", "r2", "r3"]


def test_classes_and_slices_narrow_the_rows(store: StudyStore) -> None:
    assert ids(store, Question(DATA, PAIR, target="card")) == ["r1", "r2"]
    assert ids(store, Question(DATA, PAIR, part=("lang", 'd"e'))) == ["r0", "r1"]
    assert ids(store, Question(DATA, PAIR, part=("lang", "d"))) == []


@pytest.mark.parametrize("size", [1, 2, 3, 5, 6])
@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        (SortKey("row", descending=True), ["r4", "r3", "r2", "r1", "r0"]),
        (SortKey("target"), ["r1", "r2", "r0", "r3", "r4"]),
        (SortKey("target", descending=True), ["r3", "r4", "r0", "r1", "r2"]),
        (SortKey("difference", descending=True), ["r1", "r2", "r0", "r3", "r4"]),
        (SortKey("score", 1, descending=True), ["r0", "r2", "r1", "r3", "r4"]),
        (SortKey("confidence", 1), ["r4", "r0", "r2", "r1", "r3"]),  # unknown ones stand last in both directions
        (SortKey("confidence", 1, descending=True), ["r2", "r0", "r4", "r1", "r3"]),
    ],
)
def test_pages_of_any_size_give_each_row_once_in_order(
    store: StudyStore, sort: SortKey, expected: list[str], size: int
) -> None:
    assert ids(store, Question(DATA, PAIR, sort=sort), size) == expected


def test_a_hybrid_answers_with_the_teacher_where_it_sends_a_row(store: StudyStore) -> None:
    hybrid = RoutedSide("both", TEACHER, STUDENT, frozenset({"r1", "r2"}))
    rows = all_pages(store, Question(DATA, (hybrid, STUDENT)))
    found = [
        (answer.prediction.output, answer.answered, answer.prediction.confidence)
        for row in rows
        if (answer := row.answers[0]) is not None
    ]
    assert found == [
        ("fees", "small", None),
        ("card", "big", None),
        ("fees", "big", None),
        ("card", "small", None),
        ("fees", "small", None),
    ]
    assert ids(store, Question(DATA, (hybrid, STUDENT), show=Show.ONLY_FIRST)) == ["r1"]
    assert ids(store, Question(DATA, (hybrid,), sort=SortKey("score", 0, descending=True)))[:2] == ["r0", "r1"]


def test_facets_are_of_the_test_rows(store: StudyStore) -> None:
    found = store.example_facets(DATA)
    assert found.parts == (("lang", 'd"e'), ("lang", "fr"))
    assert found.classes == ()  # three targets of five rows are texts, no classes


def test_rows_without_an_answer_keep_their_place(store: StudyStore) -> None:
    unmeasured = MeasuredSide("none", "n" * 16)
    rows = all_pages(store, Question(DATA, (TEACHER, unmeasured)))
    assert [row.answers[1] for row in rows] == [None] * 5
