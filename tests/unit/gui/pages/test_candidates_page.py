from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot
from sample_studies import NEURAL_STUDY
from window_support import open_in

from core.domain import JobState
from core.errors import UserError
from core.spec import CandidateModel, EndpointModel, Prune, Quantize
from core.store import StudyStore
from core.study_file import load_study
from gui.app import Application
from gui.document import SaveState
from gui.pages.candidates import CandidatesPage
from gui.pages.page import PageMark
from gui.widgets.editors import ChoiceEditor, Editor, FlagEditor, LineEditor
from gui.widgets.export_button import is_made_here
from gui.widgets.path_editor import PathEditor


@pytest.fixture
def page(qtbot: QtBot, application: Application, tmp_path: Path) -> CandidatesPage:
    """The page on a study of a teacher, a student, its 8-bit version, a floor and a hybrid."""
    (tmp_path / "study.yaml").write_text(NEURAL_STUDY, encoding="utf-8")
    (tmp_path / "rows.csv").write_text("text,target\n" + "".join(f"row {n},{'ab'[n % 2]}\n" for n in range(40)))
    loaded = load_study(tmp_path / "study.yaml")
    path = tmp_path / "neural.tercet"
    StudyStore.create(path, loaded.study, loaded.base, loaded.text).close()
    open_in(qtbot, application, path)
    application.window.show_page("candidates")
    found = application.window.pages["candidates"]
    assert isinstance(found, CandidatesPage)
    return found


def names(page: CandidatesPage) -> list[str]:
    return [line.name for line in page.model.lines]


def line(page: CandidatesPage, path: str) -> LineEditor:
    editor = page.editor.editor(path)
    assert isinstance(editor, LineEditor)
    return editor


def write(editor: LineEditor, text: str, *, end: bool = True) -> None:
    editor.line.setFocus()
    editor.line.selectAll()
    QTest.keyClicks(editor.line, text)
    if end:
        QTest.keyClick(editor.line, Qt.Key.Key_Return)


def pick(editor: Editor, value: object) -> None:
    assert isinstance(editor, ChoiceEditor)
    place = next(place for place in range(editor.box.count()) if editor.box.itemData(place) == value)
    editor.box.setCurrentIndex(place)
    editor.box.activated.emit(place)


def in_sight(page: CandidatesPage, path: str) -> bool:
    return page.editor.editor(path).isVisible()


def test_the_candidates_stand_with_how_they_are_made(page: CandidatesPage) -> None:
    assert names(page) == ["big", "small", "small-int8", "floor", "both"]
    assert page.model.lines[1].text == "2 layers of big, distilled over 6 epochs"
    assert page.sentence.text().startswith("1 teacher, 3 students, 1 hybrid.")
    assert page.mark_text == "5"


def test_an_edit_saves_itself_and_can_be_undone(qtbot: QtBot, application: Application, page: CandidatesPage) -> None:
    document = application.context.document
    page.choose(1)
    write(line(page, "candidate.train.epochs"), "9")
    qtbot.waitUntil(lambda: document.study.training_of(document.study.candidates[1]).epochs == 9, timeout=5000)
    assert document.save_state is SaveState.SAVED
    application.window.actions_table["edit.undo"].trigger()
    assert line(page, "candidate.train.epochs").line.text() == "6"


def test_a_new_name_reaches_whoever_uses_the_candidate(application: Application, page: CandidatesPage) -> None:
    page.choose(1)
    write(line(page, "candidate.name"), "little")
    study = application.window.draft.study
    assert study is not None
    assert isinstance(study.candidates[2].model, CandidateModel)
    assert study.candidates[2].model.name == "little"
    application.window.draft.undo_stack.undo()
    assert names(page)[1] == "small"


def name_everywhere(application: Application) -> None:
    """The study's curve, load test and suite name the student."""
    draft = application.window.draft
    draft.edit("learning_curve", {"student": "small", "sizes": [0.125, 0.25, 0.5, 1.0]})
    draft.edit("load", {"candidates": ["small", "floor"]})
    draft.edit("suites", [{"task": "arc_easy", "candidates": ["small"]}, {"task": "piqa", "candidates": None}])


def test_a_new_name_reaches_load_tests_suites_and_the_learning_curve(
    application: Application, page: CandidatesPage
) -> None:
    name_everywhere(application)
    page.choose(1)
    write(line(page, "candidate.name"), "little")
    study = application.window.draft.study
    assert study is not None
    assert study.learning_curve is not None
    assert study.learning_curve.student == "little"
    assert study.load is not None
    assert study.load.candidates == ["little", "floor"]
    assert [suite.candidates for suite in study.suites] == [["little"], None]
    application.window.draft.undo_stack.undo()
    study = application.window.draft.study
    assert study is not None
    assert study.learning_curve is not None
    assert study.learning_curve.student == "small"
    assert names(page)[1] == "small"


def test_a_removed_candidate_is_forgotten_by_load_tests_suites_and_the_learning_curve(
    application: Application, page: CandidatesPage
) -> None:
    for place in (4, 2):
        page.choose(place)
        page.remove()
    name_everywhere(application)
    page.choose(1)
    page.remove()
    study = application.window.draft.study
    assert study is not None
    assert study.learning_curve is None
    assert study.load is not None
    assert study.load.candidates == ["floor"]
    assert [suite.task for suite in study.suites] == ["piqa"]
    application.window.draft.undo_stack.undo()
    study = application.window.draft.study
    assert study is not None
    assert study.load is not None
    assert study.load.candidates == ["small", "floor"]
    assert study.learning_curve is not None


def test_a_name_that_is_taken_is_refused_at_the_field_and_the_old_one_stays(
    application: Application, page: CandidatesPage
) -> None:
    page.choose(1)
    write(line(page, "candidate.name"), "floor", end=False)
    row = page.editor.sections["candidate"].form.rows["candidate.name"]
    assert "Another candidate is called floor" in row.problem.text()
    page.refresh()
    assert line(page, "candidate.name").line.text() == "floor"
    assert application.window.draft.study is not None
    QTest.keyClicks(line(page, "candidate.name").line, "-2")
    assert not row.problem.text()
    assert names(page)[1] == "floor-2"
    assert names(page)[3] == "floor"


def test_two_clicks_add_an_eight_bit_version(qtbot: QtBot, application: Application, page: CandidatesPage) -> None:
    page.choose(1)
    menu = page.add_button.menu()
    menu.aboutToShow.emit()
    action = next(action for action in menu.actions() if action.text() == "8-bit version of small")
    action.trigger()
    assert names(page)[-1] == "small-int8-2"
    assert page.list.currentIndex().row() == 5
    study = application.window.draft.study
    assert study is not None
    assert study.candidates[5].compress == [Quantize(quantize="int8_dynamic")]
    application.window.draft.undo_stack.undo()
    assert len(names(page)) == 5


def test_a_candidate_that_others_need_stays_and_says_who_they_are(
    application: Application, page: CandidatesPage
) -> None:
    page.choose(0)
    page.remove_button.click()
    assert len(names(page)) == 5
    assert any("small, both need it" in text for text in application.window.message_bar.texts)


def test_a_candidate_that_nobody_needs_is_removed_and_comes_back(
    application: Application, page: CandidatesPage
) -> None:
    page.choose(3)
    page.remove_button.click()
    assert names(page) == ["big", "small", "small-int8", "both"]
    application.window.draft.undo_stack.undo()
    assert names(page)[3] == "floor"


def test_a_copy_stands_behind_its_original(page: CandidatesPage) -> None:
    page.choose(1)
    page.duplicate_button.click()
    assert names(page)[:3] == ["big", "small", "small-2"]
    assert page.card.title.text() == "small-2"


def test_only_fields_of_the_chosen_source_are_in_sight(page: CandidatesPage) -> None:
    page.choose(1)
    assert in_sight(page, "candidate.model.teacher.layers")
    assert not in_sight(page, "candidate.model.hub.id")
    pick(page.editor.editor("candidate.model.source"), "hub")
    assert in_sight(page, "candidate.model.hub.id")
    assert not in_sight(page, "candidate.model.teacher.layers")
    pick(page.editor.editor("candidate.model.source"), "endpoint")
    assert not page.editor.sections["train"].isVisible()
    assert not page.editor.sections["compress"].isVisible()


def test_rare_fields_stand_under_more_until_they_are_set(page: CandidatesPage) -> None:
    page.choose(1)
    assert not in_sight(page, "candidate.train.hidden_weight")
    page.editor.sections["train"].more_button.click()
    assert in_sight(page, "candidate.train.hidden_weight")
    write(line(page, "candidate.train.hidden_weight"), "0.5")
    page.editor.sections["train"].more_button.click()
    assert in_sight(page, "candidate.train.hidden_weight")
    assert not in_sight(page, "candidate.train.batch_size")


def test_an_endpoint_without_an_address_is_told_at_the_field_in_the_list_and_in_the_rail(
    application: Application, page: CandidatesPage
) -> None:
    page.add("language_teacher")
    row = page.editor.sections["model"].form.rows["candidate.model.endpoint.base_url"]
    assert row.problem.isVisible()
    assert page.model.lines[-1].problem == "Needed: write a value."
    assert page.mark is PageMark.ATTENTION
    assert application.context.document.save_state is SaveState.INVALID
    write(line(page, "candidate.model.endpoint.base_url"), "example.com")
    assert "https://" in row.problem.text()
    write(line(page, "candidate.model.endpoint.base_url"), "https://example.com/v1")
    write(line(page, "candidate.model.endpoint.model"), "large")
    write(line(page, "candidate.model.endpoint.key_env"), "EXAMPLE_KEY")
    study = application.window.draft.study
    assert study is not None
    assert study.candidates[-1].model == EndpointModel(
        source="endpoint", base_url="https://example.com/v1", model="large", key_env="EXAMPLE_KEY"
    )


def test_a_reference_to_nobody_is_told_at_its_field(application: Application, page: CandidatesPage) -> None:
    candidates = application.window.draft.value("candidates")
    candidates[2]["model"]["name"] = "nobody"
    application.window.draft.edit("candidates", candidates)
    page.choose(2)
    row = page.editor.sections["model"].form.rows["candidate.model.candidate.name"]
    assert "no candidate nobody" in row.problem.text()
    assert not page.problem.isVisible()


def test_a_rule_of_the_schema_is_told_at_the_training(page: CandidatesPage) -> None:
    page.choose(1)
    write(line(page, "candidate.train.seeds"), "1, 1")
    assert "A seed stands there twice" in page.problem.text()
    write(line(page, "candidate.train.seeds"), "1, x")
    assert "whole numbers" in page.editor.sections["train"].form.rows["candidate.train.seeds"].problem.text()


def test_what_the_plan_refuses_is_told_at_its_field(
    qtbot: QtBot, application: Application, page: CandidatesPage
) -> None:
    page.choose(2)
    page.editor.steps.edited.emit([{"quantize": "int8_dynamic"}, {"prune": 0.5}])
    document = application.context.document
    qtbot.waitUntil(lambda: document.snapshot.plan_problem is not None, timeout=5000)
    qtbot.waitUntil(
        lambda: "quantize last" in page.editor.sections["compress"].form.rows["candidate.compress"].problem.text(),
        timeout=2000,
    )
    assert page.mark is PageMark.ATTENTION


def test_steps_of_compression_are_added_moved_edited_and_removed(
    application: Application, page: CandidatesPage
) -> None:
    page.choose(1)
    steps, draft = page.editor.steps, application.window.draft
    for wanted in ("Remove parameters", "Trim the vocabulary"):
        # The menu is made anew after each step.
        menu = steps.add_button.menu()
        next(action for action in menu.actions() if action.text() == wanted).trigger()
    assert [part.kind for part in steps.parts] == ["prune", "trim_vocabulary"]
    steps.parts[0].down_button.click()
    assert [part.kind for part in steps.parts] == ["trim_vocabulary", "prune"]
    form = steps.parts[1].form
    assert form is not None
    editor = form.rows["candidate.compress.prune"].editor
    assert isinstance(editor, LineEditor)
    write(editor, "80")
    assert draft.study is not None
    assert draft.study.candidates[1].compress[1] == Prune(prune=0.8)
    write(editor, "120")
    assert "below 100" in form.rows["candidate.compress.prune"].problem.text()
    draft.undo_stack.undo()
    steps.parts[0].remove_button.click()
    assert [part.kind for part in steps.parts] == ["prune"]


def test_an_assistant_is_added_between_teacher_and_student(application: Application, page: CandidatesPage) -> None:
    page.choose(1)
    page.editor.sections["train"].more_button.click()
    page.editor.stages.add_button.click()
    study = application.window.draft.study
    assert study is not None
    assert [stage.layers for stage in study.training_of(study.candidates[1]).stages] == [3]


def test_a_chosen_folder_is_written_relative_to_the_study(
    application: Application, page: CandidatesPage, tmp_path: Path
) -> None:
    page.choose(0)
    pick(page.editor.editor("candidate.model.source"), "local")
    editor = page.editor.editor("candidate.model.local.path")
    assert isinstance(editor, PathEditor)
    editor.choose_button.click()
    dialog = page.findChildren(QFileDialog)[0]
    assert dialog.fileMode() is QFileDialog.FileMode.Directory
    dialog.fileSelected.emit(str(tmp_path / "models" / "mini"))
    dialog.close()
    assert application.window.draft.value("candidates")[0]["model"]["path"] == "models/mini"


def test_switches_of_a_training_show_their_parts(page: CandidatesPage) -> None:
    page.choose(1)
    page.editor.sections["train"].more_button.click()
    assert not in_sight(page, "candidate.train.lora.rank")
    switch = page.editor.editor("candidate.train.lora")
    assert isinstance(switch, FlagEditor)
    switch.box.click()
    assert in_sight(page, "candidate.train.lora.rank")


def test_a_read_only_study_offers_no_change(qtbot: QtBot, application: Application, stored_study: Path) -> None:
    with StudyStore.open(stored_study, write=True):
        open_in(qtbot, application, stored_study)
        application.window.show_page("candidates")
        page = application.window.pages["candidates"]
        assert isinstance(page, CandidatesPage)
        assert page.add_button.isHidden()
        assert page.remove_button.isHidden()
        assert line(page, "candidate.name").line.isReadOnly()


def test_the_study_page_leads_to_the_candidates(application: Application, page: CandidatesPage) -> None:
    application.window.show_page("study")
    application.window.study_page.candidates.edit_button.click()
    assert application.window.current_page == "candidates"


def test_the_words_follow_the_language(application: Application, page: CandidatesPage) -> None:
    page.choose(1)
    application.context.preferences.change(language="zh_CN")
    assert page.heading.text() == "候选"
    assert page.editor.sections["train"].form.rows["candidate.train.epochs"].label.text() == "轮数"
    assert page.model.lines[1].text == "big 的 2 层，蒸馏 6 轮"


def test_the_model_of_a_measured_candidate_can_be_exported(
    qtbot: QtBot, application: Application, page: CandidatesPage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document, button = application.context.document, page.export_button
    page.choose(1)
    assert not button.isVisible()  # nothing is measured yet
    rows = tuple(replace(row, state=JobState.SUCCEEDED) for row in document.jobs)
    monkeypatch.setattr(type(document), "jobs", property(lambda _self: rows))
    shown = []
    for place in range(page.model.rowCount()):
        page.choose(place)
        page.refresh()
        shown.append(button.isVisible())
    assert shown == [True, True, True, False, False]  # neither the floor nor the hybrid has weights
    page.choose(1)
    button._fill()
    words = [action.text() for action in button.menu().actions()]
    assert [text.partition(" ")[0].rstrip(",") for text in words] == ["safetensors", "ONNX", "GGUF", "GGUF"]
    asked: list[Any] = []
    monkeypatch.setattr(button.exporter, "start", lambda *arguments: asked.append(arguments))
    button.menu().actions()[1].trigger()
    dialog = button.findChild(QFileDialog)
    assert dialog is not None
    dialog.fileSelected.emit(str(tmp_path / "out"))
    dialog.close()
    assert asked == [(document.path, "small", "onnx", tmp_path / "out", "f16")]
    told: list[tuple[str, str]] = []
    page.message.connect(lambda level, words: told.append((level, words(application.context.translator))))
    button.exporter.exported.emit([tmp_path / "out" / "model.onnx"])
    assert told == [("info", f"The model was checked and written to {tmp_path / 'out'}: model.onnx")]
    button.exporter.failed.emit(UserError("job.not_done", name="small"))
    assert told[1][0] == "bad"


def test_only_what_the_study_trains_or_compresses_is_handed_over(
    application: Application, page: CandidatesPage
) -> None:
    study = application.context.document.study
    assert [is_made_here(study, name) for name in ("big", "small-int8", "floor", "both", "nobody")] == [
        True, True, False, False, False,
    ]  # fmt: skip
