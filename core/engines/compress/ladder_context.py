"""A job's context within one rung: the training of each rung is one part of the whole ladder's training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from core.domain import Prediction
from core.worker.context import JobContext


class RungContext:
    """Satisfies `JobContext`; steps of a rung are told as steps of all `rungs` together, `done` of which are behind."""

    def __init__(self, context: JobContext, done: int, rungs: int, steps: int) -> None:
        self._context, self._rungs = context, rungs
        self._before, self._steps = done * steps, steps
        self.spec, self.folder = context.spec, context.folder

    def input_folder(self, name: str) -> Path:
        """As the job's context."""
        return self._context.input_folder(name)

    def progress(self, phase: str, step: int, total_steps: int, remaining_s: float | None = None) -> None:
        """Say how far the whole ladder is; what remains of this rung stands for what remains of the others."""
        left = self._rungs * self._steps - self._before - step
        share = None if remaining_s is None or step >= total_steps else remaining_s / (total_steps - step) * left
        self._context.progress(phase, self._before + step, self._rungs * self._steps, share)

    def metric(self, name: str, step: int, value: float) -> None:
        """Add a point to the curve of the whole ladder."""
        self._context.metric(name, self._before + step, value)

    def predictions(self, batch: Sequence[Prediction]) -> None:
        """As the job's context."""
        self._context.predictions(batch)

    def checkpointed(self, step: int, path: Path) -> None:
        """As the job's context."""
        self._context.checkpointed(self._before + step, path)

    def log(self, text: str, level: Literal["debug", "info", "warning", "error"] = "info") -> None:
        """As the job's context."""
        self._context.log(text, level)

    def should_stop(self) -> bool:
        """As the job's context."""
        return self._context.should_stop()

    def started(self, device: str, resumed_step: int = 0) -> None:
        """As the job's context."""
        self._context.started(device, resumed_step)
