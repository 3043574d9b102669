"""Quality over several seeds: what the interval covers, and that one seed changes nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from core.domain import FloatArray
from core.metrics.bootstrap import percentile_interval, resample_weights, seed_weights
from core.metrics.proportions import wilson_interval
from core.metrics.quality import estimate_quality, macro_f1_rows, mean_rows
from core.metrics.seeds import SeededRows, estimate_seeded

ROWS, DRAWS = 120, 400
GROUPS = [str(row) for row in range(ROWS)]
WEIGHTS = np.vstack([np.ones(ROWS), resample_weights(GROUPS, DRAWS)])


def mixing(seeds: int, key: int = 0) -> FloatArray:
    return np.vstack([np.full((1, seeds), 1 / seeds), seed_weights(seeds, DRAWS, (key,))])


def means(scores: FloatArray, key: int = 0) -> SeededRows:
    """Rows of a mean score; `scores` has the shape (seeds, rows)."""
    return SeededRows(tuple(mean_rows(own) for own in scores), mixing(len(scores), key))


def crossed(generator: np.random.Generator, seeds: int, between_seeds: float) -> FloatArray:
    """Scores around 0.5 with chance of rows, of seeds and of both together, shape (seeds, rows)."""
    rows = generator.normal(0.0, 0.08, ROWS)
    luck = generator.normal(0.0, between_seeds, (seeds, 1))
    return np.asarray(0.5 + rows + luck + generator.normal(0.0, 0.04, (seeds, ROWS)))


@pytest.mark.parametrize("seeds", [2, 3, 5])
@pytest.mark.parametrize(("between_seeds", "most"), [(0.003, 1.0), (0.01, 1.0), (0.05, 0.98)])
def test_interval_over_seeds_covers_the_expected_quality_about_95_times_in_100(
    seeds: int, between_seeds: float, most: float
) -> None:
    """Never less often; more often only where the few seeds vary less than the rows do."""
    generator = np.random.default_rng(seeds)
    hits = 0
    for trial in range(400):
        draws = means(crossed(generator, seeds, between_seeds), trial).values(WEIGHTS)[1:]
        low, high = percentile_interval(draws)
        hits += low <= 0.5 <= high
    assert 0.92 <= hits / 400 <= most


def test_seeds_drawn_with_replacement_would_cover_far_too_seldom() -> None:
    """Why the weights are studentised: three seeds drawn with replacement, the rows resampled alike."""
    generator = np.random.default_rng(1)
    hits = 0
    for _ in range(300):
        runs = np.stack([mean_rows(own).value(WEIGHTS)[1:] for own in crossed(generator, 3, 0.05)], axis=1)
        drawn = generator.multinomial(3, [1 / 3] * 3, DRAWS) / 3
        low, high = percentile_interval((runs * drawn).sum(axis=1))
        hits += low <= 0.5 <= high
    assert hits / 300 < 0.85


def test_interval_that_leaves_the_seeds_out_would_cover_far_too_seldom() -> None:
    generator = np.random.default_rng(2)
    hits = 0
    for trial in range(200):
        alone = means(crossed(generator, 3, 0.05), trial).alone(WEIGHTS)
        assert alone is not None
        low, high = percentile_interval(alone[1:])
        hits += low <= 0.5 <= high
    assert hits / 200 < 0.6


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 9), st.integers(0, 99))
def test_each_draws_seed_weights_add_up_to_one_and_come_again_with_their_key(seeds: int, key: int) -> None:
    weights = seed_weights(seeds, 50, (key,))
    assert weights.shape == (50, seeds)
    assert weights.sum(axis=1) == pytest.approx(np.ones(50))
    assert np.array_equal(weights, seed_weights(seeds, 50, (key,)))
    assert not np.array_equal(weights, seed_weights(seeds, 50, (key + 1,)))


@pytest.mark.parametrize("seeds", [2, 3, 6])
def test_mean_under_seed_weights_follows_students_distribution(seeds: int) -> None:
    values = np.random.default_rng(4).normal(0.9, 0.01, seeds)
    drawn = seed_weights(seeds, 20_000, (seeds,)) @ values
    standard = (drawn - values.mean()) / (values.std(ddof=1) / np.sqrt(seeds))
    assert stats.kstest(standard, stats.t(seeds - 1).cdf).pvalue > 0.001


def test_no_seed_is_refused() -> None:
    with pytest.raises(ValueError, match="no seeds"):
        seed_weights(0, 10, (0,))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0.0, 1.0), min_size=ROWS, max_size=ROWS), st.booleans())
def test_one_seed_gives_the_figures_of_the_rows_to_the_bit(scores: list[float], rounded: bool) -> None:
    own = np.round(scores) if rounded else np.array(scores)
    rows = means(own[None, :])
    plain = mean_rows(own)
    assert np.array_equal(rows.values(WEIGHTS), plain.value(WEIGHTS))
    assert rows.alone(WEIGHTS) is None
    assert estimate_seeded(rows, GROUPS, WEIGHTS) == estimate_quality(plain, GROUPS, WEIGHTS[1:])


def test_figure_is_the_mean_over_seeds_also_of_macro_f1() -> None:
    targets = ["a", "b"] * (ROWS // 2)
    generator = np.random.default_rng(5)
    outputs = [[str(name) for name in generator.choice(["a", "b"], ROWS)] for _ in range(3)]
    runs = tuple(macro_f1_rows(own, targets, ["a", "b"]) for own in outputs)
    estimate = estimate_seeded(SeededRows(runs, mixing(3)), GROUPS, WEIGHTS)
    assert estimate.value == pytest.approx(np.mean([float(run.value()) for run in runs]))
    assert (estimate.n, estimate.seeds) == (ROWS, 3)
    assert estimate.low < estimate.value < estimate.high


def test_seeds_that_agree_leave_the_spread_of_the_rows() -> None:
    scores = (np.random.default_rng(6).random(ROWS) < 0.8).astype(float)
    rows = means(np.stack([scores] * 3))
    assert rows.values(WEIGHTS) == pytest.approx(mean_rows(scores).value(WEIGHTS))
    assert rows.one_training(WEIGHTS) == pytest.approx(np.zeros(DRAWS + 1))


def test_all_right_with_every_seed_has_wilsons_interval_and_no_certainty() -> None:
    estimate = estimate_seeded(means(np.ones((3, ROWS))), GROUPS, WEIGHTS)
    assert (estimate.low, estimate.high) == wilson_interval(ROWS, ROWS)
    assert estimate.low < 1.0


def test_draws_stay_within_what_a_quality_can_be() -> None:
    """Two seeds far apart: Student's tails with one degree of freedom reach beyond 0 and 1."""
    scores = np.stack([np.full(ROWS, 0.2), np.full(ROWS, 0.9)])
    values = means(scores).values(WEIGHTS)
    assert values.min() == 0.0
    assert values.max() == 1.0


def test_one_training_spreads_by_the_root_of_the_number_of_seeds_more_than_their_mean() -> None:
    scores = np.repeat(np.array([[0.799], [0.8], [0.801]]), ROWS, axis=1)
    rows = means(scores)
    of_mean = rows.values(WEIGHTS)[1:] - 0.8
    assert rows.one_training(WEIGHTS)[1:] == pytest.approx(np.sqrt(3) * of_mean, abs=1e-9)


def test_slice_holds_its_own_rows_in_the_draws_that_have_some() -> None:
    mask = np.zeros(ROWS, dtype=np.bool_)
    mask[0] = True
    scores = np.random.default_rng(7).random((2, ROWS))
    values = means(scores).within(mask, WEIGHTS)
    assert values[0] == pytest.approx(scores[:, 0].mean())
    assert len(values) == int((WEIGHTS[:, 0] > 0).sum())
