"""A verdict is read out of what judges write, and nothing is guessed where there is none."""

from __future__ import annotations

import pytest

from core.engines.judging.verdicts import read_number, read_word


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("4", 4),
        (" 4.\n", 4),
        ("4/5", 4),
        ("**Verdict:** 4", 4),
        ("Score: 4 out of 5", 4),
        ("Rating is 3/5", 3),
        ("The answer names the right city but 2 wrong years.\n\nVerdict: 2", 2),
        ("5\nThe answer says the same as the reference of 1999.", 5),
        ("Score: 2? No, on reflection it is better.\nScore: 3", 3),
        ("My verdict: [[4]]", 4),
        ("<think>perhaps 2, score: 1</think>5", 5),
        ("评分：4", 4),
        ("回答基本正确。\n评分：4分", 4),
        ("6", None),  # beyond the scale
        ("0", None),
        ("4.5", None),  # between two verdicts
        ("Score: 4.5", None),
        ("It names 3 of 4 cities.", None),
        ("good", None),
        ("", None),
    ],
)
def test_a_number_is_read_where_it_is_the_verdict(text: str, verdict: int | None) -> None:
    assert read_number(text, 5) == verdict


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("A", "A"),
        ("b.", "B"),
        ("Tie", "tie"),
        ("Verdict: **B**", "B"),
        ("A is shorter, but B is right.\nB", "B"),
        ("[[A]]", "A"),
        ("A better answer would name both.", None),
        ("Both are fine", None),
    ],
)
def test_a_word_is_read_where_it_is_the_verdict(text: str, verdict: str | None) -> None:
    assert read_word(text, ("A", "B", "tie")) == verdict
