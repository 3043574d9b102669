from __future__ import annotations

import pytest
from candidate_documents import candidates, neural_study, valid

from core.study_checks import check_study
from gui.study_edits.lists import added
from gui.study_edits.presets import PRESETS, offered, preset, start_for
from gui.study_edits.required import empty_fields

KIND = "classification"
PROFILES = {"own": {"kind": "self_hosted"}}
TO_FILL_IN = {"language_teacher", "taught", "model", "predictions"}


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_whole_but_for_what_only_the_user_knows(name: str) -> None:
    before = candidates()
    after = added(before, preset(name, before, KIND, PROFILES, before[1]), KIND)
    assert bool(empty_fields({"candidates": after})) == (name in TO_FILL_IN)
    if name == "language_teacher":
        after[-1]["model"]["base_url"] = "https://example.com/v1"
    study = valid(neural_study(), after)
    check_study(study)
    assert len({one.name for one in study.candidates}) == len(before) + 1


def test_a_compressed_version_starts_from_the_chosen_candidate_if_that_can_be() -> None:
    known = candidates()
    assert start_for(known, known[0]) == known[0]
    assert start_for(known, known[2]) == known[1]
    assert start_for(known, None) == known[1]
    assert preset("int8", known, KIND, PROFILES, known[0])["model"]["name"] == "big"


def test_layers_of_a_language_model_are_chosen_by_influence() -> None:
    for kind, way in (("classification", "spacing"), ("generation", "influence"), ("extraction", "influence")):
        for name in ("layers", "sweep"):
            assert preset(name, candidates(), kind, PROFILES)["model"]["chosen_by"] == way


def test_only_jobs_that_make_sense_are_offered() -> None:
    assert "hybrid" not in offered(candidates()[:1], KIND, None)
    assert "layers" not in offered([], KIND, None)
    assert "int8" in offered(candidates(), "generation", None)
    assert "int8" in offered(candidates(), "extraction", None)
    assert "sweep" in offered(candidates(), "generation", None)
    assert {"floor", "hybrid", "layers", "int8", "pruned", "taught"} <= set(offered(candidates(), "multi_label", None))
    assert "sweep" not in offered(candidates(), "multi_label", None)
    assert "seeds" in offered(candidates(), KIND, candidates()[1])
    assert "seeds" not in offered(candidates(), KIND, candidates()[2])


def test_an_endpoint_runs_on_a_vendors_profile_where_there_is_one() -> None:
    profiles = {"own": {"kind": "self_hosted"}, "vendor": {"kind": "api"}}
    assert preset("language_teacher", candidates(), KIND, profiles)["profile"] == "vendor"
    assert preset("floor", [], KIND, profiles)["profile"] == "own"


def test_a_student_names_its_teacher_where_there_are_several() -> None:
    two = added(candidates(), preset("language_teacher", candidates(), KIND, PROFILES), KIND)
    assert preset("layers", two, KIND, PROFILES)["train"]["teacher"] == "big"
    assert preset("layers", candidates(), KIND, PROFILES)["train"]["teacher"] is None
