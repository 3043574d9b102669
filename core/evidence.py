"""Evidence: the frozen rows of one study, as `decide`, `charts` and `report` see them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from core.domain import FloatArray, JobRow
from core.jobs.results import (
    BenchmarkResult,
    CheckResult,
    CompressResult,
    JudgeResult,
    LabelResult,
    LoadResult,
    PrepareResult,
    ProfileResult,
    RouteResult,
    SuiteResult,
    SweepResult,
    TrainResult,
)
from core.spec import Study


@dataclass(frozen=True, eq=False)
class ScoredRows:
    """A candidate's predictions of one split, aligned row by row with `example_ids`.

    `scores` are 0 to 1, shape (rows,). `confidence`, `input_tokens`, `output_tokens` and `latency_ms` have the same
    shape, with NaN where a row lacks the figure, or are null where every row does. `weights` is how much each row
    counts, of the same shape with mean 1; null means all alike, and for test rows, whose weights `TestRows` holds.
    `job` is the id of the job that measured them, null where none did: what tells models apart that answer alike.
    """

    example_ids: tuple[str, ...]
    scores: FloatArray
    outputs: tuple[str | None, ...]
    confidence: FloatArray | None
    input_tokens: FloatArray | None
    output_tokens: FloatArray | None
    latency_ms: FloatArray | None
    weights: FloatArray | None = None
    job: str | None = None


@dataclass(frozen=True, eq=False)
class TestRows:
    """The held-out examples that every candidate was measured on: ids, groups, inputs, targets and slices, aligned.

    `weights` is how much each row counts, shape (rows,) with mean 1; null means all alike.
    """

    __test__ = False  # pytest would otherwise collect a class of this name

    example_ids: tuple[str, ...]
    groups: tuple[str, ...]
    inputs: tuple[str, ...]
    targets: tuple[str, ...]
    slices: tuple[tuple[tuple[str, str], ...], ...]
    weights: FloatArray | None = None


@dataclass(frozen=True, eq=False)
class CurvePoint:
    """One size of a student's learning curve: how many train rows each of its `seeds` learnt from, a mean over seeds
    whose groups differ in size, and what each answered to the test rows."""

    rows: int
    seeds: tuple[int, ...]
    runs: tuple[ScoredRows, ...]


@dataclass(frozen=True, eq=False)
class CandidateEvidence:
    """What is known of one candidate: null where its jobs are not done. A hybrid has `route` and no rows of its own.

    Where the study trains it with several seeds, `seed_rows` holds the test rows of each seed in `seeds` that is
    measured, in the study's order, and `seeds_planned` counts all of them; else both are empty. Everything else is of
    the first seed that is measured. `baseline_test` are the test rows of the same student trained on the targets alone.
    `uncompressed` is the benchmark, with its test rows, of what the candidate compresses itself, by the same seed.
    `load` is how it bore many requests at once. `label` is what its teacher was asked, `stages` are its assistants,
    `sweep` is the search that found it.
    `making_seconds` are of the other jobs that its model took (stages, a search, what a dynamic student started from),
    as (job id, seconds). `suites` are the tasks of lm-eval that it was measured on.
    `curve` are the sizes of its learning curve whose trainings are all measured, ascending, of `curve_planned`.
    `judging` is how the answers of `test` got their scores, where a job of its own gave them,
    `checking` what the checks of the answers found: `test` holds them as they stand afterwards, `first` as they were
    before, null where none was asked for again.
    """

    name: str
    benchmark: BenchmarkResult | None = None
    benchmarked_at: datetime | None = None
    test: ScoredRows | None = None
    tuning: ScoredRows | None = None
    training: TrainResult | None = None
    compression: CompressResult | None = None
    route: RouteResult | None = None
    seed_rows: tuple[ScoredRows, ...] = ()
    seeds: tuple[int, ...] = ()
    seeds_planned: int = 1
    baseline_test: ScoredRows | None = None
    uncompressed: CandidateEvidence | None = None
    label: LabelResult | None = None
    load: LoadResult | None = None
    sweep: SweepResult | None = None
    stages: tuple[TrainResult, ...] = ()
    making_seconds: tuple[tuple[str, float], ...] = ()
    suites: tuple[SuiteResult, ...] = ()
    judging: JudgeResult | None = None
    checking: CheckResult | None = None
    first: ScoredRows | None = None
    curve: tuple[CurvePoint, ...] = ()
    curve_planned: int = 0

    @property
    def runs(self) -> tuple[ScoredRows, ...]:
        """The test rows of every training that is measured, one for each seed; empty where none is."""
        return self.seed_rows or (() if self.test is None else (self.test,))


@dataclass(frozen=True, eq=False)
class StudyEvidence:
    """Everything that a decision rests on. Candidates stand in study order. `profile` is what the data itself allows,
    null where that is not looked into yet, or nothing can be said."""

    study: Study
    dataset: PrepareResult | None
    test: TestRows | None
    candidates: tuple[CandidateEvidence, ...]
    jobs: tuple[JobRow, ...]
    profile: ProfileResult | None = None

    def candidate(self, name: str) -> CandidateEvidence:
        """The evidence of the candidate of that name. Raises KeyError."""
        for candidate in self.candidates:
            if candidate.name == name:
                return candidate
        raise KeyError(name)
