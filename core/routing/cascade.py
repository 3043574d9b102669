"""Fitting a cascade: from the student's confidence to the probability that it is right."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.domain import FloatArray
from core.metrics.calibration import IsotonicMapping, PlattMapping, fit_isotonic, fit_platt, log_loss
from core.routing.folds import grouped_folds
from core.routing.policy import CascadePolicy

_FOLDS = 5


def fit_cascade(confidence: FloatArray, scores: FloatArray, groups: Sequence[str]) -> CascadePolicy:
    """The cascade of these rows, all of shape (rows,); rows whose confidence is NaN are left out.

    Platt's mapping has two parameters and suits few rows, the isotonic one any shape and needs many: the one with the
    smaller cross-validated log loss is taken, Platt's where they are equal.
    """
    known = np.flatnonzero(~np.isnan(confidence))
    confidence, scores = confidence[known], scores[known]
    if _isotonic_predicts_better(confidence, scores, [groups[row] for row in known.tolist()]):
        return CascadePolicy(fit_isotonic(confidence, scores))
    return CascadePolicy(fit_platt(confidence, scores))


def cascade_priority(policy: CascadePolicy, confidence: FloatArray) -> FloatArray:
    """The priorities of many rows at once, shape (rows,); 1 where the confidence is NaN."""
    given = ~np.isnan(confidence)
    priority = np.ones(len(confidence))
    priority[given] = 1 - policy.mapping.probability(confidence[given])
    return priority


def _isotonic_predicts_better(confidence: FloatArray, scores: FloatArray, groups: Sequence[str]) -> bool:
    fold = grouped_folds(groups, _FOLDS)
    platt, isotonic = np.empty(len(scores)), np.empty(len(scores))
    for number in range(int(fold.max()) + 1):
        fit, held_out = fold != number, fold == number
        if not fit.any():
            return False
        mappings: tuple[PlattMapping, IsotonicMapping] = (
            fit_platt(confidence[fit], scores[fit]),
            fit_isotonic(confidence[fit], scores[fit]),
        )
        platt[held_out], isotonic[held_out] = (mapping.probability(confidence[held_out]) for mapping in mappings)
    return log_loss(isotonic, scores) < log_loss(platt, scores)
