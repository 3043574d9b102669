"""What is wrong with an answer is found and named: form, citations, quotations, support."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from core.errors import UserError
from core.metrics.answer_checks import AnswerChecks, cited_passages, passages_of, quotations
from core.spec import Checks

CONTEXT = """[1] The ferry leaves Bergen at 7:30.
[2] A ticket costs 1,200 kroner, and dogs must be kept on a lead."""
SCHEMA = {"type": "object", "required": ["price"], "properties": {"price": {"type": "number"}}}


def wrong(answer: str, context: str = CONTEXT, **checks: Any) -> list[tuple[str, str]]:
    found = AnswerChecks(Checks.model_validate(checks)).failures(answer, context)
    return [(one.check, one.words) for one in found]


@pytest.mark.parametrize(
    ("form", "right", "bad", "told"),
    [
        ({"regex": r"\d{4}"}, "1200", "1200 kroner", r"does not match the pattern \d{4}"),
        ({"labels": ["yes", "no"]}, " no ", "No idea", "is none of: yes, no"),
        ({"json_object": True}, 'Here: {"price": 3}', "[1, 2]", "is no JSON object"),
        ({"json_object": True}, 'See [1]: {"price": 3}', '[{"price": 3}]', "is no JSON object"),
        ({"json_object": True}, '{"price": {"net": 3}}', '{"price": {"net": 3}', "is no JSON object"),
        ({"json_schema": SCHEMA}, '{"price": 3}', '{"price": "3"}', "schema"),
    ],
)
def test_an_answer_has_the_form_that_is_asked_for(form: dict[str, Any], right: str, bad: str, told: str) -> None:
    assert wrong(right, format=form) == []
    ((check, words),) = wrong(bad, format=form)
    assert check == "format"
    assert told in words


def test_the_reasoning_of_a_model_is_no_part_of_its_answer() -> None:
    assert wrong("<think>1200 or 1300?</think>\n1200", format={"regex": r"\d{4}"}) == []


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("It leaves at 7:30 [1].", None),
        ("It leaves at 7:30 【1】, and a ticket costs 1200 [1, 2].", None),
        ("It costs 1,200 kroner [3].", "cites [3], but the passages are [1], [2]"),
        ("All of it [1-4].", "cites [3], [4], but"),
        ("It leaves at 7:30.", None),
        ("It says “a ticket costs 1,200 kroner”.", None),
        ("It says “tickets are free for everyone”.", "quotes words that do not stand in the context"),
        ("The “Aurora” leaves.", None),  # a name is no quotation
    ],
)
def test_citations_and_quotations_must_be_found_in_the_context(answer: str, told: str | None) -> None:
    found = wrong(answer, citations={})
    assert bool(found) == (told is not None)
    if told is not None:
        assert told in found[0][1]


def test_citations_may_be_required_and_quotations_left_alone() -> None:
    assert "cites no passage" in wrong("It leaves at 7:30.", citations={"required": True})[0][1]
    assert wrong("It says “tickets are free for everyone” [1].", citations={"quotes": False}) == []
    assert "no numbered passages" in wrong("At 7:30 [1].", "The ferry leaves at 7:30.", citations={})[0][1]


def test_chinese_quotations_are_told_by_their_characters() -> None:
    context = "1、单程票价为1200克朗。\n2、狗必须拴绳。"
    assert passages_of(context) == [1, 2]
    assert wrong("文中说“单程票价为1200克朗”[1]。", context, citations={}) == []
    assert "quotes words" in wrong("文中说“儿童一律免费乘船”。", context, citations={})[0][1]


def test_a_list_within_a_bracketed_passage_numbers_no_passages() -> None:
    context = "[1] To block a card:\n1. Open the app.\n2. Choose the card.\n3. Press Block.\n\n[2] A new card is free."
    assert passages_of(context) == [1, 2]
    assert wrong("Press Block [3].", context, citations={}) == [
        ("citations", "cites [3], but the passages are [1], [2]"),
    ]


def test_an_answer_must_be_supported_as_far_as_is_asked() -> None:
    half = "Dogs must be kept on a lead. Breakfast is served in the saloon."
    assert wrong(half, groundedness={"at_least": 0.5}) == []
    ((check, words),) = wrong(half, groundedness={"at_least": 0.6})
    assert (check, words) == (
        "groundedness",
        "says what the context does not support: “Breakfast is served in the saloon.”",
    )


def test_every_failure_is_told() -> None:
    answer = "It costs 900 kroner [7]."
    found = wrong(answer, format={"regex": ".*!"}, citations={}, groundedness={})
    assert [check for check, _ in found] == ["format", "citations", "groundedness"]


def test_numbers_and_marks_are_read_as_they_are_written() -> None:
    assert cited_passages("a [2] b [1,3] c [5–6] [2] 【9】 x[i] [2024]") == [2, 1, 3, 5, 6, 9]
    assert passages_of("(1) a\n(2) b\n3. c\n4) d\n2024 was a year\n1.5 m") == [1, 2, 3, 4]
    assert quotations('"one two three" “two words” «un deux trois»') == ["one two three", "un deux trois"]


@pytest.mark.parametrize(
    ("checks", "told"),
    [
        ({}, "checks nothing"),
        ({"re_ask": True}, "checks nothing"),
        ({"format": {}}, "exactly one"),
        ({"format": {"regex": "a", "json_object": True}}, "exactly one"),
        ({"format": {"regex": "("}}, "no regular expression"),
    ],
)
def test_checks_that_cannot_be_are_refused(checks: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        Checks.model_validate(checks)


def test_a_schema_that_is_none_is_refused() -> None:
    with pytest.raises(UserError, match="schema"):
        AnswerChecks(Checks.model_validate({"format": {"json_schema": {"type": "no such type"}}}))
