"""Exports from the window: what the process says last is what came of it, and a stop leaves no word."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil
from pytestqt.qtbot import QtBot

from core.errors import UserError
from gui.jobs.exporter import Command, ModelExporter, export_command


def saying(script: str) -> Command:
    return lambda arguments: [sys.executable, "-c", script, *arguments]


def begun(command: Command, study: str = "s.tercet") -> ModelExporter:
    exporter = ModelExporter(None, command)
    exporter.start(Path(study), "small", "onnx", Path("out"), "f16")
    return exporter


def test_the_files_of_an_export_are_told(qtbot: QtBot) -> None:
    script = "import json, sys; print('torch says hello'); print(json.dumps({'files': sys.argv[1:]}))"
    exporter = begun(saying(script))
    assert exporter.running
    with qtbot.waitSignal(exporter.exported, timeout=60_000) as told:
        pass
    assert told.args == [[Path(part) for part in ("s.tercet", "small", "onnx", "out", "f16")]]
    assert not exporter.running


def test_what_the_process_died_of_is_told(qtbot: QtBot) -> None:
    exporter = begun(saying("raise MemoryError('too much')"))
    with qtbot.waitSignal(exporter.failed, timeout=60_000) as told:
        pass
    assert "too much" in str(told.args[0])


def test_a_program_that_is_not_there_is_told(qtbot: QtBot) -> None:
    exporter = ModelExporter(None, lambda arguments: ["/no/such/python", *arguments])
    with qtbot.waitSignal(exporter.failed, timeout=60_000):
        exporter.start(Path("s"), "small", "onnx", Path("out"), "f16")
    assert not exporter.running


def test_a_stopped_export_ends_without_a_word(qtbot: QtBot) -> None:
    exporter = begun(saying("import time; time.sleep(600)"))
    heard: list[Any] = []
    exporter.exported.connect(heard.append)
    exporter.failed.connect(heard.append)
    qtbot.waitUntil(lambda: exporter._pid > 0, timeout=60_000)
    pid = exporter._pid
    with qtbot.waitSignal(exporter.changed, timeout=60_000):
        exporter.stop()
    assert not exporter.running
    qtbot.waitUntil(lambda: not psutil.pid_exists(pid), timeout=60_000)
    assert heard == []


def test_a_stopped_export_leaves_nothing_half_made_in_the_users_folder(qtbot: QtBot, tmp_path: Path) -> None:
    half = tmp_path / ".partial-export" / "model.safetensors"
    script = "import pathlib, sys, time; p = pathlib.Path(sys.argv[1]); p.parent.mkdir(); p.touch(); time.sleep(600)"
    exporter = ModelExporter(None, lambda _arguments: [sys.executable, "-c", script, str(half)])
    exporter.start(Path("s"), "small", "safetensors", tmp_path, "f16")
    qtbot.waitUntil(half.exists, timeout=60_000)
    with qtbot.waitSignal(exporter.changed, timeout=60_000):
        exporter.stop()
    qtbot.waitUntil(lambda: list(tmp_path.iterdir()) == [], timeout=60_000)


def test_a_refusal_of_the_real_process_arrives_as_one(qtbot: QtBot, tmp_path: Path) -> None:
    exporter = begun(export_command, str(tmp_path / "none.tercet"))
    with qtbot.waitSignal(exporter.failed, timeout=30_000) as told:
        pass
    (error,) = told.args
    assert isinstance(error, UserError)
    assert "none.tercet" in error.text


def test_a_second_export_waits_for_nobody_and_is_ignored(qtbot: QtBot) -> None:
    asked: list[Sequence[str]] = []

    def command(arguments: Sequence[str]) -> list[str]:
        asked.append(arguments)
        return [sys.executable, "-c", "import time; time.sleep(600)"]

    exporter = begun(command)
    exporter.start(Path("s"), "other", "gguf", Path("out"), "f32")
    assert len(asked) == 1
    qtbot.waitUntil(lambda: exporter._pid > 0, timeout=60_000)
    with qtbot.waitSignal(exporter.changed, timeout=60_000):
        exporter.stop()
