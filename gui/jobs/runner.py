"""One worker process: its event lines as signals; ending it is a ladder of message, grace period, kill."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import ValidationError
from PySide6.QtCore import QObject, QProcess, QProcessEnvironment, QTimer, Signal

from core.events import from_line
from gui.jobs import process_tree

GRACE_MS = 5000
FAILED_TO_START = -1


class JobRunner(QObject):
    """Runs one job's worker. Signals: `spoke` (core.events.Event) for each line, `ended` (exit code) once.

    `variables` are added to the worker's environment. The exit code is negative where the worker was killed or could
    not be started.
    """

    spoke = Signal(object)
    ended = Signal(int)

    def __init__(
        self,
        job_id: str,
        command: Sequence[str],
        error_log: Path | None = None,
        parent: QObject | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(parent)
        self.job_id = job_id
        self._command = list(command)
        self._buffer = b""
        self._process = QProcess(self)
        self._process.setProcessChannelMode(QProcess.ProcessChannelMode.SeparateChannels)
        self._process.setStandardErrorFile(
            str(error_log) if error_log else QProcess.nullDevice(), QProcess.OpenModeFlag.Append
        )
        if variables:
            environment = QProcessEnvironment.systemEnvironment()
            for name, value in variables.items():
                environment.insert(name, value)
            self._process.setProcessEnvironment(environment)
        process_tree.own_group(self._process)
        self._process.readyReadStandardOutput.connect(self._read)
        self._process.finished.connect(self._finished)
        self._process.errorOccurred.connect(self._failed)
        self._pid = 0
        self.killed = False
        """Whether this program killed it."""
        self._process.started.connect(self._note_pid)
        self._grace = QTimer(self)
        self._grace.setSingleShot(True)
        self._grace.timeout.connect(self.kill)

    @property
    def running(self) -> bool:
        """Whether the process is alive."""
        return self._process.state() != QProcess.ProcessState.NotRunning

    def start(self) -> None:
        """Start the worker."""
        self._process.start(self._command[0], self._command[1:])

    def cancel(self, grace_ms: int = GRACE_MS) -> None:
        """Ask the worker to give its job up; after the grace period its process group is killed."""
        self._process.write(b"cancel\n")
        self._grace.start(grace_ms)

    def let_go(self, grace_ms: int = GRACE_MS) -> None:
        """Close the worker's stdin: it writes a checkpoint and ends; after the grace period it is killed."""
        self._process.closeWriteChannel()
        self._grace.start(grace_ms)

    def kill(self) -> None:
        """Kill the worker and everything it started."""
        if self.running and self._pid:
            self.killed = True
            process_tree.kill(self._pid)

    def _note_pid(self) -> None:
        self._pid = int(self._process.processId())

    def _read(self) -> None:
        self._buffer += bytes(self._process.readAllStandardOutput().data())
        *lines, self._buffer = self._buffer.split(b"\n")
        for line in lines:
            self._emit(line)

    def _emit(self, line: bytes) -> None:
        # A line cut short by a kill is no event; the job's events.jsonl, which is fsynced, remains the truth.
        try:
            event = from_line(line)
        except ValidationError:
            return
        self.spoke.emit(event)

    def _finished(self, code: int, status: QProcess.ExitStatus) -> None:
        self._grace.stop()
        self._read()
        self.ended.emit(code if status == QProcess.ExitStatus.NormalExit else -abs(code or 1))

    def _failed(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart:
            self.ended.emit(FAILED_TO_START)
