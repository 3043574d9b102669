from __future__ import annotations

from typing import Any

import pytest
from retrieval_by_hand import FIGURES, retrieving_evidence

from core.decide import decide
from core.decide.documents import results_document
from core.decide.retrieval import recall_of, reciprocal_rank_of
from core.jobs.results import RetrievalFigures
from core.metrics.proportions import wilson_interval


def told(figures: RetrievalFigures) -> dict[str, Any]:
    known = retrieving_evidence(figures)
    rows = results_document(known, decide(known, with_flips=False))["candidates"]
    found = {row["name"]: row["retrieval"] for row in rows}
    assert found["teacher"] is None
    student: dict[str, Any] = found["student"]
    return student


def test_recall_is_a_share_with_wilson_s_interval() -> None:
    recall = recall_of((1, 1, 2, 0))
    assert recall.value == 0.75
    assert (recall.low, recall.high) == wilson_interval(3, 4)


def test_the_mean_reciprocal_rank_lies_in_its_interval() -> None:
    found = reciprocal_rank_of((1, 2, 4, 0) * 25)
    assert found.value == pytest.approx((1 + 0.5 + 0.25) / 4)
    assert found.low is not None
    assert found.high is not None
    deviation = (((1 - 0.4375) ** 2 + 0.0625**2 + 0.1875**2 + 0.4375**2) / 4 / 100) ** 0.5
    assert found.low == pytest.approx(found.value - 1.96 * deviation, abs=0.02)
    assert found.high == pytest.approx(found.value + 1.96 * deviation, abs=0.02)
    assert reciprocal_rank_of((1, 1)) == reciprocal_rank_of((1,))


def test_the_results_tell_what_retrieval_found() -> None:
    found = told(FIGURES)
    assert found["recall"]["value"] == pytest.approx(5 / 6)
    assert found["reciprocal_rank"]["value"] == pytest.approx((3 + 0.5 + 1 / 3) / 6)
    assert found["search_ms"]["p50"] == 30.5
    assert {name: found[name] for name in ("method", "top_k", "rows", "right_by", "leaked_rows")} == {
        "method": "hybrid", "top_k": 3, "rows": 6, "right_by": "document", "leaked_rows": 2,
    }  # fmt: skip


def test_without_rows_whose_passage_is_known_there_is_no_recall() -> None:
    found = told(FIGURES.model_copy(update={"right_by": None, "ranks": ()}))
    assert (found["recall"], found["reciprocal_rank"], found["rows"]) == (None, None, 0)


def test_rows_that_name_documents_which_there_are_not_are_a_note() -> None:
    figures = FIGURES.model_copy(update={"unknown_documents": 3})
    notes = decide(retrieving_evidence(figures), with_flips=False).notes
    (note,) = [note for note in notes if note.code == "decide.note.documents_unknown"]
    assert note.values == {"candidate": "student", "count": 3, "rows": 6}
    assert told(figures)["unknown_documents"] == 3
    assert not [
        note
        for note in decide(retrieving_evidence(FIGURES), with_flips=False).notes
        if note.code == "decide.note.documents_unknown"
    ]


def test_documents_that_hold_test_rows_are_a_note() -> None:
    notes = decide(retrieving_evidence(FIGURES), with_flips=False).notes
    (note,) = [note for note in notes if note.code == "decide.note.documents_leak"]
    assert note.values == {"candidate": "student", "count": 2}
    clean = FIGURES.model_copy(update={"leaked_rows": 0})
    assert not [
        note for note in decide(retrieving_evidence(clean), with_flips=False).notes if note.code.endswith("leak")
    ]
