from __future__ import annotations

import pytest
from candidate_documents import candidates
from form_support import missing_words
from pydantic import BaseModel

from core.spec import Candidate, Dynamic, Lora, PredictionColumns, Prune, Stage, Train
from gui.study_edits.edits import changed
from gui.study_edits.shapes import MODELS
from gui.widgets.candidate_fields import (
    SECTIONS,
    narrowed_choices,
    path_in_candidate,
    section_specs,
    shown_fields,
    stage_fields,
    step_choices,
    step_fields,
)
from gui.widgets.fields import FieldSpec

KIND = "classification"


def all_specs() -> list[FieldSpec]:
    specs = [spec for section in SECTIONS for spec in section_specs(section)]
    inner = [*step_fields().values(), *stage_fields().values()]
    return [*specs, *(spec for fields in inner for spec in fields)]


@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_every_field_has_its_words(language: str) -> None:
    assert missing_words(all_specs(), language) == []


def fields_in(model: type[BaseModel], prefix: str, left_out: tuple[str, ...] = ()) -> set[str]:
    return {f"{prefix}{name}" for name in model.model_fields if name not in left_out}


def test_every_field_of_the_study_file_can_be_edited() -> None:
    reachable = {spec.path.removeprefix("candidate.") for spec in all_specs()}
    wanted = fields_in(Candidate, "", ("model", "train")) | fields_in(Train, "train.")
    wanted |= fields_in(Lora, "train.lora.") | fields_in(Dynamic, "train.dynamic.") | fields_in(Stage, "train.stages.")
    wanted |= fields_in(Prune, "compress.") | fields_in(PredictionColumns, "model.predictions.columns.")
    for source, model in MODELS.items():
        wanted |= fields_in(model, f"model.{source}.", ("source", "columns"))
    assert wanted - reachable == set()


def shown(place: int, section: str, kind: str = KIND) -> list[str]:
    fields = shown_fields(section, candidates()[place], kind)
    return [path.removeprefix("candidate.") for path in (*fields.common, *fields.other)]


def test_a_hybrid_shows_its_parts_and_no_model() -> None:
    assert shown(4, "parts") == ["teacher", "student", "policies"]
    assert shown(4, "model") == shown(4, "train") == shown(4, "compress") == []


def test_a_model_that_is_ready_shows_no_options_of_training() -> None:
    assert shown(2, "train") == ["train.method"]


def test_options_of_distillation_stand_with_a_teacher_only() -> None:
    assert "train.temperature" in shown(1, "train")
    assert "train.temperature" not in shown(0, "train")


def test_options_of_language_models_stand_in_studies_of_generation_only() -> None:
    assert "train.top_k" not in shown(1, "train")
    assert "train.top_k" in shown(1, "train", "generation")
    assert "train.dynamic" not in shown(1, "train", "generation")


def test_a_search_of_language_models_shows_depths_first_and_nothing_that_it_knows_nothing_of() -> None:
    search = changed(candidates(), 1, "model.source", "sweep", "generation")
    fields = shown_fields("model", search[1], "generation")
    assert fields.common[-1] == "candidate.model.sweep.layers"
    assert "candidate.model.sweep.temperature" in fields.other
    assert "candidate.model.sweep.trim_vocabulary" not in fields.other
    in_text = changed(search, 1, "train.technique", "sequence", "generation")[1]
    assert "candidate.model.sweep.temperature" not in shown_fields("model", in_text, "generation").other
    assert narrowed_choices("candidate.train.technique", "sweep", "generation") == ("auto", "soft_labels", "sequence")


def test_a_floor_shows_nothing_that_it_knows_nothing_of() -> None:
    assert shown(3, "train") == ["train.method", "train.seeds", "train.seed", "train.weighted"]
    assert shown(3, "compress") == []


def test_parts_of_an_adapter_stand_below_its_switch() -> None:
    with_adapter = changed(candidates(), 1, "train.lora", True, KIND)[1]
    other = shown_fields("train", with_adapter, KIND).other
    place = other.index("candidate.train.lora")
    assert other[place + 1] == "candidate.train.lora.rank"


def test_nothing_is_done_to_quantised_weights() -> None:
    assert step_choices(KIND, candidates()[2]) == []
    assert "prune" in step_choices(KIND, candidates()[1])
    assert "int8_static" not in step_choices("generation", candidates()[1])


def test_the_source_is_no_part_of_a_fields_place_in_its_candidate() -> None:
    assert path_in_candidate("candidate.model.predictions.columns.id") == "model.columns.id"
    assert path_in_candidate("candidate.model.source") == "model.source"
    assert path_in_candidate("candidate.train.lora.rank") == "train.lora.rank"


def test_a_language_model_s_activations_are_quantised_as_they_come() -> None:
    assert [name for name in step_choices("generation", {}) if "int" in name] == ["int8_dynamic", "int4"]
    assert {"int4", "int8_dynamic"} <= set(step_choices("classification", {}))


def test_what_prunes_may_name_the_teacher_of_its_recovery() -> None:
    ready = {"name": "p", "role": "student", "model": {"source": "local", "path": "m"}, "compress": [{"prune": 0.3}]}
    fields = shown_fields("train", ready, "classification")
    assert "candidate.train.teacher" in (*fields.common, *fields.other)
