"""The `profile` job: what the data itself allows, found with a cheap model in well under a minute.

The model learns from the rows as they are; a weight column says how much each test row counts in what is said of it, as
in every other figure over rows. Which rows are listed is a matter of counting them.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import numpy as np

from core.data.examples import read_examples
from core.domain import Example, FloatArray, IntArray, Split
from core.engines.prepared_weights import prepared_weights
from core.engines.profile.cross_fit import FOLDS, CrossFitted, cross_fit, smoothed_shares
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
    weights = _relative_weights(test, context) if parameters.weighted else {}
    own = np.array(list(weights.values())) if weights else None
    curve = learning_curve(train, test, parameters.metric, lambda number: step(FOLDS + number), own)
    context.progress("phase.profile", total, total)
    return ProfileResult(
        family=FAMILY,
        rows=0 if fitted is None else len(fitted.rows),
        rows_test=len(test),
        label_noise=None if fitted is None else _label_noise(fitted, weights),
        usable_information=None if fitted is None else _usable_information(fitted, weights),
        learning_curve=curve,
        seconds=time.monotonic() - begun,
    )


def _sampled(examples: Sequence[Example], most: int) -> list[Example]:
    """The examples, or a seeded sample of them in their order."""
    if len(examples) <= most:
        return list(examples)
    chosen = np.random.default_rng(_SEED).choice(len(examples), most, replace=False)
    return [examples[place] for place in np.sort(chosen).tolist()]


def _relative_weights(test: Sequence[Example], context: JobContext) -> dict[str, float]:
    """The weights of the test rows by their ids, in their order, the mean at 1; empty where all count alike."""
    of_name = prepared_weights(context.input_folder("data"))
    own = np.array([of_name[row.example_id] for row in test], dtype=np.float64)
    if len(own) == 0 or bool((own == own[0]).all()):
        return {}
    return dict(zip((row.example_id for row in test), (own / own.mean()).tolist(), strict=True))


def _weights_of(fitted: CrossFitted, weights: Mapping[str, float]) -> FloatArray | None:
    """Those of the test rows that were held out, shape (rows,); null where all count alike."""
    if not weights:
        return None
    return np.array([weights[fitted.rows[place].example_id] for place in fitted.test.tolist()], dtype=np.float64)


def _label_noise(fitted: CrossFitted, weights: Mapping[str, float]) -> LabelNoise | None:
    """What of the test rows is probably labelled wrongly; thresholds come from all rows. Null without test rows."""
    test = fitted.test
    if len(test) == 0:
        return None
    probabilities, targets = fitted.probabilities[test], fitted.targets[test]
    groups = [fitted.rows[place].group for place in test.tolist()]
    of_rows = noise_rate(probabilities, targets, groups)
    own = _weights_of(fitted, weights)
    rate = of_rows if own is None else noise_rate(probabilities, targets, groups, own)
    found = suspicion(probabilities, targets, class_thresholds(fitted.probabilities, fitted.targets))
    listed = found.most_suspect(of_rows.at_most(len(test)))
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


def _usable_information(fitted: CrossFitted, weights: Mapping[str, float]) -> UsableInformation | None:
    """How much of the labels' uncertainty the family takes away, in bits: H(label) − H(label | text), both as the model
    sees them (Ethayarajh, Choi and Swayamdipta, ICML 2022, arXiv 2110.08420, equations 1 to 4).

    Where test rows count differently, what is known without the text is how common each label is by their weights.
    """
    test = fitted.test
    if len(test) == 0:
        return None
    targets = fitted.targets[test]
    own = _weights_of(fitted, weights)
    shares = fitted.label_shares if own is None else smoothed_shares(targets, len(fitted.labels), own)
    without = -np.log2(shares[targets])
    with_text = -np.log2(np.maximum(fitted.probabilities[test, targets], np.finfo(np.float64).tiny))
    draws = resample_weights([fitted.rows[place].group for place in test.tolist()], _RESAMPLES)
    if own is not None:
        draws = draws * own
    gained: FloatArray = without - with_text
    low, high = percentile_interval((draws @ gained) / draws.sum(axis=1))
    value, label_bits = (
        float(one.mean()) if own is None else float(np.average(one, weights=own)) for one in (gained, without)
    )
    return UsableInformation(
        bits=value, low=min(low, value), high=max(high, value), label_bits=label_bits, rows=len(test)
    )
