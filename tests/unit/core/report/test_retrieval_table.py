from __future__ import annotations

import decided_study
import pytest
from retrieval_by_hand import FIGURES, retrieving_evidence

from core.decide import decide
from core.decide.documents import recommendation_document, results_document
from core.evidence import StudyEvidence
from core.report.build import build_report
from core.report.model import Table, text_of


def table(evidence: StudyEvidence) -> Table | None:
    decision = decide(evidence, with_flips=False)
    report = build_report(decision, evidence, results_document(evidence, decision), recommendation_document(decision))
    blocks = [block for section in report.sections for block in section.blocks if isinstance(block, Table)]
    found = [one for one in blocks if not isinstance(one.title, str) and one.title.code == "report.table.retrieval"]
    return found[0] if found else None


def cells(evidence: StudyEvidence, language: str) -> list[str]:
    found = table(evidence)
    assert found is not None
    (row,) = found.rows
    assert len(row) == len(found.columns)
    return [" ".join(text_of(part, language) for part in (cell.phrase, cell.note) if part is not None) for cell in row]


def test_the_table_tells_recall_search_time_and_sizes() -> None:
    row = cells(retrieving_evidence(), "en")
    assert row[0] == "student"
    assert row[1] == "words and meaning, 3 passages right: the document that the data names, 6 rows"
    assert row[2].startswith("83.3\u00a0% [")
    assert row[3].startswith("0.639 [")
    assert row[4].startswith("30.5")
    assert row[6] == "9 of 4 documents"
    assert (row[7], row[8]) == ("1.5 MiB", "87.5 MiB")


def test_recall_by_the_answer_is_named_as_such_and_without_either_there_is_none() -> None:
    by_answer = FIGURES.model_copy(update={"right_by": "answer"})
    assert "含有目标的词语" in cells(retrieving_evidence(by_answer), "zh_CN")[1]
    unknown = FIGURES.model_copy(update={"right_by": None, "ranks": ()})
    assert cells(retrieving_evidence(unknown), "en")[2:4] == ["–", "–"]


@pytest.mark.parametrize("measured", [None, ()])
def test_a_study_without_retrieval_has_no_such_table(measured: tuple[str, ...] | None) -> None:
    assert table(decided_study.evidence(measured=measured)) is None
