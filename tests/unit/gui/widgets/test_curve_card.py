from __future__ import annotations

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot
from window_support import open_in

from core.i18n import catalogue
from core.store import StudyStore
from core.study_file import load_study
from gui.app import Application
from gui.widgets.curve_card import SEEDS, STUDENT, curve_specs

STUDY = """
version: 1
name: Own data
task: {kind: classification, metric: accuracy}
data: {file: rows.csv}
criteria: {cost: {monthly_requests: 1000}}
profiles: {own: {kind: self_hosted, capex: 6000}}
candidates:
  - {name: floor, role: student, model: {source: baseline, kind: tfidf_linear}}
  - {name: ready, role: student, model: {source: hub, id: org/model}}
"""


@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_every_field_of_the_curve_has_its_words(language: str) -> None:
    words = catalogue(language)
    codes = [f"field.{spec.path}{end}" for spec in curve_specs() for end in ("", ".help")]
    assert [code for code in codes if code not in words] == []


def test_a_trained_student_is_chosen_with_the_default_sizes_and_taken_back(
    qtbot: QtBot, application: Application, tmp_path: Path
) -> None:
    (tmp_path / "study.yaml").write_text(STUDY, encoding="utf-8")
    loaded = load_study(tmp_path / "study.yaml")
    StudyStore.create(tmp_path / "own.tercet", loaded.study, loaded.base, loaded.text).close()
    open_in(qtbot, application, tmp_path / "own.tercet")
    page = application.window.study_page
    card, draft = page.curve, page._draft
    assert card.students == ["floor"]
    card.form.edited.emit(STUDENT, "floor")
    card.form.edited.emit(SEEDS, [1, 2])
    assert draft.study is not None
    plan = draft.study.learning_curve
    assert plan is not None
    assert (plan.student, plan.seeds, plan.shares) == ("floor", [1, 2], [0.125, 0.25, 0.5, 1.0])
    card.form.edited.emit(STUDENT, "")
    assert draft.study.learning_curve is None


def test_a_study_that_trains_nothing_offers_no_curve(open_study: Application) -> None:
    page = open_study.window.study_page
    assert not page.curve.isVisibleTo(page)
