from __future__ import annotations

from dataclasses import replace

import decided_study
import pytest

from core.commands.results import print_results
from core.decide import decide
from core.decide.documents import recommendation_document, results_document
from core.evidence import StudyEvidence
from core.jobs.results import SuiteMetric, SuiteResult
from core.report.model import Paragraph, Table, text_of
from core.report.sections.material import Material
from core.report.sections.suites import suites

FIGURE = SuiteMetric(
    task="arc_easy", metric="acc", filter="none", value=0.4375, standard_error=0.021, rows=200, num_fewshot=0
)
SUITE = SuiteResult(
    task="arc_easy",
    metrics=(FIGURE, FIGURE.model_copy(update={"metric": "em", "filter": "strict", "standard_error": None})),
    limit=200,
    library="lm-eval 0.4.13",
    device="CPU",
    seconds=9.0,
)


def evidence(*measured: SuiteResult) -> StudyEvidence:
    known = decided_study.evidence()
    candidates = [replace(one, suites=measured) if one.name == "student" else one for one in known.candidates]
    return replace(known, candidates=tuple(candidates))


def material(known: StudyEvidence) -> Material:
    decision = decide(known, with_flips=False)
    return Material(results_document(known, decision), recommendation_document(decision), decision, known)


def test_each_figure_stands_with_its_error_under_a_sentence_that_it_decides_nothing() -> None:
    sentence, table = suites(material(evidence(SUITE)))
    assert isinstance(sentence, Paragraph)
    assert "no part in it" in text_of(sentence.phrase, "en")
    assert isinstance(table, Table)
    cells = [[text_of(cell.phrase, "en") for cell in row] for row in table.rows]
    assert cells == [
        ["student", "arc_easy", "acc", "0.438", "0.021", "200", "0"],
        ["student", "arc_easy", "em", "0.438", "–", "200", "0"],
    ]
    assert [row[2].note for row in table.rows] == [None, "strict"]


def test_plain_results_have_each_figure_with_its_error_behind_the_candidates(
    capsys: pytest.CaptureFixture[str],
) -> None:
    told = material(evidence(SUITE))
    print_results(told.results, told.decision)
    lines = capsys.readouterr().out.splitlines()
    place = next(place for place, line in enumerate(lines) if "standard error" in line)
    assert [line.split() for line in lines[place + 1 : place + 3]] == [
        ["student", "arc_easy", "acc", "0.4375", "0.0210", "200", "0"],
        ["student", "arc_easy", "em", "(strict)", "0.4375", "–", "200", "0"],
    ]
    assert "no part in it" in lines[place + 3]
    plain = material(evidence())
    print_results(plain.results, plain.decision)
    assert "standard error" not in capsys.readouterr().out


def test_the_results_keep_every_figure_and_the_recommendation_none() -> None:
    told, plain = material(evidence(SUITE)), material(evidence())
    (row,) = [row for row in told.results["candidates"] if row["name"] == "student"]
    assert [(one["suite"], one["metric"], one["standard_error"]) for one in row["suites"]] == [
        ("arc_easy", "acc", 0.021), ("arc_easy", "em", None),
    ]  # fmt: skip
    assert told.recommendation == plain.recommendation
    assert suites(plain) == []
