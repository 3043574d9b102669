"""The application as `gui.app` builds it, on the offscreen platform, and studies to open in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from sample_studies import PREDICTIONS_STUDY, write_predictions
from window_support import built_application, open_in

from core.store import StudyStore
from core.study_file import load_study
from gui.app import Application


@pytest.fixture
def application(qtbot: QtBot, qapp: QApplication) -> Iterator[Application]:
    """The application with no study open, its window not shown."""
    with built_application(qtbot, qapp) as built:
        yield built


@pytest.fixture
def study_file(tmp_path: Path) -> Path:
    """A YAML study of two imported candidates and their hybrid: four jobs."""
    write_predictions(tmp_path, "big", 0.9, 1)
    write_predictions(tmp_path, "small", 0.7, 2)
    path = tmp_path / "study.yaml"
    path.write_text(PREDICTIONS_STUDY, encoding="utf-8")
    return path


@pytest.fixture
def stored_study(study_file: Path) -> Path:
    """The same study as a `.tercet` file in which nothing has run."""
    loaded = load_study(study_file)
    path = study_file.with_name("study.tercet")
    StudyStore.create(path, loaded.study, loaded.base, loaded.text).close()
    return path


@pytest.fixture
def open_study(qtbot: QtBot, application: Application, stored_study: Path) -> Application:
    """The application with the stored study open and its window shown."""
    open_in(qtbot, application, stored_study)
    return application
