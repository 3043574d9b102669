"""Rows without a usable answer stand beside the quality that counts them as wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from evidence_by_hand import benchmark, evidence_of, make_study, priced, scored, single

from core.commands.results import print_results
from core.decide import Decision, decide
from core.decide.documents import recommendation_document, results_document
from core.evidence import StudyEvidence
from core.report.build import build_report
from core.report.model import Bullets, Paragraph, text_of

ROWS = 40
TOLD = (
    "big: 3 of 40 test rows have no usable answer (none came, it is empty, or nothing can be read out of it); "
    "each counts as wrong, with score 0"
)


def evidence(outputs: Sequence[str | None], scores: Sequence[float], origin: str = "measured") -> StudyEvidence:
    study = make_study([single("big", "teacher", profile="own")], profiles={"own": priced(10.0)})
    rows = {"big": scored(np.array(scores), outputs)}
    return evidence_of(study, rows, {"big": benchmark([5.0] * 60, 10.0, origin=origin)})


def failing(origin: str = "measured") -> StudyEvidence:
    """Two rows without an answer, an empty one, and an empty one that is right."""
    outputs = (*["right"] * (ROWS - 4), None, None, "", "")
    return evidence(outputs, [1.0] * (ROWS - 4) + [0.0, 0.0, 0.0, 1.0], origin)


def document(rows: StudyEvidence) -> dict[str, Any]:
    found: dict[str, Any] = results_document(rows, decide(rows, with_flips=False))["candidates"][0]
    return found


def test_results_tell_how_many_test_rows_have_no_usable_answer() -> None:
    assert document(failing())["unanswered"] == {"count": 3, "rows": ROWS, "share": 3 / ROWS}
    assert document(failing())["quality"]["value"] == pytest.approx((ROWS - 3) / ROWS)
    answered = evidence(["right"] * ROWS, [1.0] * ROWS)
    assert document(answered)["unanswered"] == {"count": 0, "rows": ROWS, "share": 0.0}


def test_rows_measured_elsewhere_with_a_score_alone_are_not_called_unanswered() -> None:
    assert document(failing("imported"))["unanswered"]["count"] == 1


def test_what_is_not_measured_has_no_unanswered_rows() -> None:
    study = make_study([single("big", "teacher"), single("small")])
    rows = evidence_of(study, {"big": scored(np.ones(ROWS))})
    small = results_document(rows, decide(rows, with_flips=False))["candidates"][1]
    assert small["unanswered"] is None


def decided() -> tuple[StudyEvidence, Decision]:
    rows = failing()
    return rows, decide(rows, with_flips=False)


def test_the_recommendation_says_how_they_are_scored() -> None:
    assert TOLD in [note["text"] for note in recommendation_document(decided()[1])["notes"]]
    answered = decide(evidence(["right"] * ROWS, [1.0] * ROWS), with_flips=False)
    assert not any("usable answer" in note.text for note in answered.notes)


def test_one_row_is_told_as_one() -> None:
    found = decide(evidence((*["right"] * (ROWS - 1), None), [1.0] * (ROWS - 1) + [0.0]), with_flips=False)
    assert any("1 of 40 test rows has no usable answer" in note.text for note in found.notes)


def test_plain_results_say_it_under_the_candidates(capsys: pytest.CaptureFixture[str]) -> None:
    rows, found = decided()
    print_results(results_document(rows, found), found)
    assert f"  ! {TOLD}" in capsys.readouterr().out.splitlines()


def test_the_report_says_it_once_beside_the_figures() -> None:
    rows, found = decided()
    report = build_report(found, rows, results_document(rows, found), recommendation_document(found))
    blocks = [(section.key, block) for section in report.sections for block in section.blocks]
    places = [code for code, block in blocks if isinstance(block, Paragraph) and text_of(block.phrase, "en") == TOLD]
    bullets = [item for _, block in blocks if isinstance(block, Bullets) for item in block.items]
    assert places == ["candidates"]
    assert not any(text_of(item, "en") == TOLD for item in bullets)
