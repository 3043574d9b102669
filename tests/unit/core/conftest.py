"""Small studies that every core test can start from."""

from __future__ import annotations

from pathlib import Path

import pytest
from sample_studies import PREDICTIONS_STUDY, write_predictions

from core.study_file import LoadedStudy, load_study


@pytest.fixture
def predictions_study(tmp_path: Path) -> LoadedStudy:
    """A study of two imported candidates and their hybrid; needs no model."""
    write_predictions(tmp_path, "big", 0.95, 1)
    write_predictions(tmp_path, "small", 0.8, 2)
    path = tmp_path / "study.yaml"
    path.write_text(PREDICTIONS_STUDY, encoding="utf-8")
    return load_study(path)
