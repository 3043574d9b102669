"""The results document: data, complexity, and the candidates and policies in their rooms."""

from __future__ import annotations

from typing import Any

from core.decide.class_slices import FEWEST_ROWS
from core.decide.documents.candidate import candidate_values
from core.decide.documents.limits import label_noise_document, learning_document
from core.decide.documents.measures import search_values, suite_values
from core.decide.documents.policies import policy_values
from core.decide.documents.values import document, interval_values
from core.decide.outcome import (
    ComplexityProfile,
    Decision,
)
from core.evidence import CandidateEvidence, StudyEvidence
from core.i18n import translate_text
from core.metrics.effective import effective_rows


def results_document(evidence: StudyEvidence, decision: Decision) -> dict[str, Any]:
    """The document of `tercet results --json`: measurements with intervals, per candidate and per policy."""
    study = evidence.study
    return document(
        {
            "study": study.name,
            "task": {"kind": study.task.kind, "metric": study.task.metric, "prompt": study.task.prompt},
            "data": _data(evidence, decision),
            "complexity": _complexity(decision.complexity),
            "candidates": [
                candidate_values(candidate, study) | _found(evidence.candidate(candidate.name))
                for candidate in decision.candidates
            ],
            "policies": [policy_values(policy) for policy in decision.policies],
        }
    )


def _found(entry: CandidateEvidence) -> dict[str, Any]:
    """What stands beside the decision and has no part in it."""
    return {"suites": suite_values(entry.suites), "search": search_values(entry.sweep)}


def _data(evidence: StudyEvidence, decision: Decision) -> dict[str, Any]:
    data = evidence.dataset
    return {
        "rows": {
            "train": None if data is None else data.rows_train,
            "calibration": None if data is None else data.rows_calibration,
            "test": None if data is None else data.rows_test,
        },
        "dropped": [
            {
                "reason": translate_text("en", one.reason, {"rows": one.rows, "count": one.rows}, one.reason),
                "rows": one.rows,
            }
            for one in (() if data is None else data.dropped)
        ],
        "weights": _weights(evidence),
        "time": _time(evidence),
        "label_noise": label_noise_document(decision),
        "slices_left_out": _slices_left_out(decision),
    }


def _weights(evidence: StudyEvidence) -> dict[str, Any] | None:
    """The weight column and how many test rows of equal weight the weighted ones are worth; null without one."""
    column, test = evidence.study.data.columns.weight, evidence.test
    if column is None or test is None:
        return None
    return {
        "column": column,
        "rows": len(test.groups),
        "effective_rows": effective_rows(test.groups, test.weights),
        "equal": test.weights is None,
    }


def _slices_left_out(decision: Decision) -> dict[str, Any]:
    """The slices with fewer test rows than an interval worth showing needs, which no candidate's `slices` hold."""
    small = [{"column": one.column, "value": one.value, "rows": one.rows} for one in decision.small_slices]
    return {"fewest_rows": FEWEST_ROWS, "slices": small}


def _time(evidence: StudyEvidence) -> dict[str, Any] | None:
    """From when to when each split's rows are; null where they were not split by time."""
    plan, data = evidence.study.data.split, evidence.dataset
    if plan is None or plan.time is None or data is None or not data.spans:
        return None
    found: dict[str, Any] = {"column": plan.time, "train": None, "calibration": None, "test": None}
    for span in data.spans:
        found[span.split] = {"from": span.first, "to": span.last, "older_rows": span.older_rows}
    return found


def _complexity(profile: ComplexityProfile) -> dict[str, Any]:
    measured = {
        "level": profile.measured,
        "teacher": profile.teacher,
        "student": profile.student,
        "disagreement": profile.disagreement,
        "gap": interval_values(profile.gap),
        "headroom": profile.headroom,
        "floor_gap": interval_values(profile.floor_gap),
        "label_entropy_bits": profile.label_entropy_bits,
        "input_length": {
            "p50": profile.input_length_p50,
            "p95": profile.input_length_p95,
            "max": profile.input_length_max,
        },
        "slices": [
            {
                "column": one.column,
                "value": one.value,
                "rows": one.rows,
                "teacher": one.teacher,
                "student": one.student,
                "gap": interval_values(one.gap),
            }
            for one in profile.slices
        ],
        **learning_document(profile),
    }
    contradiction = None if profile.contradiction is None else profile.contradiction.text
    return {"stated": profile.stated, "measured": measured, "contradiction": contradiction}
