"""Which labels are probably wrong, and how many: against labels that are known to have been changed."""

from __future__ import annotations

import numpy as np
import pytest

from core.domain import FloatArray, IntArray
from core.metrics.label_noise import class_thresholds, noise_rate, surest_rows, suspicion
from core.metrics.proportions import wilson_interval

CLASSES, ROWS = 6, 1500
GROUPS = [f"g{row}" for row in range(ROWS)]


def world(noise: float, seed: int = 0) -> tuple[FloatArray, IntArray, IntArray]:
    """Probabilities of a good model, labels of which a share was changed, and the true ones."""
    random = np.random.default_rng(seed)
    true = random.integers(0, CLASSES, ROWS)
    logits = random.normal(0.0, 1.0, (ROWS, CLASSES))
    logits[np.arange(ROWS), true] += random.normal(4.0, 1.5, ROWS)
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = true.copy()
    changed = random.random(ROWS) < noise
    labels[changed] = (labels[changed] + random.integers(1, CLASSES, int(changed.sum()))) % CLASSES
    return probabilities, labels, true


@pytest.mark.parametrize("noise", [0.03, 0.08, 0.15])
def test_the_noise_that_was_put_in_lies_within_the_interval(noise: float) -> None:
    probabilities, labels, true = world(noise)
    found = noise_rate(probabilities, labels, GROUPS)
    assert found.low <= float((labels != true).mean()) <= found.high
    assert (found.low, found.high) == pytest.approx(wilson_interval(found.disagreeing, found.surest))


@pytest.mark.parametrize("noise", [0.08, 0.15])
def test_most_of_the_changed_labels_are_listed_and_few_others(noise: float) -> None:
    probabilities, labels, true = world(noise)
    rate = noise_rate(probabilities, labels, GROUPS)
    found = suspicion(probabilities, labels, class_thresholds(probabilities, labels))
    listed = found.most_suspect(rate.at_most(ROWS))
    changed = set(np.flatnonzero(labels != true).tolist())
    hits = len(changed & set(listed))
    assert hits / len(listed) > 0.95
    assert hits / len(changed) > 0.6
    assert np.array_equal(found.suggested[listed[:20]], true[listed[:20]])


def test_right_labels_are_left_alone() -> None:
    probabilities, labels, _ = world(0.0)
    rate = noise_rate(probabilities, labels, GROUPS)
    found = suspicion(probabilities, labels, class_thresholds(probabilities, labels))
    assert rate.disagreeing == 0
    assert len(found.most_suspect(ROWS)) < 0.02 * ROWS


def test_the_surest_rows_come_first() -> None:
    probabilities, labels, _ = world(0.1)
    found = suspicion(probabilities, labels, class_thresholds(probabilities, labels))
    margins = found.margin[found.most_suspect(ROWS)]
    assert (np.diff(margins) <= 0.0).all()


def test_a_class_that_the_model_is_never_sure_of_is_not_held_against_its_rows() -> None:
    # The second class reaches 0.45 at most, and never on rows of its own label alone.
    probabilities = np.array([[0.95, 0.05], [0.9, 0.1], [0.55, 0.45], [0.6, 0.4]])
    found = suspicion(probabilities, np.array([0, 0, 1, 1]), class_thresholds(probabilities, np.array([0, 0, 1, 1])))
    assert found.suggested.tolist() == [-1, -1, -1, -1]


def test_what_label_a_row_carries_has_no_part_in_whether_the_model_is_sure_of_it() -> None:
    probabilities, _, _ = world(0.1)
    surest = surest_rows(probabilities)
    given = probabilities.argmax(axis=1)
    for place in range(CLASSES):
        members = given == place
        assert surest[members].sum() == max(1, round(0.2 * members.sum()))
        assert probabilities[members & surest].max(axis=1).min() >= probabilities[members & ~surest].max(axis=1).max()


def test_a_class_without_rows_is_never_suggested() -> None:
    probabilities = np.array([[0.1, 0.2, 0.7], [0.2, 0.1, 0.7]])
    labels = np.array([0, 1])
    assert class_thresholds(probabilities, labels)[2] == np.inf
    assert 2 not in suspicion(probabilities, labels, class_thresholds(probabilities, labels)).suggested


def test_rows_of_one_group_count_once_in_the_interval() -> None:
    probabilities, labels, _ = world(0.08)
    alone = noise_rate(probabilities, labels, GROUPS)
    paired = noise_rate(probabilities, labels, [f"g{row // 50}" for row in range(ROWS)])
    assert paired.value == alone.value
    assert paired.high - paired.low > alone.high - alone.low
