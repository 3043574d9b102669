"""The learning curve of the cheap family: the same test rows answered after learning from more and more train rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from core.domain import Example, FloatArray, IntArray
from core.engines.profile.linear import LinearModel, vectorizer_of
from core.jobs.results import ExpectedQuality, HeldOutQuality, LearningCurve, SizeQuality
from core.metrics.bootstrap import resample_weights
from core.metrics.learning_curve import FEWEST_SIZES, Expected, extrapolate, held_out_size
from core.metrics.quality import MetricRows, at_least, metric_rows

FEWEST_ROWS = 20
_HALVINGS = 4
_RESAMPLES = 200
_SEED = 7
# Times as many train rows as there are now.
_AHEAD = (1.5, 2.0, 4.0)


def sizes_of(rows: int) -> list[int]:
    """How many train rows each point learns from, ascending, each twice the one before; empty where they are too few
    for a curve."""
    sizes = sorted({rows // 2**step for step in range(_HALVINGS + 1)})
    sizes = [size for size in sizes if size >= FEWEST_ROWS]
    return sizes if len(sizes) >= FEWEST_SIZES else []


def fits_of(sizes: Sequence[int]) -> list[tuple[int, int]]:
    """Which fits are made, as (size, repeat): small samples differ more, and cost less."""
    return [(size, repeat) for size in sizes for repeat in range(_repeats(size, sizes[-1]))]


def _repeats(size: int, most: int) -> int:
    return 1 if size == most else 2 if size * 2 >= most - 1 else 3


def learning_curve(
    train: Sequence[Example],
    test: Sequence[Example],
    metric: str,
    on_fit: Callable[[int], None],
    row_weights: FloatArray | None = None,
) -> LearningCurve | None:
    """The curve with what it lets expect; null where there are too few rows, or no word in them.

    `row_weights` is how much each test row counts, shape (rows,), null where all count alike; train rows are learnt
    from alike in any case.
    """
    sizes = sizes_of(len(train))
    if not sizes or len(test) < FEWEST_ROWS:
        return None
    labels = sorted({example.target for example in (*train, *test)})
    orders = [np.random.default_rng((_SEED, repeat)).permutation(len(train)) for repeat in range(3)]
    weights = resample_weights([example.group for example in test], _RESAMPLES)
    plain: dict[int, list[float]] = {size: [] for size in sizes}
    drawn: dict[int, list[FloatArray]] = {size: [] for size in sizes}
    last: dict[int, MetricRows] = {}
    for number, (size, repeat) in enumerate(fits_of(sizes)):
        on_fit(number)
        found = _answered([train[row] for row in orders[repeat][:size].tolist()], test, labels, metric)
        if found is None:
            return None
        last[size] = found = found.weighted(row_weights)
        plain[size].append(float(found.value()))
        drawn[size].append(found.value(weights))
    qualities = np.array([float(np.mean(plain[size])) for size in sizes])
    resampled = np.stack([_over_repeats(drawn[size], size) for size in sizes], axis=1)
    return _curve(metric, [last[size] for size in sizes], sizes, qualities, resampled)


def _answered(
    learnt: Sequence[Example], test: Sequence[Example], labels: Sequence[str], metric: str
) -> MetricRows | None:
    """How the test rows are answered after learning from some train rows; the vocabulary is theirs alone."""
    vectorizer = vectorizer_of([example.input for example in learnt])
    if vectorizer is None:
        return None
    place_of = {label: place for place, label in enumerate(labels)}
    targets: IntArray = np.array([place_of[example.target] for example in learnt], dtype=np.int64)
    model = LinearModel(vectorizer.transform([example.input for example in learnt]).tocsr(), targets, len(labels))
    chosen = model.logits(vectorizer.transform([example.input for example in test]).tocsr()).argmax(axis=1)
    outputs = [labels[place] for place in chosen.tolist()]
    scores = np.array([float(output == example.target) for output, example in zip(outputs, test, strict=True)])
    return metric_rows(metric, scores, outputs, [example.target for example in test], labels)


def _over_repeats(drawn: Sequence[FloatArray], size: int) -> FloatArray:
    """The mean over the repeats of one size in each resample, the repeats drawn anew too; shape (resamples,)."""
    count = len(drawn)
    times = np.random.default_rng((_SEED, size)).multinomial(count, [1.0 / count] * count, _RESAMPLES)
    return np.asarray((np.stack(drawn, axis=1) * times).sum(axis=1) / count)


def _curve(
    metric: str, answered: Sequence[MetricRows], sizes: Sequence[int], qualities: FloatArray, resampled: FloatArray
) -> LearningCurve:
    """The curve through the qualities of the sizes; `answered` are the test rows of one fit of each."""
    rows = np.array(sizes, dtype=np.float64)
    low, high = np.quantile(resampled, [0.025, 0.975], axis=0)
    checked = held_out_size(rows, qualities)
    law = extrapolate(rows, qualities, resampled)
    ahead = [law.at(round(times * sizes[-1])) for times in _AHEAD]
    return LearningCurve(
        metric="macro_f1" if metric == "macro_f1" else "accuracy",
        sizes=tuple(
            _measured(size, found, float(value), min(float(one), float(value)), max(float(two), float(value)))
            for size, found, value, one, two in zip(sizes, answered, qualities, low, high, strict=True)
        ),
        held_out=HeldOutQuality(rows=checked.rows, predicted=checked.predicted, measured=checked.measured),
        expected=tuple(_expected(one, answered[-1]) for one in ahead),
    )


def _measured(size: int, found: MetricRows, value: float, low: float, high: float) -> SizeQuality:
    low, high = at_least(found, value, low, high)
    return SizeQuality(rows=size, quality=value, low=low, high=high)


def _expected(one: Expected, found: MetricRows) -> ExpectedQuality:
    low, high = at_least(found, one.value, one.low, one.high)
    return ExpectedQuality(rows=one.rows, quality=one.value, low=low, high=high)
