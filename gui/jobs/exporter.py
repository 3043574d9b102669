"""A candidate's model written for use elsewhere, by a process of its own: it takes a while, and loads torch."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QProcess, Signal

from core.errors import UserError
from core.paths import export_staging
from gui.jobs import process_tree

Command = Callable[[Sequence[str]], list[str]]


def export_command(arguments: Sequence[str]) -> list[str]:
    """The command that exports: study, candidate, format, folder and precision."""
    return [sys.executable, "-m", "core.commands.export_process", *arguments]


class ModelExporter(QObject):
    """One export at a time. `exported` carries the files written, `failed` a UserError, or a RuntimeError with what the
    process said last; `changed` fires when one begins or ends."""

    exported = Signal(object)
    failed = Signal(object)
    changed = Signal()

    def __init__(self, parent: QObject | None = None, command: Command = export_command) -> None:
        super().__init__(parent)
        self._command = command
        self._process: QProcess | None = None
        self._pid = 0
        self._stopped = False
        self._out = Path()

    @property
    def running(self) -> bool:
        """Whether an export is under way."""
        return self._process is not None

    def start(self, study: Path, candidate: str, format_name: str, out: Path, precision: str) -> None:
        """Begin to write; ignored while another export runs."""
        if self._process is not None:
            return
        program, *arguments = self._command([str(study), candidate, format_name, str(out), precision])
        self._stopped, self._out = False, out
        self._process = process = QProcess(self)
        process_tree.own_group(process)
        process.started.connect(self._note_pid)
        process.finished.connect(self._finished)
        process.errorOccurred.connect(self._not_started)
        process.start(program, arguments)
        self.changed.emit()

    def stop(self) -> None:
        """End a running export; nothing of it appears."""
        if self._process is not None and self._pid:
            self._stopped = True
            process_tree.kill(self._pid)

    def _note_pid(self) -> None:
        self._pid = int(self._process.processId()) if self._process is not None else 0

    def _finished(self, _code: int, _status: QProcess.ExitStatus) -> None:
        process, stopped = self._let_go(), self._stopped
        if process is None:
            return
        # A process that was killed, by a stop or by the system, clears nothing away.
        shutil.rmtree(export_staging(self._out), ignore_errors=True)
        if stopped:
            return
        told = _last_line(bytes(process.readAllStandardOutput().data()))
        if "files" in told:
            self.exported.emit([Path(file) for file in told["files"]])
        elif "code" in told:
            self.failed.emit(UserError(told["code"], **told["values"]))
        else:
            error = bytes(process.readAllStandardError().data()).decode("utf-8", "replace").strip().splitlines()
            self.failed.emit(RuntimeError(error[-1] if error else "the export ended without a word"))

    def _not_started(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart and (process := self._let_go()) is not None:
            self.failed.emit(RuntimeError(process.errorString()))

    def _let_go(self) -> QProcess | None:
        process, self._process, self._pid = self._process, None, 0
        if process is not None:
            process.deleteLater()
            self.changed.emit()
        return process


def _last_line(output: bytes) -> dict[str, Any]:
    """The process's last word; empty where it was killed before it said anything."""
    lines = output.decode("utf-8", "replace").strip().splitlines()
    try:
        told = json.loads(lines[-1]) if lines else {}
    except json.JSONDecodeError:
        return {}
    return told if isinstance(told, dict) else {}
