import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.metrics.bootstrap import lower_bound, percentile_interval, resample_weights


@given(groups=st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=30), seed=st.integers(0, 9))
def test_resamples_draw_whole_groups_as_often_as_there_are_groups(groups: list[str], seed: int) -> None:
    weights = resample_weights(groups, 20, seed)
    assert weights.shape == (20, len(groups))
    drawn = np.zeros(20)
    for name in set(groups):
        members = weights[:, [group == name for group in groups]]
        assert (members == members[:, :1]).all()
        drawn += members[:, 0]
    assert (drawn == len(set(groups))).all()
    assert np.array_equal(weights, resample_weights(groups, 20, seed))


def test_rows_that_repeat_each_other_do_not_narrow_the_interval() -> None:
    scores = np.random.default_rng(0).integers(0, 2, 100).astype(float)
    single = resample_weights([str(row) for row in range(100)])
    fivefold = resample_weights([str(row) for row in range(100) for _ in range(5)])
    repeated = np.repeat(scores, 5)
    deviation = np.std(single @ scores / single.sum(1))
    assert np.std(fivefold @ repeated / fivefold.sum(1)) == pytest.approx(deviation, rel=0.1)


def test_percentile_interval_covers_the_mean_about_as_often_as_it_says() -> None:
    generator = np.random.default_rng(3)
    weights = resample_weights([str(row) for row in range(150)], 400)
    hits = 0
    for _ in range(300):
        low, high = percentile_interval(weights @ generator.normal(1.0, 2.0, 150) / 150)
        hits += low <= 1.0 <= high
    assert 0.90 <= hits / 300 <= 0.985


def test_undefined_resamples_are_refused() -> None:
    with pytest.raises(ValueError, match="undefined"):
        percentile_interval(np.array([0.1, np.nan]))
    with pytest.raises(ValueError, match="no rows"):
        resample_weights([])


def test_lower_bound_leaves_five_percent_below() -> None:
    values = np.arange(1001, dtype=float)[:, None] * np.array([1.0, 2.0])
    assert lower_bound(values).tolist() == pytest.approx([50.0, 100.0])
