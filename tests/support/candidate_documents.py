"""Candidates as a study's document under edit holds them."""

from __future__ import annotations

from typing import Any

import yaml
from sample_studies import NEURAL_STUDY

from core.spec import Study

Document = dict[str, Any]


def neural_study() -> Document:
    """A study with a teacher, a distilled student, its 8-bit version, a floor and a hybrid, in full."""
    return Study.model_validate(yaml.safe_load(NEURAL_STUDY)).model_dump(mode="json")


def candidates() -> list[Document]:
    """The candidates of that study: big, small, small-int8, floor, both."""
    found: list[Document] = neural_study()["candidates"]
    return found


def valid(document: Document, with_candidates: list[Document]) -> Study:
    """The study with other candidates. Raises ValidationError where it is none."""
    return Study.model_validate({**document, "candidates": with_candidates})
