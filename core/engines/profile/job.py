"""The `profile` job: what the data itself allows, found with a cheap model in well under a minute.

It is about the rows as they are: a weight column plays no part in it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from core.data.examples import read_examples
from core.domain import Example, FloatArray, IntArray, Split
from core.engines.profile.cross_fit import FOLDS, CrossFitted, cross_fit
from core.engines.profile.curve import fits_of, learning_curve, sizes_of
from core.engines.profile.linear import FAMILY
from core.jobs.results import LabelNoise, ProfileResult, SuspectRow, UsableInformation
from core.jobs.specs import ProfileParameters
from core.metrics.bootstrap import percentile_interval, resample_weights
from core.metrics.label_noise import class_thresholds, noise_rate, suspicion
from core.worker.context import JobContext, Stopped

FEWEST_TEST_ROWS = 30
MOST_ROWS_LISTED = 200
# Beyond it more rows say the same in more time; probabilities are kept for each of them and each class.
_MOST_ROWS = 20_000
_MOST_CELLS = 20_000_000
_RESAMPLES = 500
_SEED = 7


def run(parameters: ProfileParameters, context: JobContext) -> ProfileResult:
    """The profile of the prepared rows; parts that too few rows allow are null. Raises Stopped."""
    begun = time.monotonic()
    context.started("CPU")
    examples = [example for example in read_examples(context.input_folder("data")) if example.target]
    classes = max(len({example.target for example in examples}), 1)
    most = min(_MOST_ROWS, _MOST_CELLS // classes)
    test = _sampled([example for example in examples if example.split is Split.TEST], most)
    learnt = _sampled([example for example in examples if example.split is not Split.TEST], most)
    train = [example for example in learnt if example.split is Split.TRAIN]
    total = FOLDS + len(fits_of(sizes_of(len(train)) or [1]))

    def step(number: int) -> None:
        context.progress("phase.profile", number, total)
        if context.should_stop():
            raise Stopped

    fitted = cross_fit([*learnt, *test], step) if len(test) >= FEWEST_TEST_ROWS and classes > 1 else None
    curve = learning_curve(train, test, parameters.metric, lambda number: step(FOLDS + number))
    context.progress("phase.profile", total, total)
    return ProfileResult(
        family=FAMILY,
        rows=0 if fitted is None else len(fitted.rows),
        rows_test=len(test),
        label_noise=None if fitted is None else _label_noise(fitted),
        usable_information=None if fitted is None else _usable_information(fitted),
        learning_curve=curve,
        seconds=time.monotonic() - begun,
    )


def _sampled(examples: Sequence[Example], most: int) -> list[Example]:
    """The examples, or a seeded sample of them in their order."""
    if len(examples) <= most:
        return list(examples)
    chosen = np.random.default_rng(_SEED).choice(len(examples), most, replace=False)
    return [examples[place] for place in np.sort(chosen).tolist()]


def _label_noise(fitted: CrossFitted) -> LabelNoise | None:
    """What of the test rows is probably labelled wrongly; thresholds come from all rows. Null without test rows."""
    test = fitted.test
    if len(test) == 0:
        return None
    probabilities, targets = fitted.probabilities[test], fitted.targets[test]
    rate = noise_rate(probabilities, targets, [fitted.rows[place].group for place in test.tolist()])
    found = suspicion(probabilities, targets, class_thresholds(fitted.probabilities, fitted.targets))
    listed = found.most_suspect(rate.at_most(len(test)))
    return LabelNoise(
        rate=rate.value,
        low=rate.low,
        high=rate.high,
        rows=len(test),
        surest_rows=rate.surest,
        disagreeing_rows=rate.disagreeing,
        suspected=len(listed),
        suspects=tuple(_suspect(fitted, test, found.suggested, place) for place in listed[:MOST_ROWS_LISTED]),
    )


def _suspect(fitted: CrossFitted, test: IntArray, suggested: IntArray, place: int) -> SuspectRow:
    row, label = int(test[place]), int(suggested[place])
    return SuspectRow(
        example_id=fitted.rows[row].example_id,
        target=fitted.rows[row].target,
        suggested=fitted.labels[label],
        confidence=float(fitted.probabilities[row, label]),
        target_probability=float(fitted.probabilities[row, int(fitted.targets[row])]),
    )


def _usable_information(fitted: CrossFitted) -> UsableInformation | None:
    """How much of the labels' uncertainty the family takes away, in bits: H(label) − H(label | text), both as the model
    sees them (Ethayarajh, Choi and Swayamdipta, ICML 2022, arXiv 2110.08420, equations 1 to 4)."""
    test = fitted.test
    if len(test) == 0:
        return None
    targets = fitted.targets[test]
    without = -np.log2(fitted.label_shares[targets])
    with_text = -np.log2(np.maximum(fitted.probabilities[test, targets], np.finfo(np.float64).tiny))
    weights = resample_weights([fitted.rows[place].group for place in test.tolist()], _RESAMPLES)
    gained: FloatArray = without - with_text
    low, high = percentile_interval((weights @ gained) / weights.sum(axis=1))
    value = float(gained.mean())
    return UsableInformation(
        bits=value, low=min(low, value), high=max(high, value), label_bits=float(without.mean()), rows=len(test)
    )
