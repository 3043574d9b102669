"""What the data itself allows, found in data whose limits are known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from job_context import RecordingContext, job_context

from core.data.examples import write_examples
from core.domain import Example, Split
from core.engines.profile import job
from core.jobs.results import ProfileResult
from core.jobs.specs import ProfileParameters
from core.worker.context import Stopped

LABELS = ("card", "loan", "fee", "app", "fraud")
PARAMETERS = ProfileParameters(metric="accuracy")
NOISE = 0.08


def clean(rows: int, seed: int = 3) -> list[Example]:
    """Texts of five classes, each with words of its own among words that all share; a third of them is test."""
    random = np.random.default_rng(seed)
    examples = []
    for row in range(rows):
        label = LABELS[int(random.integers(len(LABELS)))]
        own = [f"{label}{int(word)}" for word in random.integers(0, 12, 3)]
        shared = [f"word{int(word)}" for word in random.integers(0, 40, 5)]
        split = Split.TEST if row % 3 == 0 else Split.CALIBRATION if row % 3 == 1 and row % 2 else Split.TRAIN
        examples.append(Example(f"row-{row}", split, f"g{row}", " ".join([*own, *shared]), label))
    return examples


def mislabelled(examples: list[Example], seed: int = 5) -> tuple[list[Example], set[str]]:
    """The same with some labels changed, and the ids of those."""
    random = np.random.default_rng(seed)
    changed, ids = [], set()
    for example in examples:
        if random.random() < NOISE:
            others = [label for label in LABELS if label != example.target]
            changed.append(replace(example, target=others[int(random.integers(len(others)))]))
            ids.add(example.example_id)
        else:
            changed.append(example)
    return changed, ids


def profile(folder: Path, examples: list[Example], parameters: ProfileParameters = PARAMETERS) -> ProfileResult:
    return job.run(parameters, prepared(folder, examples, parameters))


def prepared(
    folder: Path, examples: list[Example], parameters: ProfileParameters = PARAMETERS, stop_at: int | None = None
) -> RecordingContext:
    data = folder / "data"
    data.mkdir(parents=True, exist_ok=True)
    write_examples(data, examples)

    def stop(context: RecordingContext) -> bool:
        return stop_at is not None and context.steps("phase.profile") >= stop_at

    return job_context(folder / "job", parameters, {"data": data}, stop)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> tuple[ProfileResult, list[Example], set[str]]:
    examples, ids = mislabelled(clean(1800))
    return profile(tmp_path_factory.mktemp("noise"), examples), examples, ids


def test_the_noise_that_was_put_in_lies_within_the_interval(
    found: tuple[ProfileResult, list[Example], set[str]],
) -> None:
    result, examples, ids = found
    test = [example for example in examples if example.split is Split.TEST]
    noise = result.label_noise
    assert noise is not None
    assert noise.rows == len(test)
    true = sum(example.example_id in ids for example in test) / len(test)
    assert noise.low <= true <= noise.high
    assert noise.high < 2.5 * NOISE


def test_listed_rows_are_test_rows_whose_labels_were_changed_and_most_of_those(
    found: tuple[ProfileResult, list[Example], set[str]],
) -> None:
    result, examples, ids = found
    assert result.label_noise is not None
    listed = {row.example_id for row in result.label_noise.suspects}
    test = {example.example_id for example in examples if example.split is Split.TEST}
    assert listed <= test
    assert result.label_noise.suspected == len(listed)
    assert len(listed & ids) / len(listed) > 0.85
    assert len(listed & ids) / len(test & ids) > 0.7


def test_a_listed_row_says_what_it_is_called_and_what_it_probably_is(
    found: tuple[ProfileResult, list[Example], set[str]],
) -> None:
    result, examples, ids = found
    assert result.label_noise is not None
    original = {example.example_id: example.target for example in clean(1800)}
    given = {example.example_id: example.target for example in examples}
    surest = [row for row in result.label_noise.suspects if row.example_id in ids][:10]
    assert [row.target for row in surest] == [given[row.example_id] for row in surest]
    assert [row.suggested for row in surest] == [original[row.example_id] for row in surest]
    assert all(row.confidence > row.target_probability for row in surest)


def test_labels_without_noise_are_left_alone(tmp_path: Path) -> None:
    noise = profile(tmp_path, clean(1200)).label_noise
    assert noise is not None
    assert noise.low == 0.0
    assert noise.rate < 0.02
    assert noise.suspected <= 8


def test_text_that_tells_the_label_holds_nearly_all_of_its_information(tmp_path: Path) -> None:
    known = profile(tmp_path, clean(1200)).usable_information
    assert known is not None
    assert known.label_bits == pytest.approx(np.log2(len(LABELS)), abs=0.02)
    assert 0.9 * known.label_bits < known.bits < known.label_bits
    assert known.low <= known.bits <= known.high


def test_text_that_has_nothing_to_do_with_the_label_holds_none(tmp_path: Path) -> None:
    random = np.random.default_rng(9)
    shuffled = [replace(one, target=LABELS[int(random.integers(len(LABELS)))]) for one in clean(900)]
    known = profile(tmp_path, shuffled).usable_information
    assert known is not None
    assert known.bits < 0.1


def test_the_learning_curve_rises_and_tells_its_own_error(
    found: tuple[ProfileResult, list[Example], set[str]],
) -> None:
    curve = found[0].learning_curve
    assert curve is not None
    sizes, qualities = [one.rows for one in curve.sizes], [one.quality for one in curve.sizes]
    train = sum(example.split is Split.TRAIN for example in found[1])
    assert sizes == [train // 16, train // 8, train // 4, train // 2, train]
    assert qualities[0] < qualities[2] < qualities[-1]
    assert curve.held_out.rows == train
    assert curve.held_out.measured == qualities[-1]
    assert abs(curve.held_out.predicted - curve.held_out.measured) < 0.1
    assert [one.rows for one in curve.expected] == [round(times * train) for times in (1.5, 2.0, 4.0)]
    error = abs(curve.held_out.predicted - curve.held_out.measured)
    for one in curve.expected:
        assert one.low <= one.quality <= one.high
        assert (one.high - one.low) / 2 >= min(error, 1.0 - one.quality) / 2


def test_macro_f1_is_curved_as_macro_f1(tmp_path: Path) -> None:
    curve = profile(tmp_path, clean(600), ProfileParameters(metric="macro_f1")).learning_curve
    assert curve is not None
    assert curve.metric == "macro_f1"


def test_the_same_rows_give_the_same_profile(tmp_path: Path) -> None:
    examples, _ = mislabelled(clean(450))
    first, second = (profile(tmp_path / name, examples) for name in ("one", "two"))
    assert first.model_copy(update={"seconds": 0.0}) == second.model_copy(update={"seconds": 0.0})


def test_few_rows_say_nothing_rather_than_something(tmp_path: Path) -> None:
    result = profile(tmp_path, clean(60))
    assert result.label_noise is None
    assert result.usable_information is None
    assert result.learning_curve is None


def test_texts_without_a_word_say_nothing(tmp_path: Path) -> None:
    blank = [replace(example, input="?!") for example in clean(300)]
    result = profile(tmp_path, blank)
    assert (result.label_noise, result.usable_information, result.learning_curve) == (None, None, None)


def test_rows_that_are_all_test_are_answered_by_each_other(tmp_path: Path) -> None:
    result = profile(tmp_path, [replace(example, split=Split.TEST) for example in clean(400)])
    assert result.label_noise is not None
    assert result.learning_curve is None


def test_it_stops_between_two_fits_when_it_is_asked_to(tmp_path: Path) -> None:
    context = prepared(tmp_path, clean(450), stop_at=2)
    with pytest.raises(Stopped):
        job.run(PARAMETERS, context)
    assert context.steps("phase.profile") == 2
