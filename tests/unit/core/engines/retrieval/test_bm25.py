from __future__ import annotations

import math
from pathlib import Path

import pytest

from core.engines.retrieval.bm25 import K1, B, Bm25, terms_of, write_bm25

TEXTS = ("the card is lost", "the loan", "the card the card the card and more words")


def test_scores_are_those_of_the_formula(tmp_path: Path) -> None:
    write_bm25(tmp_path, TEXTS)
    scores = Bm25(tmp_path, len(TEXTS)).scores("card card")
    lengths = [4, 2, 9]
    mean = sum(lengths) / 3
    idf = math.log(1 + (3 - 2 + 0.5) / (2 + 0.5))
    for place, times in ((0, 1), (1, 0), (2, 3)):
        expected = 2 * idf * times / (times + K1 * (1 - B + B * lengths[place] / mean))
        assert scores[place] == pytest.approx(expected, rel=1e-6)


def test_a_query_without_a_known_word_scores_nothing(tmp_path: Path) -> None:
    write_bm25(tmp_path, TEXTS)
    assert Bm25(tmp_path, len(TEXTS)).scores("director ?").tolist() == [0.0, 0.0, 0.0]


def test_pairs_of_ideographs_tell_chinese_passages_apart(tmp_path: Path) -> None:
    texts = ("银行卡丢失", "行银丢卡失")
    assert "银行" in terms_of(texts[0])
    write_bm25(tmp_path, texts)
    scores = Bm25(tmp_path, 2).scores("银行卡")
    assert scores[0] > scores[1] > 0.0


def test_the_same_texts_give_the_same_files(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write_bm25(tmp_path / name, TEXTS)
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()
