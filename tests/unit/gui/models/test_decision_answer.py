"""The answer card where nothing is recommended: how many options are out, and what can be done about it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from evidence_by_hand import benchmark, evidence_of, make_study, priced, scored, single
from PySide6.QtWidgets import QApplication

from core.decide import decide
from gui.i18n import Translator
from gui.models.decision_answer import answer_of
from gui.models.decision_rows import DecisionRows

ROWS = 100


def sentence(application: QApplication, language: str, scores: float, **service: float) -> str:
    """What the card says of two candidates whose rows all have the same score."""
    parts: dict[str, Any] = {"profile": "own"}
    study = make_study(
        [single("big", "teacher", **parts), single("small", **parts)],
        criteria={"cost": {"monthly_requests": 1000}, "service": service},
        profiles={"own": priced(10.0)},
    )
    rows = {name: scored(np.full(ROWS, scores)) for name in ("big", "small")}
    times = {name: benchmark([50.0] * ROWS, 20.0) for name in rows}
    decision = decide(evidence_of(study, rows, times), with_flips=False)
    return answer_of(DecisionRows(decision, Translator(application, language)), study, what_if=False).sentence


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "None of the 2 options answers any test row rightly"), ("zh_CN", "2 个方案都没有答对任何测试行")],
)
def test_where_nobody_answers_anything_rightly_no_limit_is_blamed(
    qapp: QApplication, language: str, words: str
) -> None:
    assert words in sentence(qapp, language, 0.0)


def test_an_option_that_misses_two_limits_is_counted_once(qapp: QApplication) -> None:
    told = sentence(qapp, "en", 0.5, min_quality=0.9, p95_latency_ms=10.0)
    assert told.startswith("All 2 options are excluded")
