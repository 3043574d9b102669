"""What a context supports of an answer, on cases made by hand in English and Chinese."""

from __future__ import annotations

import pytest

from core.metrics.grounding import claims_against, claims_of, groundedness

CONTEXT = (
    "The Aurora ferry leaves Bergen at 7:30 on weekdays. A single ticket costs 1,200 kroner, and children under 12 "
    "travel free. Dogs must be kept on a lead."
)
CHINESE = "极光号渡轮工作日七点半从卑尔根出发。单程票价为1200克朗，12岁以下儿童免费乘船。狗必须拴绳。"


@pytest.mark.parametrize(
    ("answer", "score"),
    [
        ("A single ticket costs 1200 kroner.", 1.0),
        ("A single ticket costs 1300 kroner.", 0.0),  # another number
        ("The Aurora ferry leaves Oslo on weekdays.", 0.0),  # another name
        ("The Aurora leaves Bergen on weekdays. Breakfast is served in the saloon.", 0.5),
        ("Children under 12 travel free [1]. Dogs are kept on a lead [2, 3].", 1.0),
        ("- Dogs must be kept on leads\n- Cats may roam the deck at night", 0.5),
        ("<think>It costs 9,999 dollars in Oslo.</think>A ticket costs 1,200.00 kroner.", 1.0),
        ("", 0.0),
        ("…", 0.0),
    ],
)
def test_the_share_of_supported_sentences_is_counted(answer: str, score: float) -> None:
    assert groundedness(answer, CONTEXT) == score


@pytest.mark.parametrize(
    ("answer", "score"),
    [
        ("单程票价为1200克朗。", 1.0),
        ("单程票价为1300克朗。", 0.0),
        ("渡轮从卑尔根出发。", 1.0),
        ("船上餐厅提供免费早餐和晚餐。", 0.0),
        ("12岁以下儿童免费。船上提供无线网络服务。", 0.5),
        ("狗必须拴绳！猫可以在甲板上自由活动；儿童免费乘船。", 2 / 3),
    ],
)
def test_chinese_is_held_against_its_context_by_pairs_of_characters(answer: str, score: float) -> None:
    assert groundedness(answer, CHINESE) == pytest.approx(score)


def test_what_is_not_in_the_context_is_named() -> None:
    (claim,) = claims_against("The Aurora carries 300 cars to Stavanger.", CONTEXT)
    assert claim.missing == ("300", "Stavanger")
    assert claim.share == pytest.approx(1 / 4)  # aurora; neither carries, cars nor stavanger
    assert not claim.supported


def test_a_name_that_opens_a_sentence_is_told_by_its_words_alone() -> None:
    (claim,) = claims_against("Bergen is where the ferry leaves.", CONTEXT)
    assert claim.supported


def test_an_empty_context_supports_nothing() -> None:
    assert groundedness("A ticket costs 1200 kroner.", "") == 0.0


def test_sentences_end_where_people_end_them() -> None:
    assert claims_of(
        'It costs 3.50 in the U.S. market. "Really?" Yes: v1.2 does. 渡轮出发了。几点到达？\n\n1. First\n2) Second'
    ) == [
        "It costs 3.50 in the U.S. market.",
        '"Really?',
        "Yes: v1.2 does.",
        "渡轮出发了。",
        "几点到达？",
        "First",
        "Second",
    ]


def test_a_swapped_subject_is_beyond_the_method() -> None:
    """The limit that the docstring states: the words are the same."""
    assert groundedness("Dogs travel free, children must be kept on a lead.", CONTEXT) == 1.0
