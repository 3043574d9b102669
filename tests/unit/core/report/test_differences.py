"""The rows on which teacher and student differ most: in the report only where the user asks for them."""

from __future__ import annotations

from dataclasses import replace

import decided_study
import numpy as np
import pytest
from evidence_by_hand import evidence_of, make_study, scored, single

from core.decide import decide
from core.decide.documents import recommendation_document, results_document
from core.evidence import StudyEvidence
from core.report.build import build_report
from core.report.html import render_html
from core.report.model import Paragraph, Report, Section, Table, text_of
from core.report.sections.differences import MOST_CHARACTERS, MOST_ROWS

TEXT = "word " * 100


def report_of(evidence: StudyEvidence, *, with_rows: bool = True) -> Report:
    decision = decide(evidence, with_flips=False)
    documents = results_document(evidence, decision), recommendation_document(decision)
    return build_report(decision, evidence, *documents, with_rows=with_rows)


def section_of(evidence: StudyEvidence) -> Section:
    return next(section for section in report_of(evidence).sections if section.key == "differences")


def table_of(section: Section) -> list[list[tuple[str, str]]]:
    table = next(block for block in section.blocks if isinstance(block, Table))
    return [[(text_of(cell.phrase, "en"), text_of(cell.note or "", "en")) for cell in row] for row in table.rows]


def sentences(section: Section, language: str = "en") -> str:
    return " ".join(text_of(block.phrase, language) for block in section.blocks if isinstance(block, Paragraph))


@pytest.fixture(scope="module")
def written() -> StudyEvidence:
    """Forty rows of a generation study: the student is worse on four of them, in four degrees."""
    study = make_study(
        [single("big", "teacher"), single("small")],
        task={"kind": "generation", "metric": "rouge_l", "prompt": "{text}"},
    )
    scores = np.ones(40)
    scores[[3, 9, 20, 30]] = (0.75, 0.25, 0.5, 0.0)
    rows = {"big": scored(np.ones(40), [TEXT] * 40), "small": scored(scores, [f"answer {row}" for row in range(40)])}
    return evidence_of(study, rows, targets=["right"] * 40)


def test_texts_stand_by_the_difference_of_their_scores(written: StudyEvidence) -> None:
    section = section_of(written)
    rows = table_of(section)
    assert [row[3][0] for row in rows] == ["answer 30", "answer 9", "answer 20", "answer 3"]
    assert [row[3][1] for row in rows] == ["wrong", "score 0.25", "score 0.5", "score 0.75"]
    assert rows[0][1] == ("right", "")
    assert "on 4 of 40 test rows" in sentences(section)
    assert "40 个测试行中有 4 行" in sentences(section, "zh_CN")


def test_long_texts_are_cut_and_the_report_says_so(written: StudyEvidence) -> None:
    section = section_of(written)
    said, note = table_of(section)[0][2]
    assert (len(said), said[-1], note) == (MOST_CHARACTERS, "…", "right")
    assert f"4 texts are cut after {MOST_CHARACTERS} characters" in sentences(section)


def test_classes_stand_where_one_is_right_and_the_other_wrong_the_surest_mistakes_first() -> None:
    evidence = decided_study.evidence()
    decision = decide(evidence, with_flips=False)
    rows = table_of(section_of(evidence))
    assert decision.candidate is not None
    assert len(rows) == MOST_ROWS or len(rows) > 5
    assert all({row[2][1], row[3][1]} == {"right", "wrong"} for row in rows)


def test_rows_of_the_data_stand_in_no_report_that_is_not_asked_for_them(written: StudyEvidence) -> None:
    assert "differences" not in [section.key for section in report_of(written, with_rows=False).sections]
    assert "answer 30" not in render_html(report_of(written, with_rows=False))
    assert "answer 30" in render_html(report_of(written))


def test_candidates_that_score_alike_and_one_alone_are_told_in_words(written: StudyEvidence) -> None:
    big, small = written.candidates
    alike = replace(written, candidates=(big, replace(small, test=big.test)))
    assert "score the same on each of the 40 test rows" in sentences(section_of(alike))
    alone = replace(written, candidates=(big, replace(small, benchmark=None, test=None)))
    assert "nothing to compare" in sentences(section_of(alone))
