"""The least versions that an extra asks for are no lower than what transformers takes."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version
from transformers.utils import import_utils

PROJECT = Path(__file__).parents[3] / "pyproject.toml"


@pytest.mark.parametrize(("extra", "library"), [("engine", "accelerate"), ("engine", "gguf"), ("cuda", "torchao")])
def test_a_library_that_an_extra_installs_is_new_enough_for_transformers(extra: str, library: str) -> None:
    extras = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    (asked,) = (one for one in map(Requirement, extras[extra]) if one.name == library)
    least = min(Version(part.version) for part in asked.specifier)
    assert least >= Version(getattr(import_utils, f"{library.upper()}_MIN_VERSION"))
