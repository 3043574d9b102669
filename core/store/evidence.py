"""From stored rows to the evidence that a decision rests on.

Which job makes which part of a candidate was stored with the plan. `train`, `compress` and `benchmark` are of the first
seed, `train@2` and so on of seed 2; `baseline_…` of the student that learns from the targets alone, `first_…` of what
a dynamic student starts from; `stage1`, `stage2` of its assistants, `label` of its teacher's answers, `sweep` of a
search; `suite:NAME` of a task of lm-eval, `check` and `judge` of what checks and scores a benchmark's answers;
`curve_…:0.25@1` of the learning curve's training on a quarter of the train rows by seed 1.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
from sqlalchemy import Connection

from core.domain import Example, FloatArray, JobRow, JobState, Prediction, Split
from core.evidence import CandidateEvidence, ScoredRows, StudyEvidence, TestRows
from core.jobs.learning_curve import CURVE, CurveRun
from core.jobs.model_sources import seeds_of
from core.jobs.results import (
    BenchmarkResult,
    CheckResult,
    CompressResult,
    JudgeResult,
    LabelResult,
    LoadResult,
    PrepareResult,
    ProfileResult,
    ResultModel,
    RouteResult,
    SuiteResult,
    SweepResult,
    TrainResult,
)
from core.spec import Study
from core.store import queries
from core.store.curve_points import curve_points, curve_sizes

DATA_PART = ("", "data")
PROFILE_PART = ("", "profile")
_STAGE = re.compile(r"(?:first_)?stage\d+")
_SUITE = "suite:"
_COUNTED_APART = ("train", "compress", "benchmark", "route", "label", "first_label", "check", "judge", "load")

Kind = TypeVar("Kind", bound=ResultModel)


def study_evidence(connection: Connection, study: Study) -> StudyEvidence:
    """Everything measured so far; what is not done is null."""
    parts = queries.candidate_jobs(connection)
    jobs = {row.job_id: row for row in queries.job_rows(connection, superseded=True)}
    data_job = parts.get(DATA_PART[0], {}).get(DATA_PART[1])
    prepared = _document(connection, jobs, data_job)
    dataset = None if prepared is None else PrepareResult.model_validate(prepared)
    examples = queries.example_rows(connection, data_job) if dataset is not None and data_job else []
    weights = _weights_by_id(dataset, examples)
    candidates = tuple(
        _candidate(_Parts(connection, jobs, parts.get(candidate.name, {}), examples, weights), study, candidate.name)
        for candidate in study.candidates
    )
    return StudyEvidence(
        study=study,
        dataset=dataset,
        test=_test_rows(examples, weights) if examples else None,
        candidates=candidates,
        jobs=tuple(row for row in jobs.values() if not row.superseded),
        profile=_Parts(connection, jobs, parts.get(PROFILE_PART[0], {}), (), {}).result(PROFILE_PART[1], ProfileResult),
    )


def _document(connection: Connection, jobs: Mapping[str, JobRow], job_id: str | None) -> dict[str, Any] | None:
    if job_id is None or job_id not in jobs or jobs[job_id].state is not JobState.SUCCEEDED:
        return None
    return queries.job_result(connection, job_id)


def answering_job(parts: Mapping[str, str], benchmark: str = "benchmark") -> str | None:
    """The id of the job whose predictions stand for a benchmark: what scores its answers, else what checks them, else
    the benchmark itself. `parts` maps a candidate's parts to their jobs."""
    later = [benchmark.replace("benchmark", name) for name in ("judge", "check")]
    return next((parts[name] for name in (*later, benchmark) if name in parts), None)


@dataclass(frozen=True, eq=False)
class _Parts:
    """One candidate's jobs by part, and what they found."""

    connection: Connection
    jobs: Mapping[str, JobRow]
    ids: Mapping[str, str]
    examples: Sequence[Example]
    weights: Mapping[str, float]

    def result(self, part: str, kind: type[Kind]) -> Kind | None:
        """What the job of a part found; null where there is no such job or it is not done."""
        document = _document(self.connection, self.jobs, self.ids.get(part))
        return None if document is None else kind.model_validate(document)

    def rows(self, part: str) -> dict[str, Prediction]:
        """The predictions of a benchmark by example id, as they were checked and scored; empty where that is not
        done."""
        job_id = answering_job(self.ids, part)
        if job_id is None or _document(self.connection, self.jobs, job_id) is None:
            return {}
        return queries.prediction_rows(self.connection, job_id)

    def test(self, part: str, rows: dict[str, Prediction] | None = None) -> ScoredRows | None:
        """The test rows of a benchmark among its predictions, which are looked up where they are not at hand."""
        rows = self.rows(part) if rows is None else rows
        if not rows:
            return None
        found = _scored(rows, [row for row in self.examples if row.split is Split.TEST])
        return replace(found, job=answering_job(self.ids, part))

    def first_answers(self, part: str) -> ScoredRows | None:
        """The test rows of a benchmark as they were before the checks; null where none was asked for again."""
        found = self.result(part.replace("benchmark", "check"), CheckResult)
        if found is None or not found.re_asked:
            return None
        rows = queries.prediction_rows(self.connection, self.ids[part])
        return _scored(rows, [row for row in self.examples if row.split is Split.TEST])

    def tuning(self, rows: dict[str, Prediction]) -> ScoredRows | None:
        """The other rows among predictions."""
        others = [row for row in self.examples if row.split is not Split.TEST and row.example_id in rows]
        if not rows:
            return None
        return replace(_scored(rows, others), weights=_relative([row.example_id for row in others], self.weights))

    def stages(self, suffix: str) -> tuple[TrainResult, ...]:
        """The assistants that are trained, in their order."""
        names = [name for name in self.ids if _STAGE.fullmatch(name.removesuffix(suffix))]
        found = (self.result(name, TrainResult) for name in sorted(names, key=lambda name: (len(name), name)))
        return tuple(stage for stage in found if stage is not None)

    def suites(self) -> tuple[SuiteResult, ...]:
        """What was measured on tasks of lm-eval, in the order of their names."""
        found = (self.result(name, SuiteResult) for name in sorted(self.ids) if name.startswith(_SUITE))
        return tuple(suite for suite in found if suite is not None)

    def making_seconds(self, suffix: str) -> tuple[tuple[str, float], ...]:
        """What else the model of one seed took, as (job id, seconds)."""
        found = []
        for name, job_id in sorted(self.ids.items()):
            own, _, seed = name.partition("@")
            document = _document(self.connection, self.jobs, job_id)
            apart = own in _COUNTED_APART or own.startswith(("baseline_", "uncompressed_", CURVE, _SUITE))
            counted = apart or f"@{seed}" != (suffix or "@")
            if document is not None and not counted:
                found.append((job_id, float(document["seconds"])))
        return tuple(found)


def _candidate(parts: _Parts, study: Study, name: str) -> CandidateEvidence:
    seeds = [seed for seed in seeds_of(study, study.candidate(name)) if seed is not None]
    suffixes = {seed: f"@{seed}" if place else "" for place, seed in enumerate(seeds)} if len(seeds) > 1 else {}
    predictions = {seed: rows for seed, suffix in suffixes.items() if (rows := parts.rows(f"benchmark{suffix}"))}
    tested = {
        seed: test
        for seed, rows in predictions.items()
        if (test := parts.test(f"benchmark{suffixes[seed]}", rows)) is not None
    }
    first = next(iter(predictions), None)
    suffix = "" if first is None else suffixes[first]
    rows = parts.rows("benchmark") if first is None else predictions[first]
    # What is not scored yet is not measured.
    benchmark = parts.result(f"benchmark{suffix}", BenchmarkResult) if rows else None
    return CandidateEvidence(
        name=name,
        benchmark=benchmark,
        benchmarked_at=None if benchmark is None else parts.jobs[parts.ids[f"benchmark{suffix}"]].finished_at,
        test=parts.test("benchmark", rows) if first is None else tested[first],
        tuning=parts.tuning(rows),
        training=parts.result(f"train{suffix}", TrainResult),
        compression=parts.result(f"compress{suffix}", CompressResult),
        route=parts.result("route", RouteResult),
        seed_rows=tuple(tested.values()),
        seeds=tuple(tested),
        seeds_planned=max(len(suffixes), 1),
        uncompressed=None if suffix else _uncompressed(parts, name),
        baseline_test=parts.test("baseline_benchmark"),
        label=parts.result(f"label{suffix}", LabelResult) or parts.result(f"first_label{suffix}", LabelResult),
        load=parts.result("load", LoadResult),
        sweep=parts.result(f"sweep{suffix}", SweepResult),
        stages=parts.stages(suffix),
        making_seconds=parts.making_seconds(suffix),
        suites=parts.suites(),
        judging=parts.result(f"judge{suffix}", JudgeResult),
        checking=parts.result(f"check{suffix}", CheckResult),
        first=parts.first_answers(f"benchmark{suffix}"),
        curve=curve_points(study, name, parts.examples, lambda run: _run_rows(parts, suffixes, run)),
        curve_planned=curve_sizes(study, name),
    )


def _run_rows(parts: _Parts, suffixes: Mapping[int, str], run: CurveRun) -> ScoredRows | None:
    """The test rows of one training of the learning curve; null where they are not answered yet."""
    own = f"benchmark{suffixes.get(run.seed, '')}"
    return parts.test(own if run.own else f"{CURVE}benchmark{run.suffix}")


def _uncompressed(parts: _Parts, name: str) -> CandidateEvidence | None:
    """What the first seed's model was before the candidate compressed it; null where that is not measured."""
    benchmark = parts.result("uncompressed_benchmark", BenchmarkResult)
    test = parts.test("uncompressed_benchmark")
    return None if benchmark is None else CandidateEvidence(name, benchmark=benchmark, test=test)


def _weights_by_id(dataset: PrepareResult | None, examples: Sequence[Example]) -> dict[str, float]:
    """Each row's weight by its id; empty where the data has none."""
    if dataset is None or not dataset.weights:
        return {}
    return {row.example_id: weight for row, weight in zip(examples, dataset.weights, strict=True)}


def _relative(ids: Sequence[str], weights: Mapping[str, float]) -> FloatArray | None:
    """The weights of some rows with their mean at 1; null where they are equal, which is as good as none."""
    own = np.array([weights[one] for one in ids], dtype=np.float64) if weights else np.ones(len(ids))
    if len(own) == 0 or bool((own == own[0]).all()):
        return None
    return np.asarray(own / own.mean())


def _test_rows(examples: Sequence[Example], weights: Mapping[str, float]) -> TestRows:
    test = [row for row in examples if row.split is Split.TEST]
    return TestRows(
        example_ids=tuple(row.example_id for row in test),
        groups=tuple(row.group for row in test),
        inputs=tuple(row.input for row in test),
        targets=tuple(row.target for row in test),
        slices=tuple(row.slices for row in test),
        weights=_relative([row.example_id for row in test], weights),
    )


def _scored(rows: dict[str, Prediction], examples: Sequence[Example]) -> ScoredRows:
    chosen = [rows[example.example_id] for example in examples]
    return ScoredRows(
        example_ids=tuple(row.example_id for row in chosen),
        scores=np.array([row.score for row in chosen], dtype=np.float64),
        outputs=tuple(row.output for row in chosen),
        confidence=_column([row.confidence for row in chosen]),
        input_tokens=_column([row.input_tokens for row in chosen]),
        output_tokens=_column([row.output_tokens for row in chosen]),
        latency_ms=_column([row.latency_ms for row in chosen]),
    )


def _column(values: Sequence[float | None]) -> FloatArray | None:
    if all(value is None for value in values):
        return None
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
