"""Fitting a router: a ridge regression of the teacher's gain on the words and the length of an input.

It learns the gain (teacher's score - student's), not whether the student fails: a question that both fail is no reason
to pay for the teacher.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.linear_model import Ridge

from core.domain import FloatArray, IntArray
from core.routing.features import TextFeatures, fit_text_features, lengths, term_counts
from core.routing.policy import RouterPolicy

_PENALTY = 5.0
_DIGITS = 8  # of a weight in JSON; a solver's last bits differ between machines anyway


@dataclass(frozen=True)
class AnalysedTexts:
    """Texts taken apart once, for all folds: terms with their counts, and lengths."""

    counts: tuple[Counter[str], ...]
    text_lengths: tuple[tuple[float, float], ...]


def analyse(texts: Sequence[str]) -> AnalysedTexts:
    """The terms and lengths of texts."""
    return AnalysedTexts(tuple(term_counts(text) for text in texts), tuple(lengths(text) for text in texts))


def fit_router(texts: AnalysedTexts, gain: FloatArray, rows: IntArray) -> RouterPolicy:
    """The router of some of the texts, by their indices; the vocabulary too is learnt from those alone."""
    chosen = rows.tolist()
    features = fit_text_features([texts.counts[row] for row in chosen], [texts.text_lengths[row] for row in chosen])
    model = Ridge(alpha=_PENALTY, solver="lsqr", tol=1e-6).fit(_matrix(features, texts, rows), gain[rows])
    weights = tuple(float(f"{weight:.{_DIGITS}g}") for weight in model.coef_.tolist())
    return RouterPolicy(features, weights, float(model.intercept_))


def router_priority(policy: RouterPolicy, texts: AnalysedTexts, rows: IntArray) -> FloatArray:
    """The priorities of some of the texts at once, by their indices, shape (len(rows),)."""
    gains = _matrix(policy.features, texts, rows) @ np.array(policy.weights) + policy.intercept
    return np.asarray(np.clip(gains, -1.0, 1.0), dtype=np.float64)


def _matrix(features: TextFeatures, texts: AnalysedTexts, rows: IntArray) -> csr_matrix:
    columns: list[int] = []
    values: list[float] = []
    ends = [0]
    for row in rows.tolist():
        row_columns, row_values = features.row(texts.counts[row], texts.text_lengths[row])
        columns += row_columns
        values += row_values
        ends.append(len(columns))
    return csr_matrix((np.array(values), np.array(columns), np.array(ends)), shape=(len(rows), features.width))
