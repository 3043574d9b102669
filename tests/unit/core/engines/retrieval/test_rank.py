from __future__ import annotations

import pytest

from core.domain import Example, Split
from core.engines.retrieval.index import Passage, content_hash
from core.engines.retrieval.rank import leaked_rows, ranks_by_answer, ranks_by_document
from core.errors import UserError

NAMES = ("faq/card.txt", "faq/loan.txt", "old/loan.txt")


def row(target: str, document: str = "", text: str = "q") -> Example:
    return Example("e", Split.TEST, "g", text, target, fields=(("doc", document),))


def passages(*documents: str, text: str = "") -> list[Passage]:
    return [Passage(number, name, 0, 1, text) for number, name in enumerate(documents)]


def test_a_document_is_known_by_its_name_or_by_a_last_part_that_no_other_has() -> None:
    found = passages("faq/loan.txt", "faq/card.txt")
    rows = [row("", "faq/card.txt"), row("", "card.txt"), row("", "faq/loan.txt"), row("", "loan.txt"), row("", " ")]
    ranks = ranks_by_document(rows, [found] * 5, "doc", NAMES)
    assert ranks.places == (2, 2, 1, 0)
    assert ranks.unknown == 1


def test_a_column_that_names_none_of_the_documents_is_refused() -> None:
    with pytest.raises(UserError) as caught:
        ranks_by_document([row("", "nowhere.txt")], [passages("faq/card.txt")], "doc", NAMES)
    assert caught.value.code == "retrieval.documents_unknown"
    assert "faq/card.txt" in caught.value.text


def test_an_answer_is_found_by_whole_words_only() -> None:
    found = [*passages("a", text="In 2012, Ada."), *passages("b", text="It costs 12 francs.")]
    assert ranks_by_answer([row("12"), row("ada."), row("nobody"), row("—")], [found] * 4).places == (2, 1, 0)


def test_a_chinese_answer_is_found_within_a_sentence() -> None:
    assert ranks_by_answer([row("十二元")], [passages("a", text="费用为十二元。")]).places == (1,)


def test_a_row_that_stands_whole_as_a_document_leaks() -> None:
    rows = [row("Bern.", text="Capital of Switzerland?"), row("Paris", text="Capital of France?")]
    hashes = [content_hash("capital of switzerland: BERN"), content_hash("Capital of France? Paris, of course")]
    assert leaked_rows(rows, hashes) == 1
