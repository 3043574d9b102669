import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression

from core.domain import FloatArray
from core.metrics.calibration import (
    expected_calibration_error,
    fit_isotonic,
    fit_platt,
    fit_temperature,
    log_loss,
    logit,
)


def _overconfident(rows: int) -> tuple[FloatArray, FloatArray]:
    generator = np.random.default_rng(5)
    confidence = generator.uniform(0.02, 0.999, rows)
    truth = 1 / (1 + np.exp(-(0.5 * logit(confidence) - 0.3)))
    return confidence, (generator.random(rows) < truth).astype(float)


def test_platt_finds_the_slope_and_intercept_that_made_the_data() -> None:
    mapping = fit_platt(*_overconfident(20_000))
    assert (mapping.slope, mapping.intercept) == pytest.approx((0.5, -0.3), abs=0.05)


@pytest.mark.parametrize("score", [0.0, 1.0])
def test_platt_stays_within_0_and_1_where_every_row_is_alike(score: float) -> None:
    mapping = fit_platt(np.linspace(0, 1, 30), np.full(30, score))
    probability = mapping.probability(np.array([0.0, 0.5, 1.0]))
    assert ((probability > 0) & (probability < 1)).all()
    assert abs(float(probability[1]) - score) < 0.1


def test_platt_is_finite_on_separable_rows() -> None:
    confidence = np.concatenate([np.full(20, 0.1), np.full(20, 0.9)])
    mapping = fit_platt(confidence, (confidence > 0.5).astype(float))
    assert mapping.slope > 0
    assert float(mapping.probability(np.array([0.9]))[0]) == pytest.approx(21 / 22, abs=0.01)


@given(pairs=st.lists(st.tuples(st.floats(0, 1), st.sampled_from([0.0, 0.5, 1.0])), min_size=1, max_size=40))
def test_isotonic_mapping_increases_and_stays_within_the_scores(pairs: list[tuple[float, float]]) -> None:
    confidence, scores = (np.array(part) for part in zip(*pairs, strict=True))
    mapping = fit_isotonic(confidence, scores)
    values = mapping.probability(np.linspace(0, 1, 50))
    assert (np.diff(values) >= -1e-12).all()
    assert scores.min() - 1e-12 <= values.min()
    assert values.max() <= scores.max() + 1e-12


def test_isotonic_blocks_are_those_of_scikit_learn() -> None:
    confidence, scores = _overconfident(500)
    mapping = fit_isotonic(confidence, scores)
    reference = IsotonicRegression().fit(confidence, scores).predict(confidence)
    assert sorted(set(np.round(reference, 9))) == pytest.approx([round(value, 9) for value in mapping.probabilities])


def test_platts_mapping_lowers_the_calibration_error_and_the_log_loss() -> None:
    confidence, scores = _overconfident(4000)
    mapped = fit_platt(confidence[:2000], scores[:2000]).probability(confidence[2000:])
    held_out = scores[2000:]
    assert expected_calibration_error(mapped, held_out) < 0.5 * expected_calibration_error(confidence[2000:], held_out)
    assert log_loss(mapped, held_out) < log_loss(confidence[2000:], held_out)


def test_calibration_error_is_the_weighted_gap_of_the_bins() -> None:
    confidence = np.array([0.95, 0.95, 0.95, 0.95, 0.05, 1.0])
    scores = np.array([1.0, 0.0, 0.0, 0.0, 0.0, 1.0])
    gaps = abs(4 * 0.95 + 1.0 - 2.0) + 0.05
    assert expected_calibration_error(confidence, scores, bins=10) == pytest.approx(gaps / 6)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_temperature_that_made_the_labels_is_found(temperature: float) -> None:
    generator = np.random.default_rng(2)
    logits = generator.normal(0, 3, (8000, 4))
    noise = generator.gumbel(size=logits.shape)
    targets = np.argmax(logits / temperature + noise, axis=1)
    assert fit_temperature(logits, targets) == pytest.approx(temperature, rel=0.08)
