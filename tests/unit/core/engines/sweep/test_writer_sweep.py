"""A search over a language model's layers end to end: what it sees, what it chooses, and what a kill costs."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from job_context import RecordingContext, job_context
from safetensors.torch import load_file, save_file
from sweep_tasks import Stop, until_stopped
from tiny_gguf import write_gguf
from tiny_language_models import write_language_model
from writer_sweeps import ROWS, TASK, answered_by_teacher, searching, timed_by_size, write_inputs

from core.data.examples import read_examples, write_examples
from core.domain import Split
from core.engines import fine_tune
from core.engines.compress.decoder_export import export_decoder
from core.engines.compress.quantize_decoder import write_int8_decoder
from core.engines.device import Device, choose_device
from core.engines.held_out import rows_to_judge_by
from core.engines.language.generator import LocalGenerator
from core.engines.language.opening import open_language_model
from core.engines.models import read_card
from core.engines.sweep import job, writers, writing_forms
from core.engines.sweep.figures import Speed
from core.engines.sweep.judge import qualities_of
from core.engines.sweep.records import read_trials
from core.engines.sweep.turns import FURTHER_TURNS, TURNS
from core.engines.sweep.written_rows import Written
from core.errors import UserError
from core.jobs.results import SweepResult
from core.jobs.specs import FineTuneParameters, SweepParameters
from core.model_files import is_gguf_file
from core.spec import FewShot, GgufModel, LocalModel, Train


class KilledError(Exception):
    """Stands for a kill: nothing of ours runs after it."""


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return write_inputs(tmp_path_factory.mktemp("writer_inputs"))


@pytest.fixture(autouse=True)
def timed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    return timed_by_size(monkeypatch)


def run(
    folder: Path, inputs: dict[str, Path], parameters: SweepParameters, stop: Stop = lambda context: False
) -> tuple[SweepResult, RecordingContext]:
    """A job of a study of its own, so that no answers of another one are kept beside it."""
    context = job_context(folder / "jobs" / "job", parameters, inputs, stop)
    return job.run(parameters, context), context


def without_times(result: SweepResult) -> object:
    return [(one.number, one.state, one.settings, one.quality, one.feasible) for one in result.trials], result.chosen


def test_the_fastest_student_that_keeps_the_quality_writes_texts_and_stands_in_the_job_s_folder(
    inputs: dict[str, Path], tmp_path: Path
) -> None:
    result, context = run(tmp_path, inputs, searching())
    assert result.metric == "chrf"
    assert result.rows_held_out == 8
    assert all(one.state == "complete" and one.feasible for one in result.trials)
    chosen = result.trials[result.chosen]
    assert chosen.requests_per_second == max(one.requests_per_second or 0.0 for one in result.trials)
    assert set(chosen.settings) == {"layers", "feed_forward", "temperature", "alpha", "quantize"}
    model = tmp_path / "jobs" / "job" / "model"
    assert read_card(model).kind == "language_model"
    assert open_language_model(model).model.config.num_hidden_layers == chosen.settings["layers"]
    assert [point[0] for point in context.metrics if point[1] == 0] == ["trial_quality", "trial_requests_per_second"]
    assert not (model / "training.json").exists()
    assert not (tmp_path / "jobs" / "job" / "teacher_outputs").exists()


def test_a_number_of_layers_is_chosen_by_influence_where_the_space_says_so(tmp_path: Path) -> None:
    own = write_inputs(tmp_path / "inputs", layers=5)
    weights = own["teacher"] / "model/model.safetensors"
    tensors = load_file(weights)
    for name, tensor in tensors.items():
        if any(part in name for part in (".1.self_attn.o_proj", ".1.mlp.down", ".2.self_attn.o_proj", ".2.mlp.down")):
            tensor.zero_()
    save_file(tensors, weights, metadata={"format": "pt"})
    space: dict[str, Any] = {"layers": [3], "feed_forward": [None], "trials": 1, "chosen_by": "influence"}
    run(tmp_path, own, searching(1, **space))
    student = load_file(tmp_path / "jobs/job/model/model.safetensors")
    apart = [float((student[_neurons(1)] - tensors[_neurons(layer)]).square().mean()) for layer in range(5)]
    assert apart.index(min(apart)) == 3


def _neurons(layer: int) -> str:
    return f"model.layers.{layer}.mlp.up_proj.weight"


def test_the_teacher_reads_the_rows_once_for_all_temperatures(
    inputs: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[object] = []

    def counting(*parts: Any) -> Any:
        opened.append(parts)
        return open_language_model(*parts)

    monkeypatch.setattr(writers, "open_language_model", counting)
    result, context = run(tmp_path, inputs, searching(temperature=[1.0, 8.0]))
    assert len({one.settings["temperature"] for one in result.trials}) == 3
    # To read its shape, and to keep its outputs.
    assert len(opened) == 2
    assert context.steps("phase.teacher_outputs") == ROWS


def test_students_of_a_text_learn_what_the_teacher_wrote_and_try_no_temperature(
    inputs: dict[str, Path], tmp_path: Path
) -> None:
    labels = answered_by_teacher(tmp_path / "labels", "zz")
    train = {"technique": "sequence", "learning_rate": 3e-2}
    parameters = searching(12, train=train, trials=2, feed_forward=[None], retain=0.5)
    result, context = run(tmp_path, {**inputs, "labels": labels}, parameters)
    assert [one.settings for one in result.trials] == [
        {"layers": layers, "feed_forward": None, "quantize": "none"} for layers in (2, 1)
    ]
    # Two z and the end after each message: everything that there is to write.
    assert all(one.qualities[-1] > 0.9 for one in read_trials(tmp_path / "jobs" / "job"))
    assert context.steps("phase.teacher_outputs") == 0


def test_every_setting_of_a_space_without_ranges_is_tried_once(inputs: dict[str, Path], tmp_path: Path) -> None:
    space: dict[str, Any] = {
        "layers": [1, 2],
        "feed_forward": [None],
        "temperature": [2, 2],
        "alpha": [0.5, 0.5],
        "trials": 9,
    }
    result, context = run(tmp_path, inputs, searching(1, **space))
    assert [one.settings["layers"] for one in result.trials] == [2, 1]
    assert any("every setting has been tried" in line for line in context.logs)
    assert any("feed_forward all, " in line for line in context.logs)


def test_test_rows_are_never_seen(inputs: dict[str, Path], tmp_path: Path) -> None:
    straight, _ = run(tmp_path / "straight", inputs, searching(trials=1))
    changed = tmp_path / "data"
    changed.mkdir()
    rows = read_examples(inputs["data"])
    write_examples(changed, [one if one.split is Split.TRAIN else replace(one, target="zzz") for one in rows])
    again, _ = run(tmp_path / "again", {**inputs, "data": changed}, searching(trials=1))
    assert without_times(straight) == without_times(again)


def test_a_teacher_that_learnt_the_held_out_rows_is_judged_by_its_training_without_them(
    inputs: dict[str, Path], tmp_path: Path
) -> None:
    train = Train(method="fine_tune", epochs=60, batch_size=8, max_length=64, learning_rate=1e-2)
    source = LocalModel(source="local", path=str(inputs["teacher"] / "model"))
    data = tmp_path / "data"
    data.mkdir()
    # Targets of no pattern: what is known of them is known by heart.
    words, chance = ("ab", "cd", "ef", "gh"), np.random.default_rng(0)
    rows = [replace(one, target=words[chance.integers(4)]) for one in read_examples(inputs["data"])]
    write_examples(data, rows)
    own = {"data": data}
    for name, seed in (("teacher", None), ("reference", 1)):
        told = FineTuneParameters(model=source, task=TASK, train=train, held_out_seed=seed)
        result = fine_tune.run(told, job_context(tmp_path / name, told, {"data": data}))
        assert result.examples == 60 * (ROWS if seed is None else ROWS - 8)
        own[name] = tmp_path / name
    parameters = searching(1, TASK.model_copy(update={"metric": "exact_match"}), trials=1)
    by_heart, _ = run(tmp_path / "unfair", {name: own[name] for name in ("data", "teacher")}, parameters)
    fair, _ = run(tmp_path / "fair", own, parameters)
    assert by_heart.teacher_quality > 0.8
    assert fair.teacher_quality < 0.7


def test_an_untrained_teacher_is_asked_with_the_examples_of_the_task(
    inputs: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def answered(generator: object, task: object, rows: Any, on_rows: object) -> Written:
        asked.extend(one.input for one in rows)
        return Written(0.5, 3.0)

    monkeypatch.setattr(writers, "answered", answered)
    model = LocalModel(source="local", path=str(inputs["teacher"] / "model"))
    shown = TASK.model_copy(update={"few_shot": FewShot(examples=2)})
    parameters = searching(1, trials=1).model_copy(update={"teacher_model": model, "teacher_task": shown})
    run(tmp_path, {"data": inputs["data"]}, parameters)
    teacher, student = asked[:8], asked[8:]
    assert all(message.count("Last: ") == 3 for message in teacher)
    assert all(message.count("Last: ") == 1 for message in student)
    assert [message.rpartition("Last: ")[2] for message in teacher] == [
        message.rpartition("Last: ")[2] for message in student
    ]


def test_a_search_stopped_again_and_again_ends_as_one_that_was_not(
    inputs: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERCET_CHECKPOINT_SECONDS", "0")
    straight, _ = run(tmp_path / "straight", inputs, searching(trials=2))
    attempts: list[SweepResult | None] = []
    while not attempts or attempts[-1] is None:
        attempts.append(until_stopped(partial(run, tmp_path / "stopped", inputs, searching(trials=2)), 17))
        assert len(attempts) < 30
    result = attempts[-1]
    assert len(attempts) > 3
    assert result is not None
    assert without_times(result) == without_times(straight)
    name = "jobs/job/model/model.safetensors"
    assert (tmp_path / "straight" / name).read_bytes() == (tmp_path / "stopped" / name).read_bytes()


def test_a_kill_within_a_training_costs_no_finished_trial(inputs: dict[str, Path], tmp_path: Path) -> None:
    straight, _ = run(tmp_path / "straight", inputs, searching(trials=2))
    second = tmp_path / "killed" / "jobs" / "job" / "trials" / "training-0001"

    def killed(_: RecordingContext) -> bool:
        if qualities_of(second):
            raise KilledError
        return False

    with pytest.raises(KilledError):
        run(tmp_path / "killed", inputs, searching(trials=2), killed)
    assert [line.training for line in read_trials(tmp_path / "killed" / "jobs" / "job")] == [0]
    kept = read_trials(tmp_path / "killed" / "jobs" / "job")
    result, context = run(tmp_path / "killed", inputs, searching(trials=2))
    assert without_times(result) == without_times(straight)
    assert result.trials[0] == kept[0].record
    # Nor does the teacher read its rows again.
    assert context.steps("phase.teacher_outputs") == 0


def test_a_trial_that_falls_behind_is_ended_after_an_epoch(
    inputs: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.engines.sweep.searching.falls_behind", lambda *parts: len(parts[4]) == 1)
    result, _ = run(tmp_path, inputs, searching(trials=2))
    assert [one.state for one in result.trials] == ["complete", "stopped early"]
    assert len(read_trials(tmp_path / "jobs" / "job")[1].qualities) == 1


def test_a_student_of_a_known_shape_has_fewer_turns_where_it_writes_answers_as_long(
    inputs: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, timed: list[int]
) -> None:
    lengths = iter([3.0, 4.0, 4.1, 6.0])
    monkeypatch.setattr(writers, "answered", lambda *parts: Written(0.5, next(lengths)))
    run(tmp_path, inputs, searching(1, layers=[1], feed_forward=[None]))
    assert timed == [TURNS, FURTHER_TURNS, TURNS]
    assert [line.output_tokens for line in read_trials(tmp_path / "jobs" / "job")] == [4.0, 4.1, 6.0]


def test_layers_and_widths_that_the_teacher_lacks_are_refused_before_any_training(
    inputs: dict[str, Path], tmp_path: Path
) -> None:
    refusals: tuple[tuple[dict[str, Any], str], ...] = (
        ({"layers": [1, 9]}, "train.layers_too_many"),
        ({"feed_forward": [99]}, "train.feed_forward_too_many"),
    )
    for space, code in refusals:
        with pytest.raises(UserError) as refused:
            run(tmp_path, inputs, searching(**space))
        assert refused.value.code == code


def test_rows_that_leave_none_to_judge_by_are_refused(inputs: dict[str, Path], tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    write_examples(data, [replace(one, group="same") for one in read_examples(inputs["data"])])
    with pytest.raises(UserError) as refused:
        run(tmp_path, {**inputs, "data": data}, searching())
    assert refused.value.code == "sweep.too_few_texts"
    assert f"the {ROWS} train rows" in refused.value.text


def test_written_rows_to_judge_by_are_few_and_of_whole_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.engines.held_out.WRITTEN_AT_MOST", 5)
    data = write_inputs(tmp_path)["data"]
    held = rows_to_judge_by(data, 3, written=True)
    assert len(held) == 5
    assert held.tolist() == rows_to_judge_by(data, 3, written=True).tolist()
    assert len(rows_to_judge_by(data, 4, written=True)) == 5


def test_eight_bits_are_a_form_of_each_student_and_may_be_chosen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of one shallow student, exported in this process, for in a fresh one it takes seconds more. They are compared
    in single precision also where the best device rounds more."""
    rounding = Device(torch.device("cpu"), "GPU", torch.bfloat16)
    monkeypatch.setattr(writing_forms, "choose_device", lambda name=None: choose_device(name) if name else rounding)
    for name, made in (("export_decoder_apart", export_decoder), ("write_int8_decoder_apart", write_int8_decoder)):
        monkeypatch.setattr(writing_forms, name, lambda source, out, tell, made=made: made(source, out))
    inputs = write_inputs(tmp_path / "inputs", layers=1)
    space: dict[str, Any] = {"layers": [1], "feed_forward": [None], "quantize": ["none", "int8_dynamic"], "trials": 1}
    monkeypatch.setattr(writers, "speed_of", lambda generator, *_: _faster_exported(generator))
    result, _ = run(tmp_path, inputs, searching(1, **space))
    assert [one.settings["quantize"] for one in result.trials] == ["none", "int8_dynamic"]
    assert result.chosen == 1
    model = tmp_path / "jobs" / "job" / "model"
    assert read_card(model).format == "onnx"
    assert (
        open_language_model(model).model.parameter_count
        == open_language_model(write_language_model(tmp_path / "like", layers=1)).model.num_parameters()
    )
    assert sorted(path.name for path in (tmp_path / "jobs" / "job").iterdir()) == ["model", "trials.jsonl"]


def _faster_exported(generator: LocalGenerator) -> Speed:
    return Speed((20.0 if generator.runtime.startswith("onnx") else 10.0,))


def test_a_gguf_teacher_is_unpacked_once_and_the_unpacked_weights_go_with_the_search(
    inputs: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write_gguf(tmp_path / "teacher.gguf", write_language_model(tmp_path / "source"))
    unpacked: list[Path] = []

    def counting(source: Path, *rest: Any) -> Any:
        unpacked.extend([source] if is_gguf_file(source) else [])
        return open_language_model(source, *rest)

    monkeypatch.setattr(writers, "open_language_model", counting)
    model = GgufModel(source="gguf", file=str(file))
    parameters = searching(1, trials=1).model_copy(update={"teacher_model": model})
    result, _ = run(tmp_path, {"data": inputs["data"]}, parameters)
    assert result.trials[0].state == "complete"
    assert unpacked == [file]
    assert not (tmp_path / "jobs" / "job" / "teacher").exists()
