"""From a model's own confidence to a probability that means what it says. All mappings are plain numbers (JSON)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.domain import FloatArray, IntArray

_EDGE = 1e-6  # confidences of exactly 0 or 1 have no finite logit
_TINY = 1e-12


@dataclass(frozen=True)
class PlattMapping:
    """P(correct) = 1 ÷ (1 + exp(-(slope · logit(confidence) + intercept)))."""

    slope: float
    intercept: float

    def probability(self, confidence: FloatArray) -> FloatArray:
        """P(correct) for confidences of any shape."""
        return _sigmoid(self.slope * logit(confidence) + self.intercept)


@dataclass(frozen=True)
class IsotonicMapping:
    """P(correct) as a line through the centres of the pooled blocks: increasing, level beyond the ends."""

    confidences: tuple[float, ...]
    probabilities: tuple[float, ...]

    def probability(self, confidence: FloatArray) -> FloatArray:
        """P(correct) for confidences of any shape."""
        return np.asarray(np.interp(confidence, self.confidences, self.probabilities), dtype=np.float64)


def logit(probability: FloatArray) -> FloatArray:
    """The log odds of probabilities, which are kept away from 0 and 1 by one in a million."""
    kept = np.clip(probability, _EDGE, 1 - _EDGE)
    return np.asarray(np.log(kept) - np.log1p(-kept), dtype=np.float64)


def fit_platt(confidence: FloatArray, scores: FloatArray) -> PlattMapping:
    """The logistic mapping that fits scores (0 to 1, fractions allowed), both of shape (rows,).

    Platt, "Probabilistic outputs for support vector machines" (1999), on the logit of the confidence, with his
    smoothed targets, which keep the fit finite where all rows are right or all wrong; solved by Newton's method.
    """
    right, wrong = float(scores.sum()), float(len(scores) - scores.sum())
    targets = scores * (right + 1) / (right + 2) + (1 - scores) / (wrong + 2)
    x = logit(confidence)
    design = np.column_stack([x, np.ones_like(x)])
    parameters = np.array([0.0, float(np.log((right + 1) / (wrong + 1)))])
    loss = log_loss(_sigmoid(design @ parameters), targets)
    for _ in range(100):
        p = _sigmoid(design @ parameters)
        gradient = design.T @ (p - targets) / len(x)
        hessian = (design * (p * (1 - p))[:, None]).T @ design / len(x) + 1e-9 * np.eye(2)
        step = np.linalg.solve(hessian, gradient)
        length = 1.0  # halved where Newton overshoots, as it does on nearly separable data
        while (shorter := log_loss(_sigmoid(design @ (parameters - length * step)), targets)) > loss and length > 1e-6:
            length /= 2
        if loss - shorter < _TINY:
            break
        parameters, loss = parameters - length * step, shorter
    return PlattMapping(float(parameters[0]), float(parameters[1]))


def fit_isotonic(confidence: FloatArray, scores: FloatArray) -> IsotonicMapping:
    """The increasing mapping of least squares, by pooling adjacent violators, both of shape (rows,).

    The pooled blocks are joined through their centres (Oron and Flournoy, "Centered isotonic regression", 2017), which
    keeps unequal confidences unequal: a ranking does not lose its order inside a block.
    """
    x_values, inverse = np.unique(confidence, return_inverse=True)
    rows_at = np.bincount(inverse).astype(np.float64)
    means = np.bincount(inverse, weights=scores) / rows_at
    blocks: list[tuple[float, float, float]] = []  # rows, mean confidence, mean score
    for block in zip(rows_at.tolist(), x_values.tolist(), means.tolist(), strict=True):
        blocks.append(block)
        while len(blocks) > 1 and blocks[-2][2] >= blocks[-1][2]:
            upper, lower = blocks.pop(), blocks.pop()
            rows = lower[0] + upper[0]
            x, y = ((lower[0] * lower[part] + upper[0] * upper[part]) / rows for part in (1, 2))
            blocks.append((rows, x, y))
    return IsotonicMapping(tuple(block[1] for block in blocks), tuple(block[2] for block in blocks))


def fit_temperature(logits: FloatArray, targets: IntArray) -> float:
    """The temperature that minimises the cross-entropy of softmax(logits ÷ T); logits (rows, classes), targets (rows,).

    Guo et al., "On calibration of modern neural networks" (ICML 2017). The loss is convex in 1/T, so a golden-section
    search over T = 0.05 … 20 finds its minimum.
    """
    golden = (np.sqrt(5.0) - 1) / 2
    low, high = 1 / 20.0, 1 / 0.05
    while high - low > 1e-6 * high:
        left, right = high - golden * (high - low), low + golden * (high - low)
        if _cross_entropy(logits * left, targets) <= _cross_entropy(logits * right, targets):
            high = right
        else:
            low = left
    return float(2 / (low + high))


def expected_calibration_error(confidence: FloatArray, scores: FloatArray, bins: int = 15) -> float:
    """The mean distance between confidence and score over equal-width bins, weighted by rows: 0 is perfect.

    Naeini et al., "Obtaining well calibrated probabilities using Bayesian binning" (AAAI 2015).
    """
    bin_of_row = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    gaps = np.bincount(bin_of_row, weights=confidence - scores, minlength=bins)
    return float(np.abs(gaps).sum() / len(confidence))


def log_loss(probability: FloatArray, scores: FloatArray) -> float:
    """The mean cross-entropy in nats of probabilities against scores 0 to 1, both of shape (rows,)."""
    kept = np.clip(probability, _TINY, 1 - _TINY)
    return float(-np.mean(scores * np.log(kept) + (1 - scores) * np.log1p(-kept)))


def _cross_entropy(logits: FloatArray, targets: IntArray) -> float:
    highest = logits.max(axis=1, keepdims=True)
    log_total = np.log(np.exp(logits - highest).sum(axis=1)) + highest[:, 0]
    return float(np.mean(log_total - logits[np.arange(len(targets)), targets]))


def _sigmoid(x: FloatArray) -> FloatArray:
    return np.asarray(0.5 * (1 + np.tanh(0.5 * x)), dtype=np.float64)
