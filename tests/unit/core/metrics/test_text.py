"""One text scored against another."""

from __future__ import annotations

import pytest
import sacrebleu
from rouge_score.rouge_scorer import RougeScorer  # type: ignore[import-untyped]  # has no types
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

from core.metrics import text
from core.metrics.reasoning import split_reasoning
from core.metrics.text import text_scorer

OUTPUT = "The cat sat on the mat, quietly."
TARGET = "A cat sat quietly on the mat."


@pytest.mark.parametrize("metric", ["exact_match", "numeric", "bleu", "chrf", "rouge_l", "accuracy", "macro_f1"])
def test_the_target_itself_scores_one_and_reasoning_is_not_part_of_the_answer(metric: str) -> None:
    scorer = text_scorer(metric)
    assert scorer is not None
    assert scorer("about 42 sheep slept", "about 42 sheep slept") == pytest.approx(1.0)
    assert scorer("<think>7 cats, no</think>\nabout 42 sheep slept ", "about 42 sheep slept") == pytest.approx(1.0)
    assert scorer("", "about 42 sheep slept") == 0.0
    assert scorer("<think>about 42 sheep slept", "about 42 sheep slept") == 0.0


def test_a_judge_is_no_formula() -> None:
    assert text_scorer("judge") is None


def test_per_row_scores_are_those_of_the_libraries() -> None:
    assert text.bleu(OUTPUT, TARGET) == pytest.approx(sacrebleu.sentence_bleu(OUTPUT, [TARGET]).score / 100)
    assert text.chrf(OUTPUT, TARGET) == pytest.approx(sacrebleu.sentence_chrf(OUTPUT, [TARGET]).score / 100)
    wanted = RougeScorer(["rougeL"]).score(TARGET, OUTPUT)["rougeL"].fmeasure
    assert text.rouge_l(OUTPUT, TARGET) == pytest.approx(wanted)
    assert 0.1 < text.bleu(OUTPUT, TARGET) < 0.9


def test_the_signatures_in_the_docstrings_are_those_of_the_scorers() -> None:
    bleu = BLEU(effective_order=True)
    bleu.sentence_score(OUTPUT, [TARGET])
    chrf = CHRF()
    chrf.sentence_score(OUTPUT, [TARGET])
    for scorer, documented in ((bleu, text.bleu.__doc__), (chrf, text.chrf.__doc__)):
        signature = str(scorer.get_signature()).rpartition("|version")[0]
        assert signature in (documented or "")


def test_texts_without_spaces_and_accents_count_too() -> None:
    assert 0.0 < text.rouge_l("我丢了卡", "我的卡丢了") < 1.0
    assert 0.0 < text.bleu("我丢了我的卡", "我丢了我的银行卡") < 1.0
    assert text.rouge_l("été", "t") == 0.0


@pytest.mark.parametrize(
    ("output", "target", "score"),
    [("so 1,200.50", "1200.5", 1.0), ("3 then 4", "3", 0.0), ("none", "3", 0.0), ("none", "none", 0.0)],
)
def test_the_last_number_counts(output: str, target: str, score: float) -> None:
    assert text.numeric(output, target) == score


@pytest.mark.parametrize(
    ("written", "parts"),
    [
        ("plain ", (None, "plain")),
        ("<think>a</think> b", ("a", "b")),
        ("a</think>b", ("a", "b")),
        ("<think>cut off", ("cut off", "")),
        ("<think></think>b", ("", "b")),
        ("<think>a</think>b</think>c", ("a</think>b", "c")),
    ],
)
def test_reasoning_is_told_from_the_answer(written: str, parts: tuple[str | None, str]) -> None:
    assert split_reasoning(written) == parts
