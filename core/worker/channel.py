"""The worker's line to its parent: events to the log file and stdout, stop messages from stdin."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Literal

from core.domain import Prediction
from core.events import (
    Checkpoint,
    Event,
    Failed,
    Finished,
    Log,
    Metric,
    PredictionBatch,
    PredictionItem,
    Progress,
    Started,
    from_line,
    to_line,
)
from core.i18n import Sentence, stored_values
from core.jobs.folder import EVENTS_FILE
from core.jobs.specs import JobSpec

_PROGRESS_INTERVAL_S = 0.2
# What is lost if these are not on disk when the machine goes down cannot be had again.
_DURABLE = (PredictionBatch, Checkpoint, Finished, Failed)


class EventChannel:
    """Numbers events and writes each as one line, to `events.jsonl` and to the parent."""

    def __init__(self, job_id: str, folder: Path, mirror: IO[bytes] | None) -> None:
        self._job_id = job_id
        self._mirror = mirror
        self._lock = threading.Lock()
        path = folder / EVENTS_FILE
        self.attempt, self._sequence = _resume(path)
        self._file = path.open("ab")

    def send(self, make: Callable[..., Event], **fields: Any) -> None:
        """Write one event; on disk when this returns if it is a result. Raises OSError where it cannot be written."""
        with self._lock:
            event = make(job_id=self._job_id, sequence=self._sequence + 1, at=datetime.now(UTC), **fields)
            line = to_line(event).encode("utf-8") + b"\n"
            self._file.write(line)
            self._file.flush()
            if isinstance(event, _DURABLE):
                os.fsync(self._file.fileno())
            self._sequence += 1
            if self._mirror is not None:
                self._tell_parent(line)

    def _tell_parent(self, line: bytes) -> None:
        try:
            if self._mirror is not None:
                self._mirror.write(line)
                self._mirror.flush()
        except OSError:
            # The parent is gone; the log file holds everything, and the end of stdin stops the job.
            self._mirror = None

    def close(self) -> None:
        """Let go of the log file."""
        self._file.close()


def _resume(path: Path) -> tuple[int, int]:
    """This attempt's number and the last sequence number in the log; a torn last line is cut off."""
    if not path.exists():
        return 1, 0
    data = path.read_bytes()
    whole = data[: data.rfind(b"\n") + 1]
    if len(whole) != len(data):
        with path.open("r+b") as file:
            file.truncate(len(whole))
    attempts, sequence = 0, 0
    for line in whole.splitlines():
        try:
            event = from_line(line)
        except ValueError:
            continue
        sequence = max(sequence, event.sequence)
        attempts = max(attempts, event.attempt) if isinstance(event, Started) else attempts
    return attempts + 1, sequence


class StopWatch:
    """Whether this process was asked to stop: `cancel` on stdin, or the end of stdin when the parent died."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self.cancelled = False
        self._thread = threading.Thread(target=self._listen, name="stop-listener", daemon=True)

    def start(self) -> None:
        """Listen from now on."""
        self._thread.start()

    def asked(self) -> bool:
        """Whether a stop was asked for."""
        return self._stop.is_set()

    def _listen(self) -> None:
        # os.read, not sys.stdin: a buffered reader that is still waiting would deadlock the interpreter's exit.
        descriptor = sys.__stdin__.fileno() if sys.__stdin__ is not None else -1
        pending = b""
        while descriptor >= 0:
            try:
                data = os.read(descriptor, 4096)
            except OSError:
                data = b""
            pending += data
            if b"cancel" in pending:
                self.cancelled = True
            if not data or self.cancelled:
                break
        self._stop.set()


class WorkerContext:
    """What a job sees of the worker (`core.worker.context.JobContext`)."""

    def __init__(self, spec: JobSpec, folder: Path, channel: EventChannel, stop: StopWatch) -> None:
        self.spec = spec
        self.folder = folder
        self._channel = channel
        self._stop = stop
        self._last_progress = (-1e9, "")
        self.step = 0
        self.total_steps = 0

    def input_folder(self, name: str) -> Path:
        """The folder of the finished job that the input refers to. Raises KeyError."""
        return self.folder.parent / self.spec.inputs[name]

    def started(self, device: str, resumed_step: int = 0) -> None:
        """Say on which device the work runs and at which step it goes on."""
        self._channel.send(
            Started, attempt=self._channel.attempt, pid=os.getpid(), device=device, resumed_step=resumed_step
        )

    def progress(self, phase: str, step: int, total_steps: int, remaining_s: float | None = None) -> None:
        """Say how far a phase is, at most five times a second."""
        self.step, self.total_steps = step, total_steps
        moment, last_phase = self._last_progress
        now = time.monotonic()
        if phase == last_phase and step < total_steps and now - moment < _PROGRESS_INTERVAL_S:
            return
        self._last_progress = (now, phase)
        self._channel.send(Progress, phase=phase, step=step, total_steps=total_steps, remaining_s=remaining_s)

    def metric(self, name: str, step: int, value: float) -> None:
        """Add a point to a live curve."""
        self._channel.send(Metric, name=name, step=step, value=value)

    def predictions(self, batch: Sequence[Prediction]) -> None:
        """Hand over some predictions."""
        items = tuple(PredictionItem(**vars(prediction)) for prediction in batch)
        self._channel.send(PredictionBatch, predictions=items)

    def checkpointed(self, step: int, path: Path) -> None:
        """Say that a checkpoint is complete on disk."""
        self._channel.send(Checkpoint, step=step, path=path.relative_to(self.folder).as_posix())

    def log(self, text: str, level: Literal["debug", "info", "warning", "error"] = "info") -> None:
        """Add a line to the job's log, with what tells it in other languages where `english` or an error said it."""
        if isinstance(text, Sentence):
            values = stored_values(text.values)
            self._channel.send(Log, level=level, text=str(text), code=text.code, values=values)
        else:
            self._channel.send(Log, level=level, text=text)

    def should_stop(self) -> bool:
        """Whether to write a checkpoint and raise `Stopped`."""
        return self._stop.asked()
