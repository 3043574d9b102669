"""What a worker says: one discriminated union of events, JSON both ways, versioned.

Each event carries its job, its sequence number within the job (1, 2, 3 … across attempts) and the wall-clock time.
A line of `events.jsonl` is one event. The recorder applies each (job, sequence) once.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

EVENT_VERSION = 1


class _Event(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    version: Literal[1] = 1
    job_id: str
    sequence: int
    at: datetime


class Started(_Event):
    """The worker runs. `resumed_step` is the checkpoint's step, 0 on a fresh start."""

    type: Literal["started"] = "started"
    attempt: int
    pid: int
    device: str
    resumed_step: int = 0


class Progress(_Event):
    """How far the job is: `step` of `total_steps` in a named phase, and the seconds that remain, where known."""

    type: Literal["progress"] = "progress"
    phase: str
    step: int
    total_steps: int
    remaining_s: float | None = None


class Metric(_Event):
    """One point of a live curve, such as `loss` at a step."""

    type: Literal["metric"] = "metric"
    name: str
    step: int
    value: float


class PredictionItem(BaseModel):
    """One prediction inside a batch; see `core.domain.Prediction`."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    example_id: str
    output: str | None
    score: float
    confidence: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    latency_ms: float | None = None


class PredictionBatch(_Event):
    """Some of a candidate's outputs."""

    type: Literal["prediction_batch"] = "prediction_batch"
    predictions: tuple[PredictionItem, ...]


class Checkpoint(_Event):
    """A checkpoint is complete on disk at `path`, relative to the job's folder."""

    type: Literal["checkpoint"] = "checkpoint"
    step: int
    path: str


class Log(_Event):
    """One line for the job's log: `text`, in English, and where it is of the catalogues its `code` and `values`.

    A value that is a sentence itself is an object of `code`, `values` and `text`, here and in `Failed`.
    """

    type: Literal["log"] = "log"
    level: Literal["debug", "info", "warning", "error"]
    text: str
    code: str | None = None
    values: dict[str, Any] = {}


class Finished(_Event):
    """The job is done; `result` is the document of its kind (`core.jobs.results`)."""

    type: Literal["finished"] = "finished"
    result: dict[str, Any]


class Failed(_Event):
    """The job ended without its result.

    `state` is `failed`, `cancelled` (asked for) or `interrupted` (resumable: the parent died or a stop was asked).
    `code` and `values` name a message of the catalogues; `text` is its English sentence. `traceback` only for bugs.
    `input_error` marks a refusal of the user's input (exit status 2 of `tercet run` where nothing ran before it).
    """

    type: Literal["failed"] = "failed"
    state: Literal["failed", "cancelled", "interrupted"]
    code: str
    values: dict[str, Any] = {}
    text: str
    traceback: str | None = None
    input_error: bool = False


Event = Annotated[
    Started | Progress | Metric | PredictionBatch | Checkpoint | Log | Finished | Failed,
    Field(discriminator="type"),
]
_ADAPTER: TypeAdapter[Event] = TypeAdapter(Event)


def to_line(event: Event) -> str:
    """The event as one JSON line without its newline; NaN and infinity become null."""
    return _ADAPTER.dump_json(event).decode("utf-8")


def from_line(line: str | bytes) -> Event:
    """The event of one JSON line. Raises pydantic.ValidationError for anything else."""
    return _ADAPTER.validate_json(line)
