"""Evidence of a small study, made without any model: a teacher at a vendor, two students, a floor, their hybrid."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache

import numpy as np

from core.domain import BoolArray, PolicyKind
from core.evidence import CandidateEvidence, ScoredRows, StudyEvidence, TestRows
from core.jobs.results import BenchmarkResult, LatencySamples, PolicyScores, PrepareResult, RouteResult, RuntimeFigures
from core.spec import Study
from core.study_file import parse_study

ROWS = 200
MEASURED_AT = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
STUDY = """
version: 1
name: Card support triage
task: {kind: classification, metric: accuracy}
data: {file: messages.csv}
criteria:
  cost: {currency: USD, monthly_budget: 3000, monthly_requests: 1000000, value_per_success: 0.02}
  service: {p95_latency_ms: 400, min_quality: 0.6, quality_margin: 0.03}
profiles:
  workstation: {kind: self_hosted, capex: 6000, life_months: 36, power_kw: 0.45, tariff: 0.2}
  vendor: {kind: api, price: {per_million_requests: 900, source: by hand, as_of: 2026-05-01}}
candidates:
  - {name: teacher, role: teacher, model: {source: hub, id: org/teacher}, profile: vendor}
  - {name: student, role: student, model: {source: hub, id: org/student}, profile: workstation}
  - {name: slow, role: student, model: {source: hub, id: org/slow}, profile: workstation}
  - {name: floor, role: student, model: {source: baseline, kind: tfidf_linear}, profile: workstation}
  - {name: hybrid, role: hybrid, teacher: teacher, student: student, policies: [cascade]}
"""
SHARE_RIGHT = {"teacher": 0.94, "student": 0.85, "slow": 0.88, "floor": 0.7}
MEDIAN_MS = {"teacher": 120.0, "student": 8.0, "slow": 600.0, "floor": 0.4}


def card_support(**changes: str) -> Study:
    """The study; each change replaces a text of its YAML by another."""
    text = STUDY
    for before, after in changes.items():
        text = text.replace(before, after)
    return parse_study(text, "study.yaml")


def evidence(study: Study | None = None, measured: tuple[str, ...] | None = None) -> StudyEvidence:
    """Rows of every candidate, or of those `measured`; the same for the same arguments."""
    return _of_card_support(measured) if study is None else _evidence(study, measured)


@cache
def _of_card_support(measured: tuple[str, ...] | None) -> StudyEvidence:
    """The same object each time, so that what a decision works out for its rows is worked out once."""
    return _evidence(card_support(), measured)


def _evidence(study: Study, measured: tuple[str, ...] | None) -> StudyEvidence:
    random = np.random.default_rng(7)
    ids = tuple(f"row-{index}" for index in range(ROWS))
    hardness = random.permutation(ROWS) / ROWS
    names = [candidate.name for candidate in study.candidates if candidate.name in SHARE_RIGHT]
    right = {name: hardness < SHARE_RIGHT[name] for name in names}
    latencies = {name: MEDIAN_MS[name] * random.lognormal(0, 0.15, ROWS) for name in names}
    chosen = set(names if measured is None else measured)
    test = TestRows(ids, ids, tuple(f"message {index}" for index in range(ROWS)), ("a",) * ROWS, ((),) * ROWS)
    candidates = [
        _measured(name, ids, right[name], hardness, latencies[name]) if name in chosen else CandidateEvidence(name)
        for name in names
    ]
    parts = {"teacher", "student"} <= chosen
    candidates.append(CandidateEvidence("hybrid", route=_route(ids, hardness) if parts else None))
    return StudyEvidence(study, _dataset(), test if chosen else None, tuple(candidates), ())


def _measured(
    name: str, ids: tuple[str, ...], right: BoolArray, hardness: np.ndarray, ms: np.ndarray
) -> CandidateEvidence:
    samples = LatencySamples(milliseconds=tuple(float(value) for value in ms), warm_up_requests=10)
    benchmark = BenchmarkResult(
        origin="measured",
        rows_test=ROWS,
        rows_calibration=0,
        runtimes=(RuntimeFigures(runtime="torch", latency=samples, requests_per_second=500.0),),
        peak_memory_mib=300.0,
        model_size_mib=90.0,
        parameters=22_000_000,
        joules_per_request=None,
        energy_source="not measured",
        environment=None,
        seconds=10.0,
    )
    rows = ScoredRows(
        example_ids=ids,
        scores=right.astype(np.float64),
        outputs=tuple("a" if is_right else "b" for is_right in right),
        confidence=np.clip(1.0 - hardness * 0.6, 0.0, 1.0),
        input_tokens=None,
        output_tokens=None,
        latency_ms=None,
    )
    return CandidateEvidence(name, benchmark=benchmark, benchmarked_at=MEASURED_AT, test=rows)


def _route(ids: tuple[str, ...], hardness: np.ndarray) -> RouteResult:
    scores = PolicyScores(
        kind=PolicyKind.CASCADE,
        priority=tuple(float(value) for value in hardness),
        fold=tuple(index % 5 for index in range(ROWS)),
        fitted_rows=160,
        score_seconds=0.0,
    )
    return RouteResult(folds=5, example_ids=ids, policies=(scores,), length_priority=(0.5,) * ROWS, seconds=1.0)


def _dataset() -> PrepareResult:
    return PrepareResult(
        rows_train=0,
        rows_calibration=0,
        rows_test=ROWS,
        dropped=(),
        labels=("a", "b"),
        groups=ROWS,
        duplicate_rows=0,
        input_length_p50=40,
        input_length_p95=90,
        input_length_max=140,
        label_entropy_bits=1.0,
        seconds=0.1,
    )
