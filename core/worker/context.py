"""What a job may say and ask while it runs: status, progress, partial results, and "should I stop?"."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Protocol

from core.domain import Prediction
from core.jobs.specs import JobSpec


class Stopped(Exception):  # noqa: N818 - a wish, not an error
    """Raised by a job that was asked to stop, after it wrote its checkpoint."""


class JobContext(Protocol):
    """The job's side of the worker. Paths of inputs are folders of finished jobs."""

    spec: JobSpec
    folder: Path

    def input_folder(self, name: str) -> Path:
        """The folder of the finished job that the input `name` refers to. Raises KeyError where there is none."""

    def progress(self, phase: str, step: int, total_steps: int, remaining_s: float | None = None) -> None:
        """Say how far a phase is; throttled, so call it at every step. `phase` is a code, `phase.…`."""

    def metric(self, name: str, step: int, value: float) -> None:
        """Add a point to a live curve."""

    def predictions(self, batch: Sequence[Prediction]) -> None:
        """Hand over some predictions: durable once this returns."""

    def checkpointed(self, step: int, path: Path) -> None:
        """Say that a checkpoint is complete on disk."""

    def log(self, text: str, level: Literal["debug", "info", "warning", "error"] = "info") -> None:
        """Add a line to the job's log. Word it with `core.i18n.english`, by which the window tells it in its language:
        a text put together from several sentences is English alone."""

    def should_stop(self) -> bool:
        """Whether to write a checkpoint and raise `Stopped` at the next safe point."""

    def started(self, device: str, resumed_step: int = 0) -> None:
        """Say on which device the work runs and at which step it goes on. Call once, before the first step."""
