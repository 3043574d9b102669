from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import psutil
import pytest
from pytestqt.qtbot import QtBot

from core.events import Event, Failed, Log
from gui.jobs.runner import FAILED_TO_START, JobRunner

FAKE_WORKER = Path(__file__).resolve().parents[3] / "support" / "fake_worker.py"
SPEC = '{"job_id": "j1", "parameters": {"kind": "benchmark"}}'


def runner_of(folder: Path, behaviour: str) -> tuple[JobRunner, list[Event]]:
    (folder / "spec.json").write_text(SPEC, encoding="utf-8")
    runner = JobRunner("j1", [sys.executable, str(FAKE_WORKER), str(folder), behaviour], folder / "worker.log")
    heard: list[Event] = []
    runner.spoke.connect(heard.append)
    return runner, heard


def kinds(events: Sequence[Event]) -> list[str]:
    return [event.type for event in events]


def test_every_line_becomes_a_typed_event(qtbot: QtBot, tmp_path: Path) -> None:
    runner, heard = runner_of(tmp_path, "succeed")
    with qtbot.waitSignal(runner.ended) as ended:
        runner.start()
    assert ended.args == [0]
    assert kinds(heard)[:2] == ["started", "progress"]
    assert kinds(heard)[-1] == "finished"
    assert [event.sequence for event in heard] == list(range(1, len(heard) + 1))


def test_a_line_cut_short_is_no_event(qtbot: QtBot, tmp_path: Path) -> None:
    runner, heard = runner_of(tmp_path, "torn")
    with qtbot.waitSignal(runner.ended) as ended:
        runner.start()
    assert ended.args == [3]
    assert kinds(heard) == ["started", "progress"]


def test_cancel_asks_the_worker_first(qtbot: QtBot, tmp_path: Path) -> None:
    runner, heard = runner_of(tmp_path, "wait")
    runner.start()
    qtbot.waitUntil(lambda: len(heard) == 2)
    with qtbot.waitSignal(runner.ended):
        runner.cancel()
    last = heard[-1]
    assert isinstance(last, Failed)
    assert last.state == "cancelled"


def test_closing_stdin_lets_the_worker_end_as_interrupted(qtbot: QtBot, tmp_path: Path) -> None:
    runner, heard = runner_of(tmp_path, "wait")
    runner.start()
    qtbot.waitUntil(lambda: len(heard) == 2)
    with qtbot.waitSignal(runner.ended):
        runner.let_go()
    last = heard[-1]
    assert isinstance(last, Failed)
    assert last.state == "interrupted"


@pytest.mark.skipif(sys.platform == "win32", reason="process groups are POSIX")
def test_a_worker_that_does_not_listen_is_killed_with_its_children(qtbot: QtBot, tmp_path: Path) -> None:
    runner, heard = runner_of(tmp_path, "stubborn")
    runner.start()
    qtbot.waitUntil(lambda: any(isinstance(event, Log) for event in heard))
    told = next(event.text for event in heard if isinstance(event, Log))
    child = psutil.Process(int(told.split()[-1]))
    with qtbot.waitSignal(runner.ended, timeout=3000) as ended:
        runner.cancel(grace_ms=50)
    assert ended.args[0] < 0
    psutil.wait_procs([child], timeout=2)
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


def test_a_worker_that_cannot_be_started_ends_at_once(qtbot: QtBot, tmp_path: Path) -> None:
    runner = JobRunner("j1", [str(tmp_path / "not there")])
    with qtbot.waitSignal(runner.ended) as ended:
        runner.start()
    assert ended.args == [FAILED_TO_START]
