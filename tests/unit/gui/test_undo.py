from __future__ import annotations

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from core.errors import UserError
from core.study_file import load_study
from gui.undo import WHOLE_STUDY, StudyDraft

BUDGET, REQUESTS = "criteria.cost.monthly_budget", "criteria.cost.monthly_requests"


@pytest.fixture
def draft(qtbot: QtBot, study_file: Path) -> StudyDraft:
    made = StudyDraft()
    made.load(load_study(study_file).study)
    return made


def test_an_edit_can_be_undone_and_redone(draft: StudyDraft) -> None:
    draft.edit(BUDGET, 10.0)
    draft.undo_stack.undo()
    assert draft.value(BUDGET) == 5000.0
    draft.undo_stack.redo()
    assert draft.study is not None
    assert draft.study.criteria.cost.monthly_budget == 10.0


def test_letters_typed_in_one_go_are_undone_together(draft: StudyDraft) -> None:
    for value in (1.0, 12.0, 123.0):
        draft.edit(BUDGET, value)
    draft.seal()
    draft.edit(BUDGET, 7.0)
    assert draft.undo_stack.count() == 2
    draft.undo_stack.undo()
    assert draft.value(BUDGET) == 123.0
    draft.undo_stack.undo()
    assert draft.value(BUDGET) == 5000.0


def test_edits_of_two_fields_are_two_commands(draft: StudyDraft) -> None:
    draft.edit(BUDGET, 1.0)
    draft.edit(REQUESTS, 2.0)
    assert draft.undo_stack.count() == 2


def test_what_does_not_fit_is_named_by_its_path(draft: StudyDraft) -> None:
    draft.edit(REQUESTS, "many")
    draft.edit("criteria.service.min_quality", 1.2)
    assert draft.study is None
    assert set(draft.problems) == {REQUESTS, "criteria.service.min_quality"}


def test_what_no_field_is_to_blame_for_is_told_for_the_whole_study(draft: StudyDraft) -> None:
    twice = draft.value("candidates")
    twice[1]["name"] = twice[0]["name"]
    draft.edit("candidates", twice)
    assert set(draft.problems) == {WHOLE_STUDY}


def test_a_refusal_that_names_a_field_is_told_at_its_path(draft: StudyDraft) -> None:
    candidates = draft.value("candidates")
    candidates[2]["student"] = "nobody"
    draft.edit("candidates", candidates)
    assert set(draft.problems) == {"candidates.2.student"}


def test_an_edit_that_changes_nothing_is_no_command(draft: StudyDraft) -> None:
    draft.edit(BUDGET, 5000.0)
    assert draft.undo_stack.count() == 0


def test_values_handed_out_are_copies(draft: StudyDraft) -> None:
    draft.value("criteria.compliance.data_classes").append("personal")
    assert draft.value("criteria.compliance.data_classes") == []


def test_a_stored_study_with_a_password_in_an_address_is_told_so_at_the_field(draft: StudyDraft) -> None:
    study = draft.study
    assert study is not None
    model = {"source": "endpoint", "base_url": "https://host/v1", "model": "m", "proxy": "http://me:hush@host:3128"}
    held = study.model_dump(mode="json")
    held["candidates"] = [{"name": "big", "role": "teacher", "profile": "vendor", "model": model}]
    draft.load(type(study).model_validate(held, context={"stored": True}))
    assert draft.study is None
    problem = draft.problems["candidates.0.model.proxy"]
    assert isinstance(problem, UserError)
    assert problem.code == "study.proxy_password"
    draft.edit("candidates", [{**held["candidates"][0], "model": {**model, "proxy": "http://me:${PW}@host:3128"}}])
    assert not any("proxy" in path for path in draft.problems)
    draft.edit(
        "candidates", [{**held["candidates"][0], "model": {**model, "proxy": None, "headers": {"api-key": "x"}}}]
    )
    assert draft.study is None
    refusal = draft.problems["candidates.0.model.headers"]
    assert isinstance(refusal, UserError)
    assert refusal.code == "study.header_secret"
