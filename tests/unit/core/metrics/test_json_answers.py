"""Answers that are JSON: found in their text, held against a schema, scored field by field."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from core.errors import UserError
from core.metrics.fields import field_f1, field_figures
from core.metrics.json_text import json_of
from core.metrics.scoring import row_scorer
from core.spec import Task

BILL = {
    "type": "object",
    "properties": {"total": {"$ref": "#/$defs/money"}, "paid": {"type": "boolean"}},
    "required": ["total"],
    "$defs": {"money": {"type": "number", "minimum": 0}},
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": 1}', {"a": 1}),
        (" 42 \n", 42),
        ('<think>{"a": 0}</think>{"a": 1}', {"a": 1}),
        ('Sure! Here it is:\n```json\n{"a": 1}\n```\nAnything else?', {"a": 1}),
        ('A draft:\n```\n{"a": 0}\n```\nBetter:\n```json\n{"a": 1}\n```', {"a": 1}),
        ('See [1]: the answer is {"a": [1, 2]}.', {"a": [1, 2]}),
        ('{oops} then {"a": "}"}', {"a": "}"}),
        ('A draft: {"a": 1, Better: {"a": {"b": 2}}', {"a": {"b": 2}}),
    ],
)
def test_json_is_found_with_fences_and_prose_around_it(text: str, value: Any) -> None:
    assert json_of(text) == value


@pytest.mark.parametrize("text", ["", "no", '{"a": NaN}', "{'a': 1}", '{"a": 1', "[" * 5000, '<think>{"a": 1}'])
def test_what_is_no_json_is_not_found(text: str) -> None:
    with pytest.raises(ValueError, match="JSON"):
        json_of(text)


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "Ann", "address": {"city": "Bonn", "zip": "53100"}',
        '```json\n{"name": "Ann", "address": {"city": "Bonn"},}\n```',
        '{"orders": [{"id": 1}, {"id": 2}',
        '{"name": "Ann", "items": ["pen", "ink"], "note": "urg',
    ],
)
def test_a_part_of_an_object_that_is_broken_is_no_answer(text: str) -> None:
    with pytest.raises(ValueError, match="JSON"):
        json_of(text)


def test_where_an_object_is_wanted_a_list_around_it_does_not_count() -> None:
    assert json_of('[{"a": 1}]', (dict,)) == {"a": 1}
    assert json_of('```json\n[1]\n```\n{"a": 1}', (dict,)) == {"a": 1}


def schema_task(schema: dict[str, Any]) -> Task:
    return Task(kind="generation", metric="json_schema", json_schema=schema)


def test_an_answer_that_is_json_and_fits_the_schema_scores_one() -> None:
    scorer = row_scorer(schema_task(BILL))
    assert scorer is not None
    answers = [
        '{"total": 3.5}',
        '```json\n{"total": 3, "paid": true}\n```',
        '{"total": -1}',
        '{"paid": true}',
        "3.5",
        "",
    ]
    assert [scorer(answer, "", "r1") for answer in answers] == [1.0, 1.0, 0.0, 0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        ({"type": "objekt"}, "at type this is no JSON schema"),
        ({"$ref": "https://example.org/bill.json"}, "example.org/bill.json leads out"),
        ({"properties": {"a": {"$ref": "other.json"}}}, "other.json leads out"),
    ],
)
def test_a_schema_that_cannot_be_used_is_told_and_nothing_is_fetched(schema: dict[str, Any], told: str) -> None:
    with pytest.raises(UserError, match=told):
        row_scorer(schema_task(schema))


def test_a_reference_that_leads_nowhere_is_told() -> None:
    scorer = row_scorer(schema_task({"$ref": "#/$defs/none"}))
    assert scorer is not None
    with pytest.raises(UserError, match="none leads out of the schema or nowhere"):
        scorer("{}", "", "r1")


TARGET = json.dumps({"city": "Oslo", "people": 4, "tags": ["a", "b"], "address": {"zip": "0150"}, "note": None})


@pytest.mark.parametrize(
    ("answer", "score"),
    [
        ('{"address": {"zip": "0150"}, "tags": ["b", "a", "a"], "people": 4.0, "city": " Oslo "}', 1.0),
        ('{"city": "Oslo", "people": "4", "tags": ["b", "a"], "address.zip": "0150", "note": ""}', 1.0),
        ('{"city": "Oslo", "people": 4}', 2 * 2 / (2 + 4)),
        ('{"city": "Bergen", "people": 4, "tags": ["a"], "address": {"zip": "150"}}', 2 * 1 / (4 + 4)),
        ('{"city": "Oslo", "people": 4, "tags": ["a", "b"], "address": {"zip": "0150"}, "note": "x"}', 2 * 4 / (5 + 4)),
        ("{}", 0.0),
        ("I do not know", 0.0),
    ],
)
def test_a_rows_score_is_the_f1_of_its_fields(answer: str, score: float) -> None:
    assert field_f1(answer, TARGET) == pytest.approx(score)


def test_nothing_to_extract_and_nothing_extracted_is_right() -> None:
    assert field_f1('{"city": null, "tags": []}', "{}") == 1.0
    assert field_f1("nothing", "{}") == 0.0


def test_truths_are_no_numbers_and_objects_in_lists_are_compared_by_their_fields() -> None:
    assert field_f1('{"a": 1}', '{"a": true}') == 0.0
    assert field_f1('{"a": [{"x": 1, "y": null}]}', '{"a": [{"x": 1.0}]}') == 1.0


def test_each_field_has_its_own_precision_and_recall() -> None:
    targets = ['{"city": "Oslo", "people": 4}', '{"city": "Bergen"}', '{"city": "Voss"}']
    outputs = ['{"city": "Oslo", "people": 5}', '{"city": "Oslo", "mood": "good"}', None]
    city, people, mood = field_figures(outputs, targets)
    assert (city.name, city.wanted, city.given, city.right) == ("city", 3, 2, 1)
    assert city.precision == 0.5
    assert city.recall == pytest.approx(1 / 3)
    assert city.f1 == pytest.approx(2 * 1 / 5)
    assert (people.precision, people.recall, people.f1) == (0.0, 0.0, 0.0)
    assert (mood.precision, mood.recall, mood.f1) == (0.0, None, 0.0)


def test_a_target_that_is_no_object_is_told_with_its_row() -> None:
    scorer = row_scorer(Task(kind="extraction", metric="field_f1"))
    assert scorer is not None
    with pytest.raises(UserError, match="row-3: the target is no JSON object"):
        scorer("{}", "Oslo", "row-3")


def test_fields_of_rows_that_count_more_count_more() -> None:
    targets = ['{"city": "Rome"}', '{"city": "Oslo"}', '{"city": "Bonn"}']
    outputs = ['{"city": "Rome"}', '{"city": "Paris"}', "{}"]
    (plain,) = field_figures(outputs, targets)
    (weighted,) = field_figures(outputs, targets, ["a", "b", "c"], np.array([2.0, 0.5, 0.5]))
    assert (weighted.wanted, weighted.given, weighted.right) == (3, 2, 1)
    assert weighted.precision == pytest.approx(2.0 / 2.5)
    assert weighted.recall == pytest.approx(2.0 / 3.0)
    assert weighted.worth is not None
    assert list(weighted.worth) == pytest.approx([9.0 / 4.5, 6.25 / 4.25])
    narrow, wide = plain.recall_interval, weighted.recall_interval
    assert narrow is not None
    assert wide is not None
    assert wide[1] - wide[0] > narrow[1] - narrow[0]
