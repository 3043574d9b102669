from __future__ import annotations

import decided_study
from retrieval_by_hand import FIGURES, retrieving_evidence

from core.decide import decide
from core.evidence import StudyEvidence
from gui.app import Application
from gui.models.candidate_rows import retrieval_sentences
from gui.models.decision_rows import DecisionRows


def told(application: Application, evidence: StudyEvidence) -> str:
    return retrieval_sentences(DecisionRows(decide(evidence, with_flips=False), application.context.translator))


def test_what_retrieval_found_is_told_for_each_candidate_that_is_given_passages(application: Application) -> None:
    line = told(application, retrieving_evidence())
    assert line.startswith("student: the document that the data names is among its 3 passages in 83")
    assert "a search in 9 passages takes" in line
    by_answer = FIGURES.model_copy(update={"right_by": "answer"})
    assert "the words of the target" in told(application, retrieving_evidence(by_answer))
    unknown = FIGURES.model_copy(update={"right_by": None, "ranks": ()})
    assert "is not known" in told(application, retrieving_evidence(unknown))


def test_without_retrieval_nothing_is_told(application: Application) -> None:
    assert told(application, decided_study.evidence()) == ""
