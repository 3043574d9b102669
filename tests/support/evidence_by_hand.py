"""Evidence made by hand: rows with known scores, tokens and timings, as the store would hand them over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np

from core.domain import FloatArray, PolicyKind
from core.evidence import CandidateEvidence, ScoredRows, StudyEvidence, TestRows
from core.jobs.results import (
    BenchmarkResult,
    LatencySamples,
    PolicyScores,
    PrepareResult,
    RouteResult,
    RuntimeFigures,
    TrainResult,
)
from core.spec import Study

WHEN = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)


def study_document(candidates: Sequence[dict[str, Any]], **parts: Any) -> dict[str, Any]:
    document: dict[str, Any] = {
        "version": 1,
        "name": "by hand",
        "task": {"kind": "classification", "metric": "accuracy"},
        "criteria": {"cost": {"monthly_requests": 1_000_000}},
        "profiles": {"workstation": {"kind": "self_hosted", "capex": 3600, "power_kw": 0.5, "tariff": 0.2}},
        "candidates": list(candidates),
    }
    return document | parts


def single(name: str, role: str = "student", **parts: Any) -> dict[str, Any]:
    return {"name": name, "role": role, "model": {"source": "predictions", "file": f"{name}.csv"}} | parts


def priced(per_million_requests: float) -> dict[str, Any]:
    return {"kind": "api", "price": {"per_million_requests": per_million_requests}}


def make_study(candidates: Sequence[dict[str, Any]], **parts: Any) -> Study:
    """A study from candidates (`single(...)` documents) and any other part of the study file."""
    return Study.model_validate(study_document(candidates, **parts))


def scored(scores: FloatArray, outputs: Sequence[str | None] | None = None, **columns: FloatArray) -> ScoredRows:
    """The rows of one candidate."""
    return ScoredRows(
        example_ids=ids(len(scores)),
        scores=scores,
        outputs=tuple("right" if score > 0.5 else "wrong" for score in scores) if outputs is None else tuple(outputs),
        confidence=columns.get("confidence"),
        input_tokens=columns.get("input_tokens"),
        output_tokens=columns.get("output_tokens"),
        latency_ms=columns.get("latency_ms"),
    )


def ids(count: int) -> tuple[str, ...]:
    return tuple(f"e{index}" for index in range(count))


def benchmark(
    milliseconds: Sequence[float] = (), requests_per_second: float | None = None, **parts: Any
) -> BenchmarkResult:
    runtimes: tuple[RuntimeFigures, ...] = ()
    if len(milliseconds):
        samples = LatencySamples(milliseconds=tuple(float(value) for value in milliseconds), warm_up_requests=3)
        runtimes = (RuntimeFigures(runtime="onnxruntime", latency=samples, requests_per_second=requests_per_second),)
    fields: dict[str, Any] = {
        "origin": "measured" if runtimes else "imported",
        "rows_test": 1,
        "rows_calibration": 0,
        "runtimes": runtimes,
        "peak_memory_mib": None,
        "model_size_mib": None,
        "parameters": None,
        "joules_per_request": None,
        "energy_source": "not measured",
        "environment": None,
        "seconds": 2.0,
    }
    return BenchmarkResult(**(fields | parts))


def training(seconds: float) -> TrainResult:
    return TrainResult(
        method="fine_tune", device="cpu", steps=10, epochs=1, final_loss=0.1, parameters=100, examples=50,
        examples_per_second=10.0, seconds=seconds,
    )  # fmt: skip


def route(priority: FloatArray, kinds: Sequence[PolicyKind] = (PolicyKind.ROUTER,), folds: int = 5) -> RouteResult:
    rows = len(priority)
    policies = tuple(
        PolicyScores(
            kind=kind, priority=tuple(priority.tolist()), fold=tuple(index % folds for index in range(rows)),
            fitted_rows=rows, score_seconds=0.0001,
        )
        for kind in kinds
    )  # fmt: skip
    return RouteResult(
        folds=folds, example_ids=ids(rows), policies=policies,
        length_priority=tuple(float(index % 7) for index in range(rows)), seconds=3.0,
    )  # fmt: skip


def evidence_of(
    study: Study,
    rows: Mapping[str, ScoredRows],
    benchmarks: Mapping[str, BenchmarkResult] | None = None,
    routes: Mapping[str, RouteResult] | None = None,
    trainings: Mapping[str, TrainResult] | None = None,
    groups: Sequence[str] | None = None,
    targets: Sequence[str] | None = None,
    slices: Sequence[tuple[tuple[str, str], ...]] | None = None,
    dataset: PrepareResult | None = None,
    more: Mapping[str, Mapping[str, Any]] | None = None,
) -> StudyEvidence:
    """The evidence of a study whose candidates have the rows given; the others are not measured. `more` holds further
    fields of a candidate's evidence by its name."""
    count = len(next(iter(rows.values())).scores) if rows else 4
    test = TestRows(
        example_ids=ids(count),
        groups=ids(count) if groups is None else tuple(groups),
        inputs=tuple(f"text {index}" for index in range(count)),
        targets=("right",) * count if targets is None else tuple(targets),
        slices=((),) * count if slices is None else tuple(slices),
    )
    benchmarks, routes, trainings = benchmarks or {}, routes or {}, trainings or {}
    candidates = tuple(
        CandidateEvidence(
            name=candidate.name,
            benchmark=benchmarks.get(candidate.name, benchmark()) if candidate.name in rows else None,
            benchmarked_at=WHEN if candidate.name in rows else None,
            test=rows.get(candidate.name),
            training=trainings.get(candidate.name),
            route=routes.get(candidate.name),
            **(more or {}).get(candidate.name, {}),
        )
        for candidate in study.candidates
    )
    return StudyEvidence(study=study, dataset=dataset, test=test, candidates=candidates, jobs=())


def seeded(*runs: FloatArray, planned: int | None = None) -> dict[str, Any]:
    """The fields of a candidate's evidence that its seeds 1, 2, 3 … fill, from the scores of each."""
    return {
        "seed_rows": tuple(scored(own) for own in runs),
        "seeds": tuple(range(1, len(runs) + 1)),
        "seeds_planned": planned or len(runs),
    }


def right_share(share: float, rows: int, seed: int = 0) -> FloatArray:
    """Scores of 0 and 1 with exactly this share of 1, in a seeded order."""
    scores = np.zeros(rows)
    scores[: round(share * rows)] = 1.0
    return np.random.default_rng(seed).permutation(scores)
