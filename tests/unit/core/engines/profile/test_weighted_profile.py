"""The data's own limits where test rows count by their weights: as quality does that stands beside them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from job_context import job_context

from core.data.examples import write_examples
from core.domain import Example, Split
from core.engines.profile import job
from core.events import Finished, to_line
from core.jobs.folder import EVENTS_FILE
from core.jobs.identity import job_id
from core.jobs.results import PrepareResult, ProfileResult
from core.jobs.specs import ProfileParameters

LABELS = ("card", "loan", "fee")
WRONG_EVERY = 10
HEAVY = 20.0


def _examples(rows: int = 360) -> list[Example]:
    """Texts that tell their label; every tenth row of test is called something else."""
    random = np.random.default_rng(3)
    found = []
    for row in range(rows):
        label, split = LABELS[row % 3], Split.TEST if row % 2 else Split.TRAIN
        words = " ".join(f"{label}{int(word)}" for word in random.integers(0, 9, 4))
        found.append(Example(f"row-{row}", split, f"g{row}", words, label))
    test = [place for place, one in enumerate(found) if one.split is Split.TEST]
    for place in test[::WRONG_EVERY]:
        others = [label for label in LABELS if label != found[place].target]
        found[place] = replace(found[place], target=others[place % 2])
    return found


def _wrong(examples: list[Example]) -> set[str]:
    return {one.example_id for one in [one for one in examples if one.split is Split.TEST][::WRONG_EVERY]}


def _profile(folder: Path, examples: list[Example], weights: list[float] | None) -> ProfileResult:
    data = folder / "data"
    data.mkdir(parents=True)
    write_examples(data, examples)
    prepared = PrepareResult(
        rows_train=1, rows_calibration=0, rows_test=1, dropped=(), labels=LABELS, groups=1, duplicate_rows=0,
        input_length_p50=1, input_length_p95=1, input_length_max=1, label_entropy_bits=None, seconds=0.1,
        weights=tuple(weights or ()),
    )  # fmt: skip
    event = Finished(job_id="data", sequence=1, at=datetime.now(UTC), result=prepared.model_dump(mode="json"))
    (data / EVENTS_FILE).write_text(to_line(event) + "\n", encoding="utf-8")
    parameters = ProfileParameters(metric="accuracy", weighted=weights is not None)
    found = job.run(parameters, job_context(folder / "job", parameters, {"data": data}))
    return found.model_copy(update={"seconds": 0.0})


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[ProfileResult, ProfileResult]:
    """The profile of rows that count alike, and of those whose wrong labels weigh much."""
    examples, folder = _examples(), tmp_path_factory.mktemp("weighted")
    heavy = [HEAVY if one.example_id in _wrong(examples) else 1.0 for one in examples]
    return _profile(folder / "plain", examples, None), _profile(folder / "heavy", examples, heavy)


def test_wrong_labels_that_weigh_much_lower_the_ceiling(both: tuple[ProfileResult, ProfileResult]) -> None:
    plain, heavy = (one.label_noise for one in both)
    assert plain is not None
    assert heavy is not None
    share = heavy.disagreeing_rows * HEAVY
    assert heavy.rate == pytest.approx(share / (share + heavy.surest_rows - heavy.disagreeing_rows))
    assert heavy.rate > 2 * plain.rate
    assert heavy.low < heavy.rate < heavy.high
    assert heavy.high - heavy.low > plain.high - plain.low


def test_which_rows_are_listed_and_how_many_is_a_matter_of_counting_them(
    both: tuple[ProfileResult, ProfileResult],
) -> None:
    plain, heavy = (one.label_noise for one in both)
    assert plain is not None
    assert heavy is not None
    assert heavy.suspects == plain.suspects
    assert (heavy.suspected, heavy.surest_rows) == (plain.suspected, plain.surest_rows)


def test_the_curve_and_the_information_are_of_the_weighted_rows(both: tuple[ProfileResult, ProfileResult]) -> None:
    plain, heavy = (one.learning_curve for one in both)
    assert plain is not None
    assert heavy is not None
    right = plain.sizes[-1].quality
    assert right > 0.8
    assert heavy.sizes[-1].quality < 0.5
    assert [one.rows for one in heavy.sizes] == [one.rows for one in plain.sizes]
    assert all(one.low <= one.quality <= one.high for one in heavy.sizes)
    assert all(one.low <= one.quality <= one.high for one in heavy.expected)
    known, heavily = (one.usable_information for one in both)
    assert known is not None
    assert heavily is not None
    assert heavily.bits < known.bits
    assert heavily.low <= heavily.bits <= heavily.high


def test_what_there_is_to_know_is_the_entropy_of_the_weighted_labels(tmp_path: Path) -> None:
    examples = _examples()
    weights = [50.0 if one.target == "card" else 1.0 for one in examples]
    known = _profile(tmp_path, examples, weights).usable_information
    assert known is not None
    test = [(one.target, weight) for one, weight in zip(examples, weights, strict=True) if one.split is Split.TEST]
    shares = np.array([sum(weight for target, weight in test if target == label) for label in LABELS])
    shares = shares / shares.sum()
    assert known.label_bits == pytest.approx(float(-(shares * np.log2(shares)).sum()), abs=0.05)


def test_equal_weights_give_the_profile_of_rows_without_weights(
    tmp_path: Path, both: tuple[ProfileResult, ProfileResult]
) -> None:
    examples = _examples()
    assert _profile(tmp_path, examples, [7.0] * len(examples)) == both[0]


def test_only_the_profile_of_weighted_rows_is_another_job() -> None:
    plain, weighted = (ProfileParameters(metric="accuracy", weighted=one) for one in (False, True))
    assert "weighted" not in plain.model_dump(exclude_defaults=True)
    assert job_id(plain, {"data": "x"}) != job_id(weighted, {"data": "x"})
