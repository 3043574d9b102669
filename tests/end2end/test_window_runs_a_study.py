from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from sample_studies import PREDICTIONS_STUDY, write_predictions
from window_support import built_application, job_states, open_in

from core.domain import JobState
from core.store import StudyStore
from core.study_file import load_study


def test_real_workers_measure_a_study_from_the_window(qtbot: QtBot, qapp: QApplication, tmp_path: Path) -> None:
    for name, share, seed in (("big", 0.9, 1), ("small", 0.7, 2)):
        write_predictions(tmp_path, name, share, seed)
    (tmp_path / "study.yaml").write_text(PREDICTIONS_STUDY, encoding="utf-8")
    loaded, path = load_study(tmp_path / "study.yaml"), tmp_path / "study.tercet"
    StudyStore.create(path, loaded.study, loaded.base, loaded.text).close()
    with built_application(qtbot, qapp) as application:
        open_in(qtbot, application, path)
        application.window.show_page("runs")
        application.window.pages["runs"].main_button.click()
        qtbot.waitUntil(lambda: job_states(application) == [JobState.SUCCEEDED] * 4, timeout=120_000)
        qtbot.waitUntil(lambda: not application.queue.active)
    with StudyStore.open(path, write=False) as store:
        big, small, _both = store.evidence().candidates
        assert big.test is not None
        assert small.test is not None
        assert big.test.scores.mean() > small.test.scores.mean() > 0.5
