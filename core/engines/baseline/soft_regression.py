"""Multinomial logistic regression on distributions over the classes, which scikit-learn fits to single targets only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # it has no types

from core.domain import FloatArray

_MAX_ITERATIONS = 300
_TOLERANCE = 1e-4


@dataclass(frozen=True, eq=False)
class Regression:
    """`coefficients`, shape (columns, classes), `intercepts`, shape (classes,), and whether the fit came to its end."""

    coefficients: NDArray[np.float32]
    intercepts: NDArray[np.float32]
    iterations: int
    converged: bool


def fit_distributions(
    features: NDArray[np.float32],
    wanted: FloatArray,
    inverse_regularisation: float,
    weights: FloatArray | None = None,
) -> Regression:
    """The minimum of ½‖W‖² + C · Σ cross-entropy(wanted, softmax(XW + b)), C being `inverse_regularisation`.

    `features` has the shape (rows, columns), `wanted` (rows, classes), each row a distribution; `weights`, shape
    (rows,), multiply the rows' cross-entropies. With one-hot rows this
    is scikit-learn's `LogisticRegression` ("Multinomial Case" of its user guide), and fitted the same way, by L-BFGS.
    """
    rows, columns, classes = len(features), features.shape[1], wanted.shape[1]
    counted = np.ones((rows, 1)) if weights is None else weights[:, None]
    penalty = 1.0 / (inverse_regularisation * rows)

    def loss(flat: FloatArray) -> tuple[float, FloatArray]:
        weights = flat.reshape(columns + 1, classes)
        logits = features @ weights[:-1].astype(np.float32) + weights[-1].astype(np.float32)
        log_shares = log_softmax(logits.astype(np.float64), axis=1)
        value = -float((counted * wanted * log_shares).sum()) / rows + 0.5 * penalty * float(
            np.square(weights[:-1]).sum()
        )
        error = counted * (np.exp(log_shares) - wanted) / rows
        slope = np.empty_like(weights)
        slope[:-1] = features.T @ error.astype(np.float32) + penalty * weights[:-1]
        slope[-1] = error.sum(axis=0)
        return value, slope.ravel()

    # The same sums in the same order on every machine with this BLAS, and no second core taken.
    with threadpool_limits(1):
        found = minimize(
            loss,
            np.zeros((columns + 1) * classes),
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": _MAX_ITERATIONS, "gtol": _TOLERANCE, "ftol": 1e-12},
        )
    weights = found.x.reshape(columns + 1, classes).astype(np.float32)
    return Regression(
        np.ascontiguousarray(weights[:-1]), weights[-1].copy(), int(found.nit), bool(found.nit < _MAX_ITERATIONS)
    )
