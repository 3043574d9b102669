"""Sizes are read from a teacher's files however its family names them; files that say nothing refuse nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from evidence_by_hand import make_study
from tiny_gguf import write_gguf

from core.engines.compress.prune_anatomy import FAMILIES
from core.errors import UserError
from core.jobs.shape_checks import FREE_HEADS, NARROWED_FAMILIES, check_sizes

DISTILBERT = {"n_layers": 6, "hidden_dim": 3072, "n_heads": 12}
T5 = {"num_layers": 6, "d_ff": 1024, "num_heads": 8}
XLNET = {"n_layer": 6, "d_inner": 512, "n_head": 12}
GPT2 = {"n_layer": 12, "n_inner": None, "n_head": 12}


NARROW = {"num_hidden_layers": 4, "intermediate_size": 312}


def check(folder: Path, config: Any, source: str = "teacher", **taken: Any) -> None:
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    study = make_study(
        [
            {"name": "big", "role": "teacher", "model": {"source": "local", "path": str(folder)}},
            {
                "name": "small",
                "role": "student",
                "model": {"source": source, **taken},
                "train": {"method": "distill"},
            },
        ]
    )
    check_sizes(study, study.candidate("small"), "candidates[1]", folder)


@pytest.mark.parametrize(
    ("config", "taken", "named"),
    [
        (DISTILBERT, {"layers": 7}, r"model\.layers: asks for 7 layers, and big has 6"),
        (DISTILBERT, {"layers": 2, "feed_forward": 4000}, r"model\.feed_forward.*3072"),
        (DISTILBERT, {"layers": 2, "heads": 13}, r"model\.heads.*12"),
        (T5, {"layers": 2, "feed_forward": 1025}, r"model\.feed_forward.*1024"),
        (T5, {"layers": 2, "heads": 9}, r"model\.heads.*8"),
        (XLNET, {"layers": 2, "feed_forward": 513}, r"model\.feed_forward.*512"),
        (T5 | {"model_type": "t5"}, {"layers": 2, "heads": 4}, r"model\.heads: .* of t5 models .* fewer layers only"),
        (
            GPT2,
            {"layers": [0, 12]},
            r"model\.layers: asks for layer 12, and the layers of big are numbered from 0 to 11",
        ),
    ],
)
def test_more_than_a_family_of_its_own_names_has_is_refused(
    tmp_path: Path, config: Any, taken: dict[str, Any], named: str
) -> None:
    with pytest.raises(UserError, match=named):
        check(tmp_path, config, **taken)


def test_the_families_that_are_told_before_a_job_are_those_that_it_prunes() -> None:
    assert frozenset(FAMILIES) == NARROWED_FAMILIES
    assert {name for name, family in FAMILIES.items() if family.heads == "free"} == FREE_HEADS


@pytest.mark.parametrize("config", [GPT2, {}, [], "text"])
def test_a_config_that_does_not_say_refuses_nothing(tmp_path: Path, config: Any) -> None:
    check(tmp_path, config, layers=2, feed_forward=100_000)


def test_the_layers_of_a_gguf_teacher_are_counted(tmp_path: Path) -> None:
    write_gguf(tmp_path / "m.gguf", tmp_path / "folder")
    study = make_study(
        [
            {"name": "big", "role": "teacher", "model": {"source": "gguf", "file": "m.gguf"}},
            {"name": "small", "role": "student", "model": {"source": "teacher", "layers": 99}},
        ]
    )
    with pytest.raises(UserError, match=r"model\.layers: asks for 99 layers, and big has \d"):
        check_sizes(study, study.candidate("small"), "candidates[1]", tmp_path)


def test_a_gguf_file_that_is_cut_off_is_left_to_the_job_that_opens_it(tmp_path: Path) -> None:
    (tmp_path / "m.gguf").write_bytes(b"GGUF\x03\x00\x00\x00")
    study = make_study(
        [
            {"name": "big", "role": "teacher", "model": {"source": "gguf", "file": "m.gguf"}},
            {
                "name": "small",
                "role": "student",
                "model": {"source": "teacher", "layers": 99},
                "train": {"method": "distill"},
            },
        ]
    )
    check_sizes(study, study.candidate("small"), "candidates[1]", tmp_path)


def test_a_search_drops_its_own_default_widths_and_refuses_those_that_the_study_names(tmp_path: Path) -> None:
    check(tmp_path, NARROW, source="sweep")
    with pytest.raises(UserError, match=r"model\.feed_forward: asks for 400 neurons.*312"):
        check(tmp_path, NARROW, source="sweep", feed_forward=[None, 400])
