"""Each field of an extraction, and each slice with too few rows, in the window, with the candidates side by side."""

from __future__ import annotations

import numpy as np
import pytest
from evidence_by_hand import evidence_of, make_study, scored, single

from core.decide import decide
from gui.app import Application
from gui.models.class_slice_rows import class_slice_rows, slices_not_compared
from gui.models.decision_rows import DASH, DecisionRows

TARGETS = ['{"city": "Oslo", "people": 4}', '{"city": "Voss"}'] * 20
GOOD = ['{"city": "Oslo", "people": 5}', '{"city": "Voss", "area": 2}'] * 20


@pytest.fixture
def rows(application: Application) -> DecisionRows:
    study = make_study([single("big", "teacher"), single("small")], task={"kind": "extraction", "metric": "field_f1"})
    answers = {"big": scored(np.full(40, 0.7), GOOD), "small": scored(np.zeros(40), ["nothing"] * 40)}
    decision = decide(evidence_of(study, answers, targets=TARGETS), with_flips=False)
    return DecisionRows(decision, application.context.translator)


def test_each_field_shows_its_f1_with_precision_and_recall(rows: DecisionRows) -> None:
    parts = class_slice_rows(rows)
    table = {line[0].text: [cell.text.replace("\u00a0", " ") for cell in line[1:]] for line in parts.rows}
    assert parts.titles[2:] == ["big", "small"]
    assert table["city"] == ["40", "100 % (100 %, 100 %)", f"0 % ({DASH}, 0 %)"]
    assert table["people"] == ["20", "0 % (0 %, 0 %)", f"0 % ({DASH}, 0 %)"]
    assert table["area"] == ["0", f"0 % (0 %, {DASH})", DASH], "asked for by no row"
    assert "F1" in parts.sentence
    assert "right" in parts.rows[0][2].tip


@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_slices_with_too_few_rows_stand_last_with_their_rows(application: Application, language: str) -> None:
    study = make_study([single("big", "teacher"), single("small")])
    answers = {"big": scored(np.ones(60)), "small": scored(np.repeat([1.0, 0.0], 30))}
    slices = [(("tier", "" if row < 3 else "lead"),) for row in range(60)]
    decision = decide(evidence_of(study, answers, slices=slices), with_flips=False)
    application.context.translator.set_choice(language)
    rows = DecisionRows(decision, application.context.translator)
    last = [cell.text for cell in class_slice_rows(rows).rows[-1]]
    assert (last[0], last[1]) == (f"tier = {rows.tr('gui_decide.parts.empty')}", "3")
    assert last[2:] == [rows.tr("gui_decide.parts.too_few")] * 2
    assert "20" in slices_not_compared(rows)
    application.context.translator.set_choice("en")
