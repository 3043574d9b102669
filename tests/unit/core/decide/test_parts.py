"""Fields of an extraction, each with its own figures, in the documents and the report."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from evidence_by_hand import evidence_of, make_study, scored, single

from core.decide import decide
from core.decide.documents import recommendation_document, results_document
from core.evidence import StudyEvidence
from core.metrics.fields import field_f1
from core.report.build import build_report
from core.report.model import Table, text_of

TARGETS = ['{"city": "Oslo", "people": 4}', '{"city": "Voss"}'] * 20
GOOD = ['{"city": "Oslo", "people": 5}', '```json\n{"city": "Voss"}\n```'] * 20


@pytest.fixture
def evidence() -> StudyEvidence:
    study = make_study(
        [single("big", "teacher"), single("small"), single("scores")],
        task={"kind": "extraction", "metric": "field_f1"},
    )
    scores = np.array([field_f1(output, target) for output, target in zip(GOOD, TARGETS, strict=True)])
    rows = {
        "big": scored(scores, GOOD),
        "small": scored(np.zeros(40), ["nothing"] * 40),
        "scores": scored(scores, [None] * 40),
    }
    return evidence_of(study, rows, targets=TARGETS)


def document(evidence: StudyEvidence) -> dict[str, Any]:
    found = results_document(evidence, decide(evidence, with_flips=False))
    parsed: dict[str, Any] = json.loads(json.dumps(found, allow_nan=False))
    return {candidate["name"]: candidate for candidate in parsed["candidates"]}


def test_quality_is_the_mean_of_the_rows_and_each_field_stands_beside_it(evidence: StudyEvidence) -> None:
    rows = document(evidence)
    assert rows["big"]["quality"]["value"] == pytest.approx(0.75)
    city, people = rows["big"]["fields"]
    surely = {"low": pytest.approx(0.9124, abs=1e-4), "high": 1.0}
    assert city == {
        "name": "city", "precision": 1.0, "recall": 1.0, "f1": 1.0, "wanted": 40, "given": 40, "right": 40,
        "precision_interval": surely, "recall_interval": surely, "weighted": False,
    }  # fmt: skip
    assert (people["precision"], people["recall"], people["wanted"]) == (0.0, 0.0, 20)
    assert rows["small"]["fields"][0]["precision"] is None
    assert rows["scores"]["fields"] is None


def test_several_labels_stand_one_by_one_and_quality_is_counted_over_all_of_them() -> None:
    study = make_study([single("big", "teacher"), single("small")], task={"kind": "multi_label", "metric": "micro_f1"})
    targets, outputs = ['["a", "b"]', '["c"]'] * 20, ['["a"]', '["c", "d"]'] * 20
    rows = {"big": scored(np.ones(40), targets), "small": scored(np.full(40, 2 / 3), outputs)}
    found = document(evidence_of(study, rows, targets=targets))
    assert found["big"]["quality"]["value"] == 1.0
    assert found["small"]["quality"]["value"] == pytest.approx(2 * 40 / (60 + 60))
    assert [label["name"] for label in found["small"]["labels"]] == ["a", "b", "c", "d"]
    assert found["small"]["labels"][1] == {
        "name": "b", "precision": None, "recall": 0.0, "f1": 0.0, "wanted": 20, "given": 0, "right": 0,
        "precision_interval": None, "recall_interval": {"low": 0.0, "high": pytest.approx(0.1611, abs=1e-4)},
        "weighted": False,
    }  # fmt: skip
    assert found["small"]["fields"] is None


def test_fields_are_weighted_as_the_headline_is(evidence: StudyEvidence) -> None:
    weights = np.array([1.5, 0.5] * 20)
    assert evidence.test is not None
    found = document(replace(evidence, test=replace(evidence.test, weights=weights)))["big"]
    plain = document(evidence)["big"]
    assert found["quality"]["value"] != plain["quality"]["value"]
    city, people = found["fields"]
    assert city["weighted"]
    assert (city["wanted"], city["recall"]) == (40, 1.0)
    assert city["recall_interval"]["low"] < plain["fields"][0]["recall_interval"]["low"]
    assert people["recall"] == 0.0
    equal = replace(evidence, test=replace(evidence.test, weights=None))
    assert document(equal)["big"] == plain


def test_the_report_has_a_table_of_the_fields(evidence: StudyEvidence) -> None:
    decision = decide(evidence, with_flips=False)
    report = build_report(decision, evidence, results_document(evidence, decision), recommendation_document(decision))
    tables = [block for section in report.sections for block in section.blocks if isinstance(block, Table)]
    fields = next(table for table in tables if text_of(table.title, "en") == "By field")
    first = [text_of(cell.phrase, "en") for cell in fields.rows[0]]
    assert first == [
        "big",
        "city",
        "100.0\N{NO-BREAK SPACE}%",
        "100.0\N{NO-BREAK SPACE}%",
        "100.0\N{NO-BREAK SPACE}%",
        "40",
    ]
    assert [text_of(row[0].phrase, "en") for row in fields.rows] == ["big", "big", "small", "small"]
