"""What the data itself allows, and each class and slice, as the window shows them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import decided_study
import pytest

from core.decide import Decision, decide
from core.evidence import StudyEvidence
from core.jobs.results import (
    ExpectedQuality,
    HeldOutQuality,
    LabelNoise,
    LearningCurve,
    ProfileResult,
    SizeQuality,
    SuspectRow,
    UsableInformation,
)
from gui.app import Application
from gui.models.class_slice_rows import class_slice_rows
from gui.models.data_rows import learning_rows, noise_sentence, suspect_notes, suspect_rows
from gui.models.decision_rows import DecisionRows

LONG = "row-1"
NOISE = LabelNoise(
    rate=0.06, low=0.04, high=0.1, rows=200, surest_rows=40, disagreeing_rows=3, suspected=1,
    suspects=(SuspectRow(example_id=LONG, target="a", suggested="b", confidence=0.97, target_probability=0.01),),
)  # fmt: skip
CURVE = LearningCurve(
    metric="accuracy",
    sizes=(SizeQuality(rows=800, quality=0.8, low=0.75, high=0.85),),
    held_out=HeldOutQuality(rows=800, predicted=0.82, measured=0.8),
    expected=(ExpectedQuality(rows=1600, quality=0.9, low=0.86, high=0.94),),
)
PROFILE = ProfileResult(
    family="tfidf_logistic_regression", rows=1000, rows_test=200, label_noise=NOISE,
    usable_information=UsableInformation(bits=0.8, low=0.7, high=0.9, label_bits=1.0, rows=200), learning_curve=CURVE,
    seconds=4.0,
)  # fmt: skip


def evidence() -> StudyEvidence:
    own = decided_study.evidence()
    assert own.test is not None
    inputs = ("short", "word " * 40, *own.test.inputs[2:])
    return replace(own, profile=PROFILE, test=replace(own.test, inputs=inputs))


@pytest.fixture(scope="module")
def decision() -> Decision:
    return decide(evidence(), with_flips=False)


@pytest.fixture(params=["en", "zh_CN"])
def rows(request: pytest.FixtureRequest, application: Application, decision: Decision) -> Any:
    translator = application.context.translator
    translator.set_choice(request.param)
    yield DecisionRows(decision, translator)
    translator.set_choice("en")


def test_a_suspected_row_shows_its_text_in_one_short_line_and_whole_on_hover(rows: DecisionRows) -> None:
    (cells,) = suspect_rows(rows)
    assert [cell.text for cell in cells[:1]] == [LONG]
    assert len(cells[1].text) < 95
    assert len(cells[1].tip) > 150
    assert (cells[2].text, cells[3].text) == ("a", "b")
    assert cells[5].text.endswith("/ 4")
    assert suspect_notes(rows, NOISE)


def test_the_sentence_tells_the_share_of_wrong_labels_and_the_ceiling(
    rows: DecisionRows, application: Application
) -> None:
    sentence = noise_sentence(application.context.translator, NOISE)
    assert rows.tr("gui_decide.tab.data")
    assert "6" in sentence
    assert "94" in sentence


def test_more_labels_stand_beside_what_they_are_expected_to_bring(rows: DecisionRows) -> None:
    table = learning_rows(rows)
    assert len(table) == 3
    assert "800" in table[1][0].text
    assert "90" in table[1][1].text
    assert "±" in table[1][1].text
    assert all(len(line) == 3 for line in table)


def test_classes_stand_rarest_first_with_the_candidates_side_by_side(rows: DecisionRows, decision: Decision) -> None:
    parts = class_slice_rows(rows)
    assert parts.titles[2] == decision.reference
    assert len(parts.titles) == len(parts.rows[0]) == 6
    assert parts.rows[0][1].value == decision.of("student").by_class[0].rows


def test_nothing_measured_is_said_in_words(application: Application) -> None:
    empty = decide(decided_study.evidence(measured=()), with_flips=False)
    parts = class_slice_rows(DecisionRows(empty, application.context.translator))
    assert parts.rows == []
    assert parts.sentence
