import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.metrics.percentiles import percentile_with_interval, percentiles, probability_within


@pytest.mark.parametrize(
    ("n", "shown"), [(0, ()), (1, ("p50",)), (58, ("p50",)), (59, ("p50", "p95")), (298, ("p50", "p95")),
                     (299, ("p50", "p95", "p99"))],
)  # fmt: skip
def test_percentiles_are_hidden_below_their_minimum_of_samples(n: int, shown: tuple[str, ...]) -> None:
    found = percentiles([float(value) for value in range(n)])
    assert tuple(name for name in ("p50", "p95", "p99") if getattr(found, name) is not None) == shown
    assert found.n == n


def test_interval_of_p95_equals_the_one_by_resampling() -> None:
    generator = np.random.default_rng(0)
    samples = generator.lognormal(3, 0.5, 200)
    draws = np.quantile(generator.choice(samples, (4000, 200)), 0.95, axis=1, method="inverted_cdf")
    found = percentile_with_interval(samples.tolist(), 0.95)
    assert found is not None
    assert found[1:] == pytest.approx(np.quantile(draws, [0.025, 0.975]), rel=0.02)
    limit = float(np.median(draws))
    assert probability_within(samples.tolist(), 0.95, limit) == pytest.approx(np.mean(draws <= limit), abs=0.03)


@given(samples=st.lists(st.floats(0.1, 1e4), min_size=59, max_size=120), limits=st.tuples(*[st.floats(0, 2e4)] * 2))
def test_a_looser_limit_is_never_less_likely_to_hold(samples: list[float], limits: tuple[float, float]) -> None:
    tight, loose = (probability_within(samples, 0.95, limit) for limit in sorted(limits))
    assert tight is not None
    assert loose is not None
    assert 0 <= tight <= loose <= 1
    assert probability_within(samples, 0.95, max(samples)) == 1.0
    assert probability_within(samples, 0.95, min(samples) / 2) == 0.0
    found = percentile_with_interval(samples, 0.95)
    assert found is not None
    value, low, high = found
    assert min(samples) <= low <= value <= high <= max(samples)


def test_too_few_samples_give_no_interval_and_no_probability() -> None:
    assert percentile_with_interval([1.0] * 58, 0.95) is None
    assert probability_within([1.0] * 58, 0.95, 2.0) is None
