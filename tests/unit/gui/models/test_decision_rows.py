"""Rows of the Decide page: what stands on hover beside a figure."""

from __future__ import annotations

from dataclasses import replace

import decided_study
import pytest
from PySide6.QtWidgets import QApplication

from core.decide import decide
from core.decide.outcome import GateResult, TokenLatency, message
from core.domain import Gate
from core.metrics.percentiles import Percentiles
from gui.i18n import Translator
from gui.models.candidate_rows import candidate_rows, compared_rows
from gui.models.decision_rows import DecisionRows
from gui.widgets.decision_tabs import COMPARED


def rows_with_tokens(application: QApplication, language: str) -> DecisionRows:
    evidence = decided_study.evidence()
    decision = decide(evidence)
    first, *others = decision.candidates
    times = [Percentiles(value, None, None, 20) for value in (21.0, 84.0, 5.5)]
    timed = replace(first, token_latency=TokenLatency(*times))
    return DecisionRows(replace(decision, candidates=(timed, *others)), Translator(application, language))


@pytest.mark.parametrize(
    ("language", "first", "each"),
    [("en", "First token: 21", "Each further token: 5.5"), ("zh_CN", "首个词元：21", "之后每个词元：5.5")],
)
def test_times_of_tokens_stand_beside_the_latency(qapp: QApplication, language: str, first: str, each: str) -> None:
    rows = rows_with_tokens(qapp, language)
    place = COMPARED.index("latency")
    tips = [row[place].tip or "" for row in compared_rows(rows)]
    assert first in tips[0]
    assert each in tips[0]
    assert first not in tips[1]


@pytest.mark.parametrize(
    ("chance", "text", "color"), [(0.5, "? quality, not sure", "warn"), (0.02, "✗ quality", "bad")]
)
def test_a_limit_that_the_data_leave_undecided_is_not_shown_as_missed(
    qapp: QApplication, chance: float, text: str, color: str
) -> None:
    decision = decide(decided_study.evidence())
    first, *others = decision.candidates
    gate = GateResult(Gate.QUALITY, "fail", None, message("decide.note.no_packs"), probability=chance)
    found = replace(decision, candidates=(replace(first, gates=(gate,)), *others))
    standing = candidate_rows(DecisionRows(found, Translator(qapp, "en")))[0][-1]
    assert (standing.text, standing.color) == (text, color)
