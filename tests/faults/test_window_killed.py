from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from command_line import environment
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from sample_studies import PREDICTIONS_STUDY, write_predictions
from window_support import FAKE_WORKER, built_application, fake_worker, job_states, open_in

from core.domain import JobState
from core.store import StudyStore
from core.study_file import load_study

WINDOW = """
import sys
from pathlib import Path
from PySide6.QtWidgets import QApplication
from gui.app import build
qt = QApplication([])
application = build(qt)
worker = [sys.executable, sys.argv[2]]
application.queue.command_of = lambda folder: [*worker, str(folder), "wait"]
application.window.show()
application.window.open_at_start(Path(sys.argv[1]), None)
application.context.document.opened.connect(application.queue.start)
application.queue.progressed.connect(lambda job_id: print("running", flush=True))
qt.exec()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is POSIX")
def test_a_killed_window_goes_on_by_itself_when_it_is_opened_again(
    qtbot: QtBot, qapp: QApplication, tmp_path: Path
) -> None:
    for name, share, seed in (("big", 0.9, 1), ("small", 0.7, 2)):
        write_predictions(tmp_path, name, share, seed)
    (tmp_path / "study.yaml").write_text(PREDICTIONS_STUDY, encoding="utf-8")
    loaded, path = load_study(tmp_path / "study.yaml"), tmp_path / "study.tercet"
    StudyStore.create(path, loaded.study, loaded.base, loaded.text).close()

    window = subprocess.Popen(
        [sys.executable, "-c", WINDOW, str(path), str(FAKE_WORKER)],
        stdout=subprocess.PIPE,
        text=True,
        env=environment(QT_QPA_PLATFORM="offscreen"),
    )
    assert window.stdout is not None
    with window.stdout as said:
        assert said.readline().strip() == "running"
        os.kill(window.pid, signal.SIGKILL)
        window.wait()
    with StudyStore.open(path, write=False) as store:
        assert store.jobs()[0].state is JobState.RUNNING

    with built_application(qtbot, qapp) as application:
        application.queue.command_of = fake_worker("succeed")
        began = time.monotonic()
        open_in(qtbot, application, path)
        qtbot.waitUntil(lambda: application.queue.running_job is not None, timeout=5000)
        assert time.monotonic() - began < 5
        assert any("interrupted" in text for text in application.window.message_bar.texts)
        qtbot.waitUntil(lambda: job_states(application) == [JobState.SUCCEEDED] * 4, timeout=60_000)
        assert application.context.document.jobs[0].attempt == 2
