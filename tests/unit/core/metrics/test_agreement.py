"""Agreement beyond chance, against scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from core.metrics.agreement import cohens_kappa


@pytest.mark.parametrize("seed", range(20))
def test_kappa_is_that_of_scikit_learn(seed: int) -> None:
    random = np.random.default_rng(seed)
    first, second = random.random(60) < 0.7, random.random(60) < random.random()
    counts = (int((first == second).sum()), int(first.sum()), int(second.sum()))
    assert cohens_kappa(60, *counts) == pytest.approx(cohen_kappa_score(first, second), abs=1e-12)


def test_a_rater_with_one_word_for_all_agrees_as_chance_would_to_the_last_digit() -> None:
    assert cohens_kappa(60, 29, 0, 31) == 0.0
    assert cohens_kappa(60, 60, 60, 60) is None
    assert cohens_kappa(0, 0, 0, 0) is None
