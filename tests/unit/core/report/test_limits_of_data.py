"""What the report says of classes, slices, weights, times, wrong labels and more labels."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape

import numpy as np
import pytest

from core.decide import decide
from core.decide.documents import recommendation_document, results_document
from core.evidence import StudyEvidence
from core.jobs.results import (
    ExpectedQuality,
    HeldOutQuality,
    LabelNoise,
    LearningCurve,
    ProfileResult,
    SizeQuality,
    SuspectRow,
    TimeSpan,
    UsableInformation,
)
from core.report.build import build_report
from core.report.html import render_html
from core.spec import Study

PROFILE = ProfileResult(
    family="tfidf_logistic_regression", rows=1500, rows_test=400, seconds=4.0,
    label_noise=LabelNoise(
        rate=0.06, low=0.04, high=0.1, rows=400, surest_rows=80, disagreeing_rows=5, suspected=1,
        suspects=(
            SuspectRow(
                example_id="row-3", target="right", suggested="wrong 1", confidence=0.97, target_probability=0.01
            ),
        ),
    ),
    usable_information=UsableInformation(bits=1.4, low=1.3, high=1.5, label_bits=1.9, rows=400),
    learning_curve=LearningCurve(
        metric="accuracy",
        sizes=(SizeQuality(rows=1200, quality=0.8, low=0.76, high=0.84),),
        held_out=HeldOutQuality(rows=1200, predicted=0.83, measured=0.8),
        expected=(ExpectedQuality(rows=2400, quality=0.86, low=0.8, high=0.92),),
    ),
)  # fmt: skip


def page_of(evidence: StudyEvidence) -> str:
    decision = decide(evidence, with_flips=False)
    results, recommendation = results_document(evidence, decision), recommendation_document(decision)
    page = render_html(build_report(decision, evidence, results, recommendation))
    without_style = re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", without_style)).split())


def changed(evidence: StudyEvidence, **data: object) -> StudyEvidence:
    """The evidence under a study whose data part is changed so."""
    document = evidence.study.model_dump(mode="json", exclude_unset=True)
    document["data"] = {**document["data"], **data}
    return replace(evidence, study=Study.model_validate(document))


def test_wrong_labels_stand_with_the_ceiling_they_set_and_the_rows_to_look_at(evidence: StudyEvidence) -> None:
    page = page_of(replace(evidence, profile=PROFILE))
    assert "About 6.0 % [4.0 %, 10.0 %] of the test labels are probably wrong" in page
    assert "94.0 %" in page
    assert "row-3" in page
    assert "wrong 1" in page
    assert "confident learning" in page


def test_more_labels_stand_with_what_they_would_bring_and_the_laws_own_error(evidence: StudyEvidence) -> None:
    page = page_of(replace(evidence, profile=PROFILE))
    assert "2,400 power law 86.0 % [80.0 %, 92.0 %]" in page
    assert "83.0 % for 1,200 rows, where 80.0 % was measured" in page
    assert "V-usable information" in page


def test_a_study_whose_data_nobody_looked_at_says_nothing_of_it(evidence: StudyEvidence) -> None:
    page = page_of(evidence)
    assert "probably wrong" not in page
    assert "power law" not in page


def test_classes_and_slices_stand_side_by_side(evidence: StudyEvidence) -> None:
    page = page_of(evidence)
    assert "Right answers by class, the rarest class first" in page
    assert "difficulty: hard" in page
    assert "too few rows" not in page


def sliced(evidence: StudyEvidence, small: int) -> StudyEvidence:
    """The evidence with so many slices of one row each, and two with many rows."""
    assert evidence.test is not None
    rows = len(evidence.test.groups)
    slices = tuple((("shop", (f"no. {row}" if row else "") if row < small else "ab"[row % 2]),) for row in range(rows))
    return replace(evidence, test=replace(evidence.test, slices=slices))


def test_slices_with_too_few_rows_stand_below_the_others_with_their_rows(evidence: StudyEvidence) -> None:
    page = page_of(sliced(evidence, 2))
    assert "shop: (empty) 1 too few rows too few rows" in page
    assert "A slice with fewer than 20 test rows has no figure" in page
    assert "2 slices with fewer than 20 test rows are not compared here" in page


def test_of_very_many_small_slices_the_number_left_out_is_told(evidence: StudyEvidence) -> None:
    page = page_of(sliced(evidence, 45))
    assert page.count("shop: no.") == 39
    assert "40 slices with too few rows are shown; 5 more stand in the results as JSON" in page


@pytest.mark.parametrize("weighted", [True, False])
def test_weights_are_told_where_they_are_used(evidence: StudyEvidence, weighted: bool) -> None:
    assert evidence.test is not None
    columns = {**evidence.study.data.columns.model_dump(exclude_unset=True), "weight": "traffic"}
    own = np.where(np.arange(len(evidence.test.groups)) % 2, 1.5, 0.5)
    given = replace(changed(evidence, columns=columns), test=replace(evidence.test, weights=own))
    page = page_of(given if weighted else evidence)
    assert ("are weighted by column traffic: 400 rows are worth 320" in page) == weighted


def test_the_dates_at_the_borders_are_told(evidence: StudyEvidence) -> None:
    assert evidence.dataset is not None
    spans = (
        TimeSpan(split="train", first="2026-01-01", last="2026-03-31", older_rows=0),
        TimeSpan(split="test", first="2026-04-01", last="2026-04-30", older_rows=2),
    )
    dated = replace(
        changed(evidence, split={"time": "created"}), dataset=evidence.dataset.model_copy(update={"spans": spans})
    )
    page = page_of(dated)
    assert "Train 2026-01-01 2026-03-31 0 Test 2026-04-01 2026-04-30 2" in page
    assert "split by the time in column created" in page
