"""A job's context within one of its parts: a trial of a search, a round of a stream; with a folder of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from core.domain import Prediction
from core.worker.context import JobContext

_TICKS = 1000


class PartContext:
    """Satisfies `JobContext`: part `done` + 1 of `parts`, told as progress of the whole job in the phase `phase`.

    Its files lie in `folder`, below the job's, and bear an id of their own. A part's curves and chatter stay with it;
    its warnings are passed on.
    """

    def __init__(self, context: JobContext, folder: Path, phase: str, done: int, parts: int) -> None:
        self._context, self._phase = context, phase
        self._done, self._parts = done, parts
        self.folder = folder
        self.spec = context.spec.model_copy(update={"job_id": f"{context.spec.job_id}/{folder.name}"})
        folder.mkdir(parents=True, exist_ok=True)

    def input_folder(self, name: str) -> Path:
        """As the job's context."""
        return self._context.input_folder(name)

    def progress(self, phase: str, step: int, total_steps: int, remaining_s: float | None = None) -> None:
        """Say how far the whole job is; what remains of this part stands for what remains of the others."""
        share = step / max(1, total_steps)
        others = self._parts - self._done - 1
        left = None if remaining_s is None or share >= 1.0 else remaining_s * (1.0 + others / (1.0 - share))
        self._context.progress(self._phase, int((self._done + share) * _TICKS), self._parts * _TICKS, left)

    def metric(self, name: str, step: int, value: float) -> None:
        """Nothing: curves of many parts in one plot say little."""

    def predictions(self, batch: Sequence[Prediction]) -> None:
        """As the job's context."""
        self._context.predictions(batch)

    def checkpointed(self, step: int, path: Path) -> None:
        """As the job's context; the step is the part's."""
        self._context.checkpointed(step, path)

    def log(self, text: str, level: Literal["debug", "info", "warning", "error"] = "info") -> None:
        """Pass on what is more than chatter."""
        if level in ("warning", "error"):
            self._context.log(text, level)

    def should_stop(self) -> bool:
        """As the job's context."""
        return self._context.should_stop()

    def started(self, device: str, resumed_step: int = 0) -> None:
        """Nothing: the job has started already."""
