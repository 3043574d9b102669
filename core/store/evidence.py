"""From stored rows to the evidence that a decision rests on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sqlalchemy import Connection

from core.domain import Example, FloatArray, JobRow, JobState, Prediction, Split
from core.evidence import CandidateEvidence, ScoredRows, StudyEvidence, TestRows
from core.jobs.results import BenchmarkResult, CompressResult, PrepareResult, RouteResult, TrainResult
from core.spec import Study
from core.store import queries

DATA_PART = ("", "data")


def study_evidence(connection: Connection, study: Study) -> StudyEvidence:
    """Everything measured so far; what is not done is null."""
    parts = queries.candidate_jobs(connection)
    jobs = {row.job_id: row for row in queries.job_rows(connection, superseded=True)}
    data_job = parts.get(DATA_PART[0], {}).get(DATA_PART[1])
    prepared = _document(connection, jobs, data_job)
    examples = queries.example_rows(connection, data_job) if prepared is not None and data_job else []
    candidates = tuple(
        _candidate(connection, jobs, parts.get(candidate.name, {}), candidate.name, examples)
        for candidate in study.candidates
    )
    return StudyEvidence(
        study=study,
        dataset=None if prepared is None else PrepareResult.model_validate(prepared),
        test=_test_rows(examples) if examples else None,
        candidates=candidates,
        jobs=tuple(row for row in jobs.values() if not row.superseded),
    )


def _document(connection: Connection, jobs: dict[str, JobRow], job_id: str | None) -> dict[str, Any] | None:
    if job_id is None or job_id not in jobs or jobs[job_id].state is not JobState.SUCCEEDED:
        return None
    return queries.job_result(connection, job_id)


def _candidate(
    connection: Connection, jobs: dict[str, JobRow], parts: dict[str, str], name: str, examples: Sequence[Example]
) -> CandidateEvidence:
    documents = {part: _document(connection, jobs, job_id) for part, job_id in parts.items()}
    training, compression = documents.get("train"), documents.get("compress")
    benchmark, route = documents.get("benchmark"), documents.get("route")
    rows = queries.prediction_rows(connection, parts["benchmark"]) if benchmark is not None else {}
    return CandidateEvidence(
        name=name,
        benchmark=None if benchmark is None else BenchmarkResult.model_validate(benchmark),
        benchmarked_at=jobs[parts["benchmark"]].finished_at if benchmark is not None else None,
        test=_scored(rows, [row for row in examples if row.split is Split.TEST]) if rows else None,
        tuning=_scored(rows, [row for row in examples if row.split is not Split.TEST and row.example_id in rows])
        if rows
        else None,
        training=None if training is None else TrainResult.model_validate(training),
        compression=None if compression is None else CompressResult.model_validate(compression),
        route=None if route is None else RouteResult.model_validate(route),
    )


def _test_rows(examples: Sequence[Example]) -> TestRows:
    test = [row for row in examples if row.split is Split.TEST]
    return TestRows(
        example_ids=tuple(row.example_id for row in test),
        groups=tuple(row.group for row in test),
        inputs=tuple(row.input for row in test),
        targets=tuple(row.target for row in test),
        slices=tuple(row.slices for row in test),
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
