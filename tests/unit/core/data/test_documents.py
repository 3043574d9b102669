from __future__ import annotations

from pathlib import Path

import pytest
from tiny_documents import DOCUMENTS, write_documents

from core.data import documents, formats
from core.data.documents import document_source, html_text, read_documents
from core.errors import UserError


def texts(path: Path, column: str | None = None, id_column: str | None = None) -> dict[str, str]:
    return {one.name: one.text for one in read_documents(document_source(path, column, id_column))}


def refusal(path: Path, column: str | None = None, id_column: str | None = None) -> str:
    with pytest.raises(UserError) as caught:
        read_documents(document_source(path, column, id_column))
    return caught.value.code


def test_the_kinds_of_tables_are_those_that_the_data_is_read_from() -> None:
    assert documents.TABLE_SUFFIXES == formats.SUFFIXES


def test_a_folder_gives_each_file_by_its_path_within_it(tmp_path: Path) -> None:
    write_documents(tmp_path, {**DOCUMENTS, "more/deep.txt": "Deep.", ".git/hidden.txt": "No.", "picture.png": "x"})
    found = texts(tmp_path)
    assert sorted(found) == ["card.txt", "loan.md", "more/deep.txt", "refund.html"]
    assert found["refund.html"] == "Money comes back in 9 days."
    assert documents.skipped_files(tmp_path) == 1


def test_blocks_of_a_page_stand_apart_and_scripts_are_left_out() -> None:
    assert html_text("<h1>A &amp; b</h1><p>c\n d<br>e</p><style>x</style>") == "A & b\n\nc d\n\ne"


def test_rows_of_a_table_are_documents(tmp_path: Path) -> None:
    (tmp_path / "faq.csv").write_text("key,answer\nk1,One.\nk2,\nk3,Three.\n", encoding="utf-8")
    assert texts(tmp_path / "faq.csv", "answer", "key") == {"k1": "One.", "k3": "Three."}
    assert texts(tmp_path / "faq.csv", "answer") == {"faq.csv#2": "One.", "faq.csv#4": "Three."}
    (tmp_path / "lines.jsonl").write_text('{"text": "L."}\n', encoding="utf-8")
    assert texts(tmp_path / "lines.jsonl") == {"lines.jsonl#1": "L."}


def test_the_hash_follows_names_and_contents_and_not_the_place(tmp_path: Path) -> None:
    first = document_source(write_documents(tmp_path / "a"), None, None)
    assert document_source(write_documents(tmp_path / "b"), None, None).sha256 == first.sha256
    (tmp_path / "b" / "ignored.png").write_bytes(b"x")
    assert document_source(tmp_path / "b", None, None).sha256 == first.sha256
    (tmp_path / "b" / "card.txt").rename(tmp_path / "b" / "cards.txt")
    assert document_source(tmp_path / "b", None, None).sha256 != first.sha256


def test_documents_that_changed_since_the_plan_are_refused(tmp_path: Path) -> None:
    source = document_source(write_documents(tmp_path), None, None)
    (tmp_path / "card.txt").write_text("Other.", encoding="utf-8")
    with pytest.raises(UserError) as caught:
        read_documents(source)
    assert caught.value.code == "data.file.changed"


def test_bad_documents_get_one_sentence_each(tmp_path: Path) -> None:
    assert refusal(tmp_path / "nowhere") == "retrieval.missing"
    assert refusal(tmp_path) == "retrieval.no_documents"
    (tmp_path / "a.pdf").write_bytes(b"%PDF")
    assert refusal(tmp_path / "a.pdf") == "retrieval.suffix"
    (tmp_path / "a.txt").write_text(" \n", encoding="utf-8")
    assert refusal(tmp_path) == "retrieval.no_text"
    (tmp_path / "t.csv").write_text("text,key\n,a\n ,a\n", encoding="utf-8")
    assert refusal(tmp_path / "t.csv") == "retrieval.column_empty"
    assert refusal(tmp_path / "t.csv", "answer") == "data.column.missing"
    (tmp_path / "u.csv").write_text("text,key\nx,a\ny,a\n", encoding="utf-8")
    assert refusal(tmp_path / "u.csv", None, "key") == "retrieval.name_twice"
    (tmp_path / "b.txt").write_bytes(b"\xff\xfe\x00")
    assert refusal(tmp_path / "b.txt") in ("data.file.encoding_unknown", "data.file.unreadable")
