from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from core.data.fingerprint import fingerprint
from core.jobs.specs import PrepareParameters
from core.spec import Columns, PredictionColumns, PredictionsModel, SplitPlan, Task


@dataclass
class RecordingContext:
    """A job context that keeps what it was told."""

    folder: Path
    stop_at: str | None = None
    phases: list[str] = field(default_factory=list)
    device: str | None = None
    warnings: list[str] = field(default_factory=list)

    def started(self, device: str, resumed_step: int = 0) -> None:
        self.device = device

    def progress(self, phase: str, step: int, total_steps: int, remaining_s: float | None = None) -> None:
        self.phases.append(phase)

    def log(self, text: str, level: str = "info") -> None:
        if level == "warning":
            self.warnings.append(text)

    def should_stop(self) -> bool:
        return self.phases[-1] == self.stop_at


@pytest.fixture
def context(tmp_path: Path) -> RecordingContext:
    return RecordingContext(tmp_path)


Write = Callable[[str, str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_file(name: str, content: str) -> Path:
        path = tmp_path / name
        path.write_text(content, encoding="utf-8")
        return path

    return write_file


Parameters = Callable[..., PrepareParameters]


@pytest.fixture
def parameters() -> Parameters:
    """Prepare parameters of a classification study with the columns text and label, changed as asked."""

    def build(
        file: Path | None = None,
        files: dict[str, Path] | None = None,
        predictions: dict[Path, PredictionColumns] | None = None,
        **changes: object,
    ) -> PrepareParameters:
        values: dict[str, object] = {
            "task": Task(kind="classification", metric="accuracy"),
            "columns": Columns(input="text", target="label"),
            "split": SplitPlan() if file is not None else None,
            "overlap": "refuse",
            "needs_train": False,
            "set_calibration_aside": False,
            "file": None if file is None else fingerprint(file),
            "files": {split: fingerprint(path) for split, path in (files or {}).items()},
            "predictions": [fingerprint(path) for path in predictions or {}],
            "prediction_columns": [
                PredictionsModel(source="predictions", file=str(path), columns=columns)
                for path, columns in (predictions or {}).items()
            ],
        }
        return PrepareParameters.model_validate(values | changes)

    return build
