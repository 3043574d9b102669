"""A job's context that remembers what it is told, and stops when it is asked to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from core.domain import Prediction
from core.jobs.specs import JobSpec, Parameters


@dataclass
class RecordingContext:
    """Satisfies `core.worker.context.JobContext`. `stop_when` is asked with this context at every step."""

    spec: JobSpec
    folder: Path
    folders: Mapping[str, Path]
    stop_when: Callable[[RecordingContext], bool] = lambda context: False
    phases: list[tuple[str, int, int]] = field(default_factory=list)
    metrics: list[tuple[str, int, float]] = field(default_factory=list)
    logs: list[str] = field(default_factory=list)
    checkpoints: list[int] = field(default_factory=list)
    starts: list[tuple[str, int]] = field(default_factory=list)
    sent: list[Prediction] = field(default_factory=list)

    def input_folder(self, name: str) -> Path:
        return self.folders[name]

    def progress(self, phase: str, step: int, total_steps: int, remaining_s: float | None = None) -> None:
        assert self.starts, "progress before started"
        self.phases.append((phase, step, total_steps))

    def metric(self, name: str, step: int, value: float) -> None:
        self.metrics.append((name, step, value))

    def predictions(self, batch: Sequence[Prediction]) -> None:
        self.sent.extend(batch)

    def checkpointed(self, step: int, path: Path) -> None:
        assert path.is_relative_to(self.folder)
        self.checkpoints.append(step)

    def log(self, text: str, level: Literal["debug", "info", "warning", "error"] = "info") -> None:
        self.logs.append(text)

    def should_stop(self) -> bool:
        return self.stop_when(self)

    def started(self, device: str, resumed_step: int = 0) -> None:
        assert not self.starts, "started twice"
        self.starts.append((device, resumed_step))

    def steps(self, phase: str) -> int:
        """The last step that was told of a phase; 0 before the first."""
        return max((step for name, step, _ in self.phases if name == phase), default=0)


def job_context(
    folder: Path,
    parameters: Parameters,
    folders: Mapping[str, Path],
    stop_when: Callable[[RecordingContext], bool] = lambda context: False,
) -> RecordingContext:
    """A context for `parameters` that works in `folder`, whose inputs are `folders`."""
    folder.mkdir(parents=True, exist_ok=True)
    spec = JobSpec(job_id="job-under-test", parameters=parameters, inputs={name: name for name in folders})
    return RecordingContext(spec, folder, folders, stop_when)
