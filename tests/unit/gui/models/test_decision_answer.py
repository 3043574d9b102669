"""The answer card where nothing is recommended: how many options are out, and what can be done about it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from evidence_by_hand import benchmark, evidence_of, make_study, priced, scored, single
from PySide6.QtWidgets import QApplication

from core.decide import decide
from core.decide.compliance import DATA_PROCESSING_AGREEMENT as GDPR
from core.decide.compliance import ON_PREMISES
from core.decide.gates import FIRST_TOKEN_RULE, FURTHER_TOKEN_RULE, NOTHING_RIGHT_RULE
from core.decide.outcome import Decision
from core.spec import Study
from gui.i18n import Translator
from gui.models.decision_answer import answer_of, why_rows
from gui.models.decision_rows import DecisionRows

ROWS = 100


def excluding_study(**service: float) -> Study:
    """Two candidates on one profile, within some limits."""
    parts: dict[str, Any] = {"profile": "own"}
    return make_study(
        [single("big", "teacher", **parts), single("small", **parts)],
        criteria={"cost": {"monthly_requests": 1000}, "service": service},
        profiles={"own": priced(10.0)},
    )


def decided(study: Study, scores: float) -> Decision:
    """The decision where all rows have the same score."""
    rows = {name: scored(np.full(ROWS, scores)) for name in ("big", "small")}
    times = {name: benchmark([50.0] * ROWS, 20.0) for name in rows}
    return decide(evidence_of(study, rows, times), with_flips=False)


def sentence(application: QApplication, language: str, scores: float, **service: float) -> str:
    """What the card says of two candidates whose rows all have the same score."""
    study = excluding_study(**service)
    rows = DecisionRows(decided(study, scores), Translator(application, language))
    return answer_of(rows, study, what_if=False).sentence


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


@pytest.mark.parametrize(
    ("language", "right", "first"),
    [("en", "at least one right answer", "time to the first token"), ("zh_CN", "至少答对一行", "首个词元时间")],
)
def test_the_tip_of_an_exclusion_names_its_rule_in_words(
    qapp: QApplication, language: str, right: str, first: str
) -> None:
    for scores, word in ((0.0, right), (0.5, first)):
        rows = DecisionRows(decided(excluding_study(time_to_first_token_ms=10.0), scores), Translator(qapp, language))
        tips = [row.tip or "" for row in why_rows(rows)[0]]
        assert any(word in tip for tip in tips)
        assert not any("_" in tip for tip in tips)


@pytest.mark.parametrize("language", ["en", "zh_CN"])
@pytest.mark.parametrize("rule", [NOTHING_RIGHT_RULE, FIRST_TOKEN_RULE, FURTHER_TOKEN_RULE, ON_PREMISES, GDPR])
def test_each_rule_has_words_in_both_languages(qapp: QApplication, language: str, rule: str) -> None:
    words = DecisionRows(decided(excluding_study(), 0.5), Translator(qapp, language)).rule(rule)
    assert words is not None
    assert "_" not in words
    assert words.isascii() == (language == "en")
