"""The report's table of the tokens of single answers."""

from __future__ import annotations

from dataclasses import replace

import decided_study
import pytest

from core.decide import decide
from core.decide.documents import recommendation_document, results_document
from core.evidence import CandidateEvidence
from core.jobs.results import TokenTimes
from core.report.model import Cell, Table, text_of
from core.report.sections.candidates import candidates
from core.report.sections.material import Material


def between_cell(runtime: str, gaps: int) -> Cell:
    """The cell of the gaps of a candidate that was timed under a runtime."""

    def written(one: CandidateEvidence) -> CandidateEvidence:
        if one.name != "slow" or one.benchmark is None:
            return one
        tokens = TokenTimes(time_to_first_token_ms=(5.0,) * 70, inter_token_ms=(2.0,) * gaps)
        figures = one.benchmark.runtimes[0].model_copy(update={"tokens": tokens, "runtime": runtime})
        return replace(one, benchmark=one.benchmark.model_copy(update={"runtimes": (figures,)}))

    known = decided_study.evidence()
    known = replace(known, candidates=tuple(written(one) for one in known.candidates))
    decision = decide(known, with_flips=False)
    material = Material(results_document(known, decision), recommendation_document(decision), decision, known)
    titles = [
        (block, [text_of(column.title, "en") for column in block.columns])
        for block in candidates(material).blocks
        if isinstance(block, Table)
    ]
    table, names = next((block, names) for block, names in titles if "Between tokens" in names)
    (row,) = table.rows
    return row[names.index("Between tokens")]


@pytest.mark.parametrize(
    ("runtime", "gaps", "english", "chinese"),
    [
        ("endpoint", 70, "between chunks, p95 2", "数据块间隔，p95 2"),
        ("endpoint", 2, "between chunks", "数据块间隔"),
        ("torch", 70, "p95 2", "p95 2"),
    ],
)
def test_gaps_of_an_endpoint_are_said_to_be_those_between_chunks(
    runtime: str, gaps: int, english: str, chinese: str
) -> None:
    cell = between_cell(runtime, gaps)
    assert cell.note is not None
    assert text_of(cell.note, "en").startswith(english)
    assert text_of(cell.note, "zh_CN").startswith(chinese)
