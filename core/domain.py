"""Frozen value types, enums and units that every part of core shares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

RIGHT_FROM = 0.5
"""A score from here on counts as a right answer: scores are 0 or 1 for most metrics, and fractional for some."""


class Role(StrEnum):
    """What a candidate is in the question that the study asks."""

    TEACHER = "teacher"
    STUDENT = "student"
    HYBRID = "hybrid"


class Split(StrEnum):
    """Which part of the dataset an example belongs to."""

    TRAIN = "train"
    CALIBRATION = "calibration"
    TEST = "test"


class JobKind(StrEnum):
    """One unit of long work. `prepare` reads and splits the data, `profile` says what the data itself allows; the
    others are named as the design names them."""

    PREPARE = "prepare"
    PROFILE = "profile"
    FINE_TUNE = "fine_tune"
    DISTILL = "distill"
    COMPRESS = "compress"
    LABEL = "label"
    SWEEP = "sweep"
    BENCHMARK = "benchmark"
    CHECK = "check"
    JUDGE = "judge"
    LOAD = "load"
    ROUTE = "route"
    INDEX = "index"
    SUITE = "suite"


class JobState(StrEnum):
    """Where a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"


class Gate(StrEnum):
    """What can exclude a candidate from the recommendation."""

    COMPLIANCE = "compliance"
    QUALITY = "quality"
    LATENCY = "latency"
    BUDGET = "budget"
    MEMORY = "memory"
    MODALITY = "modality"


class PolicyKind(StrEnum):
    """How a hybrid decides which request goes to the teacher."""

    CASCADE = "cascade"
    ROUTER = "router"


class Verdict(StrEnum):
    """What the evaluation says of a policy."""

    RECOMMENDED = "recommended"
    NO_LEARNED_ROUTER = "no learned router"
    INCONCLUSIVE = "inconclusive"


class Choice(StrEnum):
    """The answer of a recommendation."""

    TEACHER = "teacher"
    STUDENT = "student"
    HYBRID = "hybrid"
    NONE = "none"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True)
class Picture:
    """A picture beside a row's text: an address, or the path of a file and the SHA-256 of its content."""

    place: str
    sha256: str | None = None

    @property
    def identity(self) -> str:
        """What it shows, wherever the file lies."""
        return self.place if self.sha256 is None else f"sha256:{self.sha256}"


@dataclass(frozen=True)
class Example:
    """One row of the user's task data. `example_id` is unique within the dataset; `group` never spans two splits.

    `fields` are the cells of the columns that the task's prompt names, of the context, and of the column that names the
    document which answers the row, as (column, value). `shown` are the pictures of answered examples that stand in
    `input` where that is a whole message. `group_values` are the filled cells of the columns that keep rows together,
    as (column, value).
    """

    example_id: str
    split: Split
    group: str
    input: str
    target: str
    slices: tuple[tuple[str, str], ...] = ()
    fields: tuple[tuple[str, str], ...] = ()
    picture: Picture | None = None
    shown: tuple[Picture, ...] = ()
    group_values: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Prediction:
    """One candidate's output on one example.

    `score` is its quality on that example, 0 to 1. `confidence` is the candidate's own probability that the output
    is right, where it gives one. Tokens and latency are null where they were not measured.
    """

    example_id: str
    output: str | None
    score: float
    confidence: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    latency_ms: float | None = None


@dataclass(frozen=True)
class Answer:
    """What one candidate said of an example. A hybrid's names the candidate that `answered`, and has no figures of its
    own: its two paths are timed and priced apart."""

    prediction: Prediction
    answered: str | None = None


@dataclass(frozen=True)
class ComparedExample:
    """One test row with the answers of the candidates that were asked for, in their order; null where there is none.

    `ordinal` is its place in the dataset, from 0.
    """

    example: Example
    ordinal: int
    answers: tuple[Answer | None, ...]


@dataclass(frozen=True)
class JobRow:
    """One job as stored. `progress` runs from 0 to 1; `remaining_s` is the worker's own estimate in seconds."""

    job_id: str
    kind: JobKind
    candidates: tuple[str, ...]
    state: JobState
    position: int
    attempt: int
    progress: float
    step: int
    total_steps: int
    phase: str | None
    remaining_s: float | None
    message_code: str | None
    message_values: dict[str, Any]
    message_text: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    superseded: bool
    depends_on: tuple[str, ...]


@dataclass(frozen=True)
class MetricPoint:
    """One point of a live curve of a job, such as the training loss at a step."""

    name: str
    step: int
    value: float


@dataclass(frozen=True)
class LogLine:
    """One line of a job's log: `text` in English, and what tells it in other languages, where that is known."""

    sequence: int
    at: datetime
    level: str
    text: str
    code: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
