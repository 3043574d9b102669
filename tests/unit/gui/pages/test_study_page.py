from __future__ import annotations

from pathlib import Path

import pytest
from form_support import missing_words, store_of
from own_metric import install_metric
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot
from window_support import open_in

from core.spec import Study
from core.store import StudyStore
from core.study_file import dump_study, load_study
from gui.app import Application
from gui.document import SaveState
from gui.pages.page import PageMark
from gui.theme import LABEL_WIDTH
from gui.widgets.data_card import column_specs, split_specs
from gui.widgets.editors import ChoiceEditor, LineEditor
from gui.widgets.form import FieldForm
from gui.widgets.given_files import given_specs
from gui.widgets.task_fields import task_specs
from gui.widgets.words_editor import WordsEditor

BUDGET, REQUESTS = "criteria.cost.monthly_budget", "criteria.cost.monthly_requests"


OWN_DATA = """
version: 1
name: Own data
task: {kind: classification, metric: accuracy}
data: {file: rows.csv, columns: {input: text, target: label}, split: {test: 0.25, calibration: 0.25}}
criteria: {cost: {monthly_requests: 1000}}
profiles: {own: {kind: self_hosted, capex: 6000}}
candidates: [{name: floor, role: student, model: {source: baseline, kind: tfidf_linear}}]
"""


def line(application: Application, path: str) -> LineEditor:
    editor = application.window.study_page.forms["cost"].rows[path].editor
    assert isinstance(editor, LineEditor)
    return editor


def write(qtbot: QtBot, editor: LineEditor, text: str) -> None:
    editor.line.selectAll()
    QTest.keyClicks(editor.line, text)
    QTest.keyClick(editor.line, Qt.Key.Key_Return)


def test_a_metric_of_an_installed_package_can_be_chosen(
    qtbot: QtBot, open_study: Application, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_metric(tmp_path / "packages", monkeypatch, "return 1.0")
    document, page = open_study.context.document, open_study.window.study_page
    page.refresh()
    page._show_draft()
    editor = page.forms["task"].rows["task.metric"].editor
    assert isinstance(editor, ChoiceEditor)
    assert ("plugin:near", "near (own)") in editor.options
    assert "accuracy" in dict(editor.options)
    editor.edited.emit("plugin:near")
    qtbot.waitUntil(lambda: document.study.task.plugin == "near", timeout=3000)
    assert "near" in page.sentence.text()


def test_examples_in_the_prompt_are_asked_for_and_taken_back(qtbot: QtBot, open_study: Application) -> None:
    document, form = open_study.context.document, open_study.window.study_page.forms["task"]

    def shown() -> list[bool]:
        return [form.rows[f"task.few_shot.{name}"].shown for name in ("examples", "seed")]

    assert shown() == [False, False]  # no language model is asked in this study
    form.edited.emit("task.prompt", "Classify: {text}")
    assert shown() == [True, False]
    form.edited.emit("task.few_shot.examples", 3)
    assert shown() == [True, True]
    qtbot.waitUntil(lambda: document.study.task.few_shot is not None, timeout=3000)
    form.edited.emit("task.few_shot.examples", None)
    assert shown() == [True, False]
    qtbot.waitUntil(lambda: document.study.task.few_shot is None, timeout=3000)


JUDGED = """
version: 1
name: Judged
task: {kind: generation, metric: exact_match, prompt: "{text}"}
data: {file: rows.csv, columns: {input: text, target: label}, split: {test: 0.25, calibration: 0.25}}
criteria: {cost: {monthly_requests: 1000}}
profiles: {own: {kind: self_hosted, capex: 6000}}
candidates: [{name: big, role: teacher, model: {source: endpoint, base_url: 'http://u/v1', model: big}}]
"""


def test_a_candidate_s_model_can_be_made_the_judge(qtbot: QtBot, application: Application, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("text,label\na,x\nb,y\n", encoding="utf-8")
    open_in(qtbot, application, store_of(tmp_path, JUDGED))
    document, page = application.context.document, application.window.study_page
    form, judge = page.forms["task"], page.forms["task"].rows["task.judge.model"]
    choice = page.task.judge.choice

    def shown() -> list[bool]:
        return [judge.shown, *(form.rows[f"task.judge.{name}"].shown for name in ("mode", "text_only"))]

    assert shown() == [False, False, False]
    form.edited.emit("task.metric", "judge")
    assert shown() == [True, False, False]
    assert [words for _, words in choice.options] == ["nobody", "big", "another model"]
    choice._activated(1)
    qtbot.waitUntil(lambda: document.study.task.judge is not None, timeout=8000)
    assert document.study.task.judge is not None
    assert document.study.task.judge.model == document.study.candidates[0].model
    assert choice.box.currentText() == "big"
    assert form.rows["task.judge.max_output_tokens"].shown
    profile = form.rows["task.judge.profile"].editor
    assert isinstance(profile, ChoiceEditor)
    assert [words for _, words in profile.options] == ["that of its candidate", "own"]
    profile._activated(1)
    qtbot.waitUntil(lambda: document.study.judge_profile() == "own", timeout=8000)
    assert shown() == [True, True, False]
    page.data.columns.edited.emit("data.columns.image", "label")
    assert shown() == [True, True, True]
    form.edited.emit("task.metric", "exact_match")
    qtbot.waitUntil(lambda: document.study.task.judge is None, timeout=8000)
    assert shown() == [False, False, False]


@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_every_field_of_the_task_and_of_the_data_has_its_words(language: str) -> None:
    assert missing_words([*task_specs(), *column_specs(), *split_specs(), *given_specs()], language) == []


def test_an_edit_saves_itself(qtbot: QtBot, open_study: Application) -> None:
    document = open_study.context.document
    write(qtbot, line(open_study, BUDGET), "750")
    qtbot.waitUntil(lambda: document.study.criteria.cost.monthly_budget == 750.0, timeout=3000)
    assert document.save_state is SaveState.SAVED
    assert [row.kind.value for row in document.jobs] == ["prepare", "benchmark", "benchmark", "route"]


def test_what_cannot_be_saved_is_said_at_the_field_and_in_the_top_bar(qtbot: QtBot, open_study: Application) -> None:
    document, window = open_study.context.document, open_study.window
    write(qtbot, line(open_study, REQUESTS), "many")
    assert document.save_state is SaveState.INVALID
    assert "not saved" in window.top_bar.saved.text()
    assert window.study_page.forms["cost"].rows[REQUESTS].problem.isVisible()
    assert window.study_page.mark is PageMark.ATTENTION
    write(qtbot, line(open_study, REQUESTS), "100,000")
    qtbot.waitUntil(lambda: document.save_state is SaveState.SAVED, timeout=3000)
    assert document.study.criteria.cost.monthly_requests == 100000


def test_undo_brings_the_old_value_back_into_form_and_file(qtbot: QtBot, open_study: Application) -> None:
    document = open_study.context.document
    write(qtbot, line(open_study, BUDGET), "750")
    qtbot.waitUntil(lambda: document.study.criteria.cost.monthly_budget == 750.0, timeout=3000)
    open_study.window.actions_table["edit.undo"].trigger()
    assert line(open_study, BUDGET).line.text() == "5,000"
    qtbot.waitUntil(lambda: document.study.criteria.cost.monthly_budget == 5000.0, timeout=3000)


def test_closing_right_after_typing_keeps_the_edit(qtbot: QtBot, open_study: Application, stored_study: Path) -> None:
    write(qtbot, line(open_study, BUDGET), "321")
    open_study.window.close()
    qtbot.waitUntil(lambda: open_study.window.closed, timeout=5000)
    with StudyStore.open(stored_study, write=False) as store:
        assert store.study().criteria.cost.monthly_budget == 321.0


def test_a_read_only_study_cannot_be_edited(qtbot: QtBot, application: Application, stored_study: Path) -> None:
    with StudyStore.open(stored_study, write=True):
        open_in(qtbot, application, stored_study)
        assert line(application, BUDGET).line.isReadOnly()
        assert any("another process" in text.lower() for text in application.window.message_bar.texts)


def test_columns_of_the_data_file_are_offered(qtbot: QtBot, application: Application, tmp_path: Path) -> None:
    rows = "\n".join(f'"message {row}",{"ab"[row % 2]},c{row}' for row in range(40))
    (tmp_path / "rows.csv").write_text(f"text,label,customer\n{rows}\n", encoding="utf-8")
    open_in(qtbot, application, store_of(tmp_path, OWN_DATA))
    group = application.window.study_page.data.columns.rows["data.columns.group"].editor
    assert isinstance(group, ChoiceEditor)
    qtbot.waitUntil(lambda: group.box.count() == 4, timeout=5000)
    assert [group.box.itemText(i) for i in range(4)] == ["none", "text", "label", "customer"]
    group.box.setCurrentIndex(3)
    group.box.activated.emit(3)
    document = application.context.document
    qtbot.waitUntil(lambda: document.study.data.columns.group == "customer", timeout=3000)


def test_a_variable_that_is_not_set_is_told_and_the_study_opens(
    qtbot: QtBot, application: Application, tmp_path: Path
) -> None:
    study = OWN_DATA.replace("file: rows.csv", 'file: "${TERCET_NO_SUCH_VARIABLE}/rows.csv"')
    open_in(qtbot, application, store_of(tmp_path, study))
    page, bar = application.window.study_page, application.window.message_bar

    def told() -> str:
        return "\n".join([page.whole_problem.text(), *bar.texts])

    qtbot.waitUntil(lambda: "TERCET_NO_SUCH_VARIABLE" in told(), timeout=5000)
    assert page.isVisible()


def test_rule_packs_of_a_study_survive_an_edit(qtbot: QtBot, application: Application, study_file: Path) -> None:
    loaded = load_study(study_file)
    document = loaded.study.model_dump(mode="json")
    document["criteria"]["compliance"]["packs"] = ["gdpr"]
    study = Study.model_validate(document)
    path = study_file.with_name("packs.tercet")
    StudyStore.create(path, study, loaded.base, dump_study(study)).close()
    open_in(qtbot, application, path)
    write(qtbot, line(application, BUDGET), "750")
    opened = application.context.document
    qtbot.waitUntil(lambda: opened.study.criteria.cost.monthly_budget == 750.0, timeout=3000)
    assert opened.study.criteria.compliance.packs == ["gdpr"]


def test_slices_the_draw_and_overlapping_rows_are_set_beside_the_columns(
    qtbot: QtBot, application: Application, tmp_path: Path
) -> None:
    rows = "\n".join(f'"message {row}",{"ab"[row % 2]},c{row}' for row in range(40))
    (tmp_path / "rows.csv").write_text(f"text,label,customer\n{rows}\n", encoding="utf-8")
    open_in(qtbot, application, store_of(tmp_path, OWN_DATA))
    document, data = application.context.document, application.window.study_page.data
    slices = data.columns.rows["data.columns.slice"].editor
    assert isinstance(slices, WordsEditor)
    qtbot.waitUntil(lambda: list(slices.chips) == ["text", "label", "customer"], timeout=5000)
    slices.chips["customer"].click()
    data.columns.edited.emit("data.overlap", "drop")
    data.split.edited.emit("data.split.seed", 11)
    qtbot.waitUntil(lambda: document.study.data.split is not None and document.study.data.split.seed == 11)
    assert document.study.data.columns.slice == ["customer"]
    assert document.study.data.overlap == "drop"
    data.split.edited.emit("data.split.time", "customer")
    qtbot.waitUntil(lambda: not data.split.rows["data.split.seed"].shown)  # the newest rows are not drawn


def test_a_file_without_a_word_of_its_split_shows_how_it_is_split(
    qtbot: QtBot, application: Application, tmp_path: Path
) -> None:
    (tmp_path / "rows.csv").write_text("text,label\na,x\nb,y\n", encoding="utf-8")
    unsaid = OWN_DATA.replace(", split: {test: 0.25, calibration: 0.25}", "")
    open_in(qtbot, application, store_of(tmp_path, unsaid))
    document, split = application.context.document, application.window.study_page.data.split
    share = split.rows["data.split.test"].editor
    assert isinstance(share, LineEditor)
    assert share.line.text() == "20"
    split.edited.emit("data.split.test", 0.5)
    qtbot.waitUntil(lambda: document.study.data.split is not None and document.study.data.split.test == 0.5)
    assert document.study.data.split is not None
    assert document.study.data.split.calibration == 0.2


def test_given_splits_take_the_place_of_one_file_and_back(
    qtbot: QtBot, application: Application, tmp_path: Path
) -> None:
    (tmp_path / "rows.csv").write_text("text,label\na,x\nb,y\n", encoding="utf-8")
    (tmp_path / "held.csv").write_text("text,label\nc,x\nd,y\n", encoding="utf-8")
    open_in(qtbot, application, store_of(tmp_path, OWN_DATA))
    document, page = application.context.document, application.window.study_page
    data = page.data
    assert not data.given.isVisibleTo(page)
    data.given.switch_button.click()
    assert data.given.isVisibleTo(page)
    assert page._draft.value("data.files") == {"train": "rows.csv", "calibration": None, "test": None}
    assert data.given.rows["data.files.test"].problem.text() != ""  # whose rows are held out is not made up
    assert page.whole_problem.text() == ""
    data.given.edited.emit("data.files.test", "held.csv")
    qtbot.waitUntil(lambda: document.study.data.files is not None, timeout=5000)
    assert document.study.data.files is not None
    assert document.study.data.files.test == "held.csv"
    assert not data.split.isVisibleTo(page)
    assert document.study.data.columns.target == "label"
    data.given.switch_button.click()
    qtbot.waitUntil(lambda: document.study.data.file == "rows.csv", timeout=5000)
    assert not data.given.isVisibleTo(page)
    assert data.split.isVisibleTo(page)


@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_every_card_of_the_page_has_its_fields_at_the_same_distance(open_study: Application, language: str) -> None:
    open_study.context.preferences.change(language=language)
    wide = [
        row.label.text()
        for form in open_study.window.study_page.findChildren(FieldForm)
        for row in form.rows.values()
        if form.label_width == LABEL_WIDTH and row.label.sizeHint().width() > LABEL_WIDTH
    ]
    assert wide == []
