"""Logistic regression on distributions against scikit-learn's on single targets."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression

from core.engines.baseline.soft_regression import fit_distributions

RANDOM = np.random.default_rng(5)
FEATURES = RANDOM.standard_normal((200, 6)).astype(np.float32)
PLANES = RANDOM.standard_normal((6, 4))
TARGETS = (FEATURES @ PLANES + RANDOM.gumbel(size=(200, 4))).argmax(axis=1)


def test_one_hot_rows_give_scikit_learns_planes() -> None:
    found = fit_distributions(FEATURES, np.eye(4)[TARGETS], 3.0)
    reference = LogisticRegression(C=3.0, tol=1e-6, max_iter=500).fit(FEATURES, TARGETS)
    ours = softmax(FEATURES @ found.coefficients + found.intercepts, axis=1)
    assert ours == pytest.approx(reference.predict_proba(FEATURES), abs=5e-3)


def test_distributions_of_a_linear_model_are_learnt_back() -> None:
    wanted = softmax(FEATURES.astype(np.float64) @ PLANES, axis=1)
    found = fit_distributions(FEATURES, wanted, 1e4)
    assert found.converged
    assert softmax(FEATURES @ found.coefficients + found.intercepts, axis=1) == pytest.approx(wanted, abs=5e-3)


def test_a_repeated_row_counts_as_often_as_it_stands() -> None:
    """C multiplies a sum over rows, so twice the rows at half of C is the same problem."""
    wanted = np.eye(4)[TARGETS]
    once = fit_distributions(FEATURES, wanted, 2.0)
    twice = fit_distributions(np.tile(FEATURES, (2, 1)), np.tile(wanted, (2, 1)), 1.0)
    assert twice.coefficients == pytest.approx(once.coefficients, abs=5e-3)


def test_a_row_of_weight_two_counts_like_two_rows() -> None:
    wanted = np.eye(4)[TARGETS]
    weights = np.ones(len(TARGETS))
    weights[:5] = 2.0
    weighted = fit_distributions(FEATURES, wanted, 2.0, weights)
    again = np.concatenate([FEATURES, FEATURES[:5]]), np.concatenate([wanted, wanted[:5]])
    repeated = fit_distributions(*again, 2.0)
    assert weighted.coefficients == pytest.approx(repeated.coefficients, abs=5e-3)
