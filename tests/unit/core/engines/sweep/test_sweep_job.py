"""A search end to end on tiny models: what it sees, what it chooses, and that a kill costs at most one training."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from job_context import RecordingContext, job_context
from safetensors.torch import load_file
from sweep_tasks import ROWS, line, sweeping, until_stopped, write_trained_teacher
from tiny_models import LABELS, WORDS, tiny_config, write_body

from core.data.examples import read_examples, write_examples
from core.domain import Example, Split
from core.engines import fine_tune
from core.engines.distill.loop import train
from core.engines.distill.training import Training, TrainingState
from core.engines.held_out import HeldOut, held_out_rows
from core.engines.models import open_classifier, read_card
from core.engines.sweep import classifiers, job, searching, trial
from core.engines.sweep.figures import Figures, Speed
from core.engines.sweep.judge import qualities_of
from core.engines.sweep.measure import Student, write_quantised
from core.engines.sweep.objective import best_trial
from core.engines.sweep.records import TrialLine, append_trial, read_trials
from core.engines.sweep.rows import search_rows
from core.errors import UserError
from core.jobs.results import SweepResult, TrainResult
from core.jobs.specs import FineTuneParameters, SweepLimits, SweepParameters
from core.spec import LocalModel, Train


class KilledError(Exception):
    """Stands for a kill: nothing of ours runs after it."""


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return write_trained_teacher(tmp_path_factory.mktemp("sweep_inputs"))


@pytest.fixture(autouse=True)
def _measured_by_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """Speeds that follow from the number of weights and the form, so that a search is the same each time."""

    def measure(student: Student, quantize: str, held_out: HeldOut, turns: int, tell: object) -> Figures:
        classifier = open_classifier(student.model)
        rate = 1e7 / classifier.parameters * (1.0 if quantize == "none" else 2.0)
        speed = Speed((rate,) * turns, (1000.0 / rate,) * 60)
        return Figures(held_out.quality_of(classifier), speed, classifier.parameters / 2**18)

    def copied(student: Student, quantize: str, out: Path, compared: Sequence[str], tell: object) -> None:
        shutil.copytree(student.model, out)

    monkeypatch.setattr(classifiers, "measure", measure)
    monkeypatch.setattr(classifiers, "write_quantised", copied)


def run(
    folder: Path,
    inputs: dict[str, Path],
    parameters: SweepParameters,
    stop: Callable[[RecordingContext], bool] = lambda context: False,
) -> tuple[SweepResult, RecordingContext]:
    context = job_context(folder, parameters, inputs, stop)
    return job.run(parameters, context), context


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model" / "model.safetensors")


def without_times(result: SweepResult) -> object:
    return [(one.number, one.state, one.settings, one.quality, one.feasible) for one in result.trials], result.chosen


def test_the_fastest_student_that_keeps_the_teacher_s_quality_is_chosen(
    inputs: dict[str, Path], tmp_path: Path
) -> None:
    result, context = run(tmp_path, inputs, sweeping(trials=4, epochs=8))
    kept = [one for one in result.trials if one.quality is not None and one.quality >= 0.9 * result.teacher_quality]
    assert {one.number for one in result.trials if one.feasible} == {one.number for one in kept}
    chosen = result.trials[result.chosen]
    assert chosen.feasible
    assert chosen.requests_per_second == max(one.requests_per_second or 0.0 for one in kept)
    assert result.rows_held_out == 18
    assert [point[:2] for point in context.metrics if point[0] == "trial_quality"] == [
        ("trial_quality", number) for number in range(4)
    ]
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["model", "trials.jsonl"]


def test_the_chosen_student_is_trained_again_on_all_train_rows(
    inputs: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []

    def counting(*parts: Any) -> TrainResult:
        seen.append(len(parts[4]))
        return trial.train_student(*parts)

    monkeypatch.setattr(classifiers, "train_student", counting)
    run(tmp_path, inputs, sweeping(trials=2))
    assert seen == [ROWS - 18, ROWS - 18, ROWS]


def test_a_teacher_that_learnt_the_held_out_rows_is_judged_by_its_training_without_them(
    inputs: dict[str, Path], tmp_path: Path
) -> None:
    """Targets of no pattern: what the teacher knows of them it knows by heart, and nobody knows the held-out ones."""
    chance = np.random.default_rng(0)
    texts = [" ".join(chance.permutation(WORDS)[:5]) for _ in range(ROWS)]
    rows = [
        Example(f"r{n}", Split.TRAIN, f"g{n}", text, LABELS[int(chance.integers(3))]) for n, text in enumerate(texts)
    ]
    own = {name: tmp_path / name for name in ("data", "teacher", "reference")}
    own["data"].mkdir()
    write_examples(own["data"], rows)
    body = LocalModel(source="local", path=str(write_body(tmp_path / "body", tiny_config(dropout=0.0))))
    settings = Train(method="fine_tune", epochs=60, batch_size=8, max_length=32, learning_rate=3e-3)
    for name, seed in (("teacher", None), ("reference", 1)):
        told = FineTuneParameters(model=body, train=settings, held_out_seed=seed)
        fine_tune.run(told, job_context(own[name], told, {"data": own["data"]}))
    without = {name: own[name] for name in ("data", "teacher")}
    by_heart, _ = run(tmp_path / "unfair", without, sweeping(trials=1))
    fair, context = run(tmp_path / "fair", own, sweeping(trials=1))
    assert by_heart.teacher_quality > 0.8
    assert fair.teacher_quality < 0.7
    assert any(f"{fair.teacher_quality * 100:.1f}\u00a0%" in text for text in context.logs)


def test_with_no_student_that_keeps_everything_the_best_one_is_taken_and_this_is_said(
    inputs: dict[str, Path], tmp_path: Path
) -> None:
    result, context = run(tmp_path, inputs, sweeping(SweepLimits(p95_latency_ms=1e-6), trials=3))
    assert not any(one.feasible for one in result.trials)
    assert result.trials[result.chosen].quality == max(one.quality or 0.0 for one in result.trials)
    assert any("no trial keeps everything" in text for text in context.logs)


def test_each_form_is_a_trial_and_shares_one_training(
    inputs: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(classifiers, "write_quantised", write_quantised)
    result, _ = run(tmp_path, inputs, sweeping(trials=2, quantize=["none", "int8_dynamic", "none"]))
    assert [one.settings["quantize"] for one in result.trials] == ["none", "int8_dynamic"] * 2
    assert [one.training for one in read_trials(tmp_path)] == [0, 0, 1, 1]
    first, second = (dict(one.settings) for one in result.trials[:2])
    assert first.pop("quantize") != second.pop("quantize")
    assert first == second
    assert result.trials[result.chosen].settings["quantize"] == "int8_dynamic"
    assert read_card(tmp_path / "model").format == "onnx"
    assert open_classifier(tmp_path / "model").probabilities(["lost card"]).shape == (1, 3)


def test_test_and_calibration_rows_are_never_seen(inputs: dict[str, Path], tmp_path: Path) -> None:
    examples = read_examples(inputs["data"])
    straight, _ = run(tmp_path / "straight", inputs, sweeping(trials=2))
    others = [
        Example(one.example_id, one.split, one.group, "please the", "of another world")
        if one.split is not Split.TRAIN
        else one
        for one in examples
    ]
    others.append(Example("c0", Split.CALIBRATION, "g-c0", "my the", "of another world"))
    changed = tmp_path / "data"
    changed.mkdir()
    write_examples(changed, others)
    again, _ = run(tmp_path / "again", {**inputs, "data": changed}, sweeping(trials=2))
    assert without_times(straight) == without_times(again)


def test_held_out_rows_share_no_group_with_those_that_are_learnt() -> None:
    generator = np.random.default_rng(0)
    groups = [f"g{number}" for number in generator.integers(0, 40, size=200)]
    targets = [f"label {int(group[1:]) % 5}" for group in groups]
    held = set(held_out_rows(targets, groups, 3).tolist())
    assert 20 <= len(held) <= 60
    assert {groups[row] for row in held}.isdisjoint(groups[row] for row in range(200) if row not in held)
    assert {targets[row] for row in range(200) if row not in held} == set(targets)
    assert held == set(held_out_rows(targets, groups, 3).tolist())
    assert held != set(held_out_rows(targets, groups, 4).tolist())


def test_a_search_stopped_again_and_again_ends_as_one_that_was_not(
    inputs: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERCET_CHECKPOINT_SECONDS", "0")
    parameters = sweeping(trials=3, quantize=["none", "int8_dynamic"])
    straight, _ = run(tmp_path / "straight", inputs, parameters)
    attempts: list[SweepResult | None] = []
    while not attempts or attempts[-1] is None:
        attempts.append(until_stopped(partial(run, tmp_path / "stopped", inputs, parameters), 13))
        assert len(attempts) < 30
    result = attempts[-1]
    assert len(attempts) > 6
    assert without_times(result) == without_times(straight)
    name = "model/model.safetensors"
    assert (tmp_path / "straight" / name).read_bytes() == (tmp_path / "stopped" / name).read_bytes()


@pytest.mark.parametrize("before_kill", [0, 1, 2])
def test_a_kill_between_two_forms_of_a_training_costs_no_training(
    inputs: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before_kill: int
) -> None:
    parameters = sweeping(trials=2, quantize=["none", "int8_dynamic"])
    straight, _ = run(tmp_path / "straight", inputs, parameters)
    calls = iter(range(100))

    def dying(folder: Path, one: TrialLine) -> None:
        if next(calls) == before_kill:
            raise KilledError
        append_trial(folder, one)

    monkeypatch.setattr(searching, "append_trial", dying)
    with pytest.raises(KilledError):
        run(tmp_path / "killed", inputs, parameters)
    monkeypatch.setattr(searching, "append_trial", append_trial)
    trained: list[int] = []

    def counting(training: Training, *rest: Any) -> TrainingState:
        trained.append(training.total_steps)
        return train(training, *rest)

    monkeypatch.setattr("core.engines.distill.training_job.train", counting)
    result, _ = run(tmp_path / "killed", inputs, parameters)
    assert without_times(result) == without_times(straight)
    # Those that had not begun, and the last one on all rows.
    assert len(trained) == (2 if before_kill < 2 else 1)
    assert (tmp_path / "killed/model").is_dir()


def test_a_training_killed_after_an_epoch_tells_each_epoch_once(inputs: dict[str, Path], tmp_path: Path) -> None:
    parameters = sweeping(trials=1, epochs=3)
    run(tmp_path / "straight", inputs, parameters)

    def killed(_: RecordingContext) -> bool:
        if len(qualities_of(tmp_path / "killed" / "trials" / "training-0000")) == 2:
            raise KilledError
        return False

    with pytest.raises(KilledError):
        run(tmp_path / "killed", inputs, parameters, killed)
    run(tmp_path / "killed", inputs, parameters)
    (killed_line,), (line_,) = read_trials(tmp_path / "killed"), read_trials(tmp_path / "straight")
    assert len(line_.qualities) == 3
    assert killed_line.qualities == line_.qualities


def test_a_torn_last_line_costs_its_trial_alone(tmp_path: Path) -> None:
    append_trial(tmp_path, line(0))
    append_trial(tmp_path, line(1))
    path = tmp_path / "trials.jsonl"
    path.write_bytes(path.read_bytes()[:-20])
    assert read_trials(tmp_path) == [line(0)]
    append_trial(tmp_path, line(1))
    assert read_trials(tmp_path) == [line(0), line(1)]


def test_a_job_killed_after_writing_its_model_gives_the_same_result(inputs: dict[str, Path], tmp_path: Path) -> None:
    first, _ = run(tmp_path, inputs, sweeping(trials=1))
    second, context = run(tmp_path, inputs, sweeping(trials=1))
    assert first == second
    assert context.phases == []


def test_a_training_that_falls_behind_is_stopped_and_recorded(
    inputs: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "falls_behind", lambda space, settings, qualities, epochs, before: len(before) == 1)
    result, context = run(tmp_path, inputs, sweeping(trials=2))
    assert [one.state for one in result.trials] == ["complete", "stopped early"]
    assert result.trials[1].quality is None
    assert len(read_trials(tmp_path)[1].qualities) == 1
    assert not any(point[1] == 1 for point in context.metrics)
    kept, _ = run(tmp_path / "kept", inputs, sweeping(trials=2, stop_early=False))
    assert [one.state for one in kept.trials] == ["complete", "complete"]


def too_fast(parts: list[Any]) -> None:
    own = parts[2].train.model_copy(update={"learning_rate": 1e30})
    parts[2] = parts[2].model_copy(update={"train": own})


def one_row_unheard(parts: list[Any]) -> None:
    soft = parts[3].soft.copy()
    soft[parts[4][0]] = np.nan
    parts[3] = replace(parts[3], soft=soft)


@pytest.mark.parametrize(("spoil", "told"), [(too_fast, "training diverged"), (one_row_unheard, "for the row")])
def test_a_training_that_diverges_is_recorded_and_the_search_goes_on(
    inputs: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    spoil: Callable[[list[Any]], None],
    told: str,
) -> None:
    calls = iter(range(10))

    def diverging(*parts: Any) -> TrainResult:
        spoilt = list(parts)
        if next(calls) == 0:
            spoil(spoilt)
        return trial.train_student(*spoilt)

    monkeypatch.setattr(classifiers, "train_student", diverging)
    result, context = run(tmp_path, inputs, sweeping(trials=2))
    assert any(told in text for text in context.logs)
    assert [one.state for one in result.trials] == ["failed", "complete"]
    assert result.chosen == 1


def test_a_chosen_setting_that_diverges_on_all_rows_gives_way_to_the_next_best_one(
    inputs: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[int] = []

    def diverging(*parts: Any) -> TrainResult:
        tried.append(len(parts[4]))
        if tried.count(ROWS) == 1 and len(parts[4]) == ROWS:
            raise UserError(
                "train.loss_not_finite", step=1, total_steps=9, examples="r1", learning_rate=1.0, saved_step=0
            )
        return trial.train_student(*parts)

    monkeypatch.setattr(classifiers, "train_student", diverging)
    result, context = run(tmp_path, inputs, sweeping(trials=2))
    assert tried == [ROWS - 18, ROWS - 18, ROWS, ROWS]
    assert any(f"the next best one, trial {result.chosen}, is taken" in text for text in context.logs)
    best = best_trial(result.trials)
    assert best is not None
    assert result.chosen != best.number
    assert (tmp_path / "model/config.json").exists()


def test_a_form_that_fails_at_the_end_gives_way_to_another_of_the_same_training(
    inputs: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained: list[int] = []

    def counting(*parts: Any) -> TrainResult:
        trained.append(len(parts[4]))
        return trial.train_student(*parts)

    def failing(*parts: Any) -> Any:
        if len(trained) == 2:
            raise UserError("compress.parity", path="student", agreement="1 %", rows=18)
        return write_quantised(*parts)

    monkeypatch.setattr(classifiers, "train_student", counting)
    monkeypatch.setattr(classifiers, "write_quantised", failing)
    result, _ = run(tmp_path, inputs, sweeping(trials=1, quantize=["none", "int8_dynamic"]))
    assert result.trials[result.chosen].settings["quantize"] == "none"
    # The second time it is found finished.
    assert trained == [ROWS - 18, ROWS, ROWS]


def test_a_search_without_a_finished_trial_says_so(
    inputs: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object) -> Figures:
        raise UserError("compress.parity", path="m", agreement="1 %", rows=1)

    monkeypatch.setattr(classifiers, "measure", failing)
    with pytest.raises(UserError, match="none of the 2 trials"):
        run(tmp_path, inputs, sweeping(trials=2))


def test_the_time_ends_the_search_but_not_before_its_first_trial(inputs: dict[str, Path], tmp_path: Path) -> None:
    result, context = run(tmp_path, inputs, sweeping(trials=50, max_minutes=1e-6))
    assert len(result.trials) == 1
    assert result.trials[0].state == "complete"
    assert any("minutes of the search are over" in text for text in context.logs)


def test_layers_and_widths_that_the_teacher_lacks_are_refused_before_any_training(
    inputs: dict[str, Path], tmp_path: Path
) -> None:
    for parameters, code in (
        (sweeping(layers=[1, 9]), "train.layers_too_many"),
        (sweeping(feed_forward=[99]), "train.feed_forward_too_many"),
    ):
        with pytest.raises(UserError) as refused:
            run(tmp_path, inputs, parameters)
        assert refused.value.code == code


def test_widths_that_nobody_asked_for_are_left_out_where_the_teacher_is_narrower(
    inputs: dict[str, Path], tmp_path: Path
) -> None:
    parameters = sweeping(trials=1, feed_forward=[None, 512])
    result, _ = run(tmp_path, inputs, parameters)
    assert result.trials[0].settings["feed_forward"] is None


def test_quality_is_in_the_task_s_metric(inputs: dict[str, Path], tmp_path: Path) -> None:
    result, _ = run(tmp_path, inputs, sweeping(trials=1, metric="macro_f1"))
    assert result.metric == "macro_f1"
    held = HeldOut(("a", "b", "c", "d"), ("x", "x", "x", "y"), "macro_f1")
    assert held.quality(["x", "x", "x", "x"]) == pytest.approx(3 / 7)
    assert HeldOut(held.inputs, held.targets).quality(["x", "x", "x", "x"]) == 0.75


def test_data_whose_classes_have_one_group_each_is_refused(inputs: dict[str, Path], tmp_path: Path) -> None:
    rows = [Example(f"r{n}", Split.TRAIN, f"g{n % 2}", "lost rate", ("card", "loan")[n % 2]) for n in range(8)]
    data = tmp_path / "data"
    data.mkdir()
    write_examples(data, rows)
    context = job_context(tmp_path / "job", sweeping(), {**inputs, "data": data})
    context.started("cpu")
    with pytest.raises(UserError) as refused:
        search_rows(inputs["teacher"] / "model", 1, "accuracy", context)
    assert refused.value.code == "sweep.too_few_rows"


def test_the_result_stands_in_the_model_folder_without_the_training_s_own(
    inputs: dict[str, Path], tmp_path: Path
) -> None:
    result, _ = run(tmp_path, inputs, sweeping(trials=1))
    document = json.loads((tmp_path / "model" / "sweep.json").read_text())
    assert SweepResult.model_validate(document["result"]) == result
    assert not (tmp_path / "model" / "training.json").exists()
