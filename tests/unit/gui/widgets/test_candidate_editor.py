from __future__ import annotations

from pathlib import Path

import pytest
from candidate_documents import Document, candidates
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from gui.app import Application
from gui.study_edits.edits import changed
from gui.widgets.candidate_editor import CandidateEditor
from gui.widgets.words_editor import WordsEditor

FORMS = "candidate.model.sweep.quantize"


@pytest.fixture
def editor(qtbot: QtBot, qapp: QApplication, application: Application) -> CandidateEditor:
    context = application.context
    made = CandidateEditor(context.translator, context.theme)
    qtbot.addWidget(made)
    return made


def forms_offered(editor: CandidateEditor, kind: str, **model: object) -> list[str]:
    """The forms of a search's students that can be switched on in a study of a kind of task."""
    listed: list[Document] = changed(candidates(), 1, "model.source", "sweep", kind)
    search = {**listed[1], "model": {**listed[1]["model"], **model}}
    editor.show_candidate(search, [listed[0]], kind, ["own"], Path())
    chips = editor.editor(FORMS)
    assert isinstance(chips, WordsEditor)
    return list(chips.chips)


def test_a_search_over_language_models_offers_no_static_form(editor: CandidateEditor) -> None:
    assert forms_offered(editor, "classification") == ["none", "int8_dynamic", "int8_static"]
    assert forms_offered(editor, "generation") == ["none", "int8_dynamic"]
    assert forms_offered(editor, "extraction") == ["none", "int8_dynamic"]
    assert forms_offered(editor, "classification") == ["none", "int8_dynamic", "int8_static"]


def test_a_static_form_that_the_study_holds_stays_in_sight_to_be_switched_off(editor: CandidateEditor) -> None:
    assert "int8_static" in forms_offered(editor, "generation", quantize=["none", "int8_static"])
