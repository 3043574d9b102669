"""Test rows that a candidate gave no usable answer to, which count as wrong."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.decide.outcome import CandidateDecision, Message, Unanswered, message
from core.domain import FloatArray
from core.evidence import CandidateEvidence

UNANSWERED_NOTE = "decide.note.unanswered"


def unanswered_of(found: CandidateEvidence, weights: FloatArray | None = None) -> Unanswered | None:
    """How many test rows have no usable answer; null where there are no answers of the candidate's own. `weights` is
    how much each counts, shape (rows,), null where all count alike.

    A row without an answer that scores more than nothing is none of them: where the target is empty, saying nothing is
    right. Of rows measured elsewhere, those that come with a score alone are not known to be unanswered.
    """
    rows, benchmark = found.test, found.benchmark
    if rows is None or benchmark is None:
        return None
    nothing = ("",) if benchmark.origin == "imported" else ("", None)
    missing = [
        output in nothing and score == 0.0 for output, score in zip(rows.outputs, rows.scores.tolist(), strict=True)
    ]
    weighted = None if weights is None else float(np.average(missing, weights=weights))
    return Unanswered(sum(missing), len(rows.outputs), weighted)


def unanswered_notes(rows: Sequence[CandidateDecision]) -> list[Message]:
    """How many test rows of each candidate have no usable answer, and how they are scored."""
    return [
        message(UNANSWERED_NOTE, candidate=row.name, count=row.unanswered.count, rows=row.unanswered.rows)
        for row in rows
        if row.unanswered is not None and row.unanswered.count
    ]
