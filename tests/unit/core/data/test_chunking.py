from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as texts

from core.data.chunking import passages_of, words_of

TEXT = "One two three. Four five! Six seven eight nine?\n\nTen eleven."


def cut(text: str, chunk_words: int, overlap_words: int = 0) -> list[str]:
    return [text[span.start : span.end] for span in passages_of(text, chunk_words, overlap_words)]


def test_whole_sentences_are_packed_up_to_the_size() -> None:
    assert cut(TEXT, 5) == ["One two three. Four five!", "Six seven eight nine?", "Ten eleven."]
    assert cut(TEXT, 100) == [TEXT]


def test_a_passage_begins_with_the_last_sentences_of_the_one_before() -> None:
    assert cut(TEXT, 6, 2) == ["One two three. Four five!", "Four five! Six seven eight nine?", "Ten eleven."]


def test_the_overlap_never_makes_a_passage_too_long() -> None:
    assert cut("A b. C d. E f g h i.", 5, 4)[-1] == "E f g h i."


def test_a_long_sentence_is_cut_between_words() -> None:
    assert cut("a b c d e", 2) == ["a b", "c d", "e"]


def test_an_ideograph_counts_as_a_word_and_chinese_marks_end_sentences() -> None:
    assert words_of("银行卡 Card") == ["银", "行", "卡", "card"]
    assert cut("卡片丢失。立即冻结。", 4) == ["卡片丢失。", "立即冻结。"]


def test_a_decimal_number_ends_no_sentence() -> None:
    assert cut("It costs 1.5 francs. Yes.", 5) == ["It costs 1.5 francs.", "Yes."]


@pytest.mark.parametrize("text", ["", " \n ", "—…!"])
def test_a_text_without_words_has_no_passages(text: str) -> None:
    assert cut(text, 3) == []


@given(texts.text(alphabet="ab 。.!\n卡", max_size=60), texts.integers(1, 6), texts.integers(0, 5))
def test_every_word_stands_in_a_passage_and_none_is_too_long(text: str, chunk_words: int, overlap: int) -> None:
    spans = passages_of(text, chunk_words, min(overlap, chunk_words - 1))
    assert all(span.words <= chunk_words for span in spans)
    covered = {place for span in spans for place in range(span.start, span.end)}
    assert all(place in covered for place, character in enumerate(text) if character.isalnum())
    assert [span.start for span in spans] == sorted(span.start for span in spans)
