from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot
from window_support import open_in

from core.i18n import catalogue
from core.spec import Suite
from core.store import StudyStore
from core.study_file import load_study
from gui.app import Application
from gui.widgets.fields import FieldKind, FieldSpec
from gui.widgets.suites_card import LIMIT, SHOTS, TASKS, SuitesCard, suites_specs

STUDY = """
version: 1
name: Own data
task: {kind: generation, metric: exact_match}
data: {file: rows.csv, columns: {input: text, target: label}, split: {test: 0.25, calibration: 0.25}}
criteria: {cost: {monthly_requests: 1000}}
profiles: {own: {kind: self_hosted, capex: 6000}}
candidates: [{name: big, role: student, model: {source: hub, id: org/model}}]
suites: [{task: own, include_path: tasks, limit: 7}]
"""


def codes_of(spec: FieldSpec) -> Iterator[str]:
    code = f"field.{spec.path}"
    yield from (code, f"{code}.help")
    if spec.kind is FieldKind.INTEGER:
        yield from (f"{code}.empty", f"gui.unit.{spec.presentation.unit}")


@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_every_field_has_its_words(language: str) -> None:
    words = catalogue(language)
    assert [code for spec in suites_specs() for code in codes_of(spec) if code not in words] == []


@pytest.fixture
def card(qtbot: QtBot, application: Application, tmp_path: Path) -> SuitesCard:
    (tmp_path / "study.yaml").write_text(STUDY, encoding="utf-8")
    loaded = load_study(tmp_path / "study.yaml")
    StudyStore.create(tmp_path / "own.tercet", loaded.study, loaded.base, loaded.text).close()
    open_in(qtbot, application, tmp_path / "own.tercet")
    return application.window.study_page.suites


def test_tasks_are_added_by_name_and_the_others_keep_what_they_say(application: Application, card: SuitesCard) -> None:
    draft = application.window.study_page._draft
    card.form.edited.emit(TASKS, ["own", "arc_easy"])
    card.form.edited.emit(SHOTS, 2)
    assert draft.study is not None
    assert draft.study.suites == [
        Suite(task="own", include_path="tasks", limit=7, num_fewshot=2),
        Suite(task="arc_easy", limit=7, num_fewshot=2),
    ]
    card.form.edited.emit(LIMIT, None)
    card.form.edited.emit(TASKS, ["arc_easy"])
    assert draft.study.suites == [Suite(task="arc_easy", num_fewshot=2)]
    draft.undo_stack.undo()
    assert [suite.task for suite in draft.study.suites] == ["own", "arc_easy"]


def test_a_study_of_classes_alone_offers_no_suites(qtbot: QtBot, open_study: Application) -> None:
    page = open_study.window.study_page
    assert not page.suites.isVisibleTo(page)
    assert not page.retrieval.isVisibleTo(page)
