"""Training end to end on tiny models: it learns, stops, and goes on bit for bit."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from job_context import RecordingContext, job_context
from safetensors.torch import load_file
from tiny_models import LABELS, tiny_config, write_body
from transformers import AutoModelForSequenceClassification

from core.data.examples import write_examples
from core.domain import Example, Split
from core.engines import fine_tune
from core.engines.checkpoint import Checkpoints
from core.engines.device import Device
from core.engines.distill import job as distill_job
from core.engines.distill.loop import PHASE
from core.engines.distill.schedule import one_cycle
from core.engines.models.opening import open_classifier
from core.errors import UserError
from core.jobs.results import TrainResult
from core.jobs.specs import DistillParameters, FineTuneParameters
from core.spec import LocalModel, TeacherLayers, Train
from core.worker.context import Stopped

EPOCHS = 3
STEPS = 18  # 48 rows in batches of 8, three times


class KilledError(Exception):
    """Stands for a kill: nothing of ours runs after it."""


def fine_tuning(body: Path, **changes: object) -> FineTuneParameters:
    settings = {"epochs": EPOCHS, "batch_size": 8, "max_length": 32, "learning_rate": 1e-2, **changes}
    train = Train.model_validate({"method": "fine_tune", **settings})
    return FineTuneParameters(model=LocalModel(source="local", path=str(body)), train=train)


def distilling(**changes: object) -> DistillParameters:
    settings = {"epochs": EPOCHS, "batch_size": 8, "max_length": 32, "learning_rate": 1e-2, **changes}
    train = Train.model_validate({"method": "distill", **settings})
    return DistillParameters(layers=TeacherLayers(source="teacher", layers=2), train=train)


Run = Callable[[Path, Callable[[RecordingContext], bool]], tuple[TrainResult, RecordingContext]]


@pytest.fixture(params=["fine_tune", "distill"])
def run(request: pytest.FixtureRequest, body: Path, teacher: Path, dataset: Path) -> Run:
    """Runs one kind of training in a folder, with a rule that says when it is told to stop."""

    def running(folder: Path, stop: Callable[[RecordingContext], bool]) -> tuple[TrainResult, RecordingContext]:
        if request.param == "fine_tune":
            tuned = fine_tuning(body)
            context = job_context(folder, tuned, {"data": dataset}, stop)
            return fine_tune.run(tuned, context), context
        distilled = distilling()
        context = job_context(folder, distilled, {"data": dataset, "teacher": teacher}, stop)
        return distill_job.run(distilled, context), context

    return running


def never(_context: RecordingContext) -> bool:
    return False


def at_step(step: int) -> Callable[[RecordingContext], bool]:
    return lambda context: context.steps(PHASE) >= step


def killed_at(step: int) -> Callable[[RecordingContext], bool]:
    def stop(context: RecordingContext) -> bool:
        if context.steps(PHASE) >= step:
            raise KilledError
        return False

    return stop


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model" / "model.safetensors")


def same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("step", [1, 6, 10])
def test_training_that_was_told_to_stop_ends_with_the_weights_of_one_that_was_not(
    run: Run, tmp_path: Path, step: int
) -> None:
    _, straight = run(tmp_path / "straight", never)
    with pytest.raises(Stopped):
        run(tmp_path / "stopped", at_step(step))
    result, resumed = run(tmp_path / "stopped", never)
    assert same(weights(tmp_path / "straight"), weights(tmp_path / "stopped"))
    assert resumed.starts[0][1] == step
    assert f"resumed from checkpoint at step {step}" in resumed.logs
    assert result.resumed_steps == (step,)
    assert [point for point in straight.metrics if point[1] > step] == resumed.metrics


def test_killed_training_goes_on_from_its_last_checkpoint_to_the_same_weights(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(tmp_path / "straight", never)
    steps = iter([False] * 6 + [True] + [False] * 100)
    monkeypatch.setattr(Checkpoints, "due", lambda _self: next(steps))
    with pytest.raises(KilledError):
        run(tmp_path / "killed", killed_at(11))
    result, resumed = run(tmp_path / "killed", never)
    assert result.resumed_steps == (7,)
    assert resumed.steps(PHASE) == STEPS
    assert same(weights(tmp_path / "straight"), weights(tmp_path / "killed"))


def test_training_that_is_killed_at_random_steps_ends_with_the_same_weights(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Steps and checkpoints are drawn, three times over, and the same each day."""
    run(tmp_path / "straight", never)
    generator = np.random.default_rng(7)
    monkeypatch.setattr(Checkpoints, "due", lambda _self: bool(generator.random() < 0.2))
    for draw in range(3):
        folder = tmp_path / f"killed-{draw}"
        resumed_at: list[int] = []
        for step in sorted(generator.choice(np.arange(1, STEPS), size=2, replace=False).tolist()):
            with pytest.raises(KilledError):
                run(folder, killed_at(step))
            saved = [int(path.name.rpartition("-")[2]) for path in (folder / "checkpoints").glob("step-*")]
            assert max(saved, default=0) <= step
            resumed_at += [max(saved)] if saved else []
        result, _ = run(folder, never)
        assert sorted({*result.resumed_steps}) == sorted({*resumed_at})
        assert same(weights(tmp_path / "straight"), weights(folder))


def test_training_that_is_stopped_twice_remembers_both_steps(run: Run, tmp_path: Path) -> None:
    run(tmp_path / "straight", never)
    with pytest.raises(Stopped):
        run(tmp_path / "stopped", at_step(4))
    with pytest.raises(Stopped):
        run(tmp_path / "stopped", at_step(9))
    result, _ = run(tmp_path / "stopped", never)
    assert result.resumed_steps == (4, 9)
    assert same(weights(tmp_path / "straight"), weights(tmp_path / "stopped"))


def test_damaged_checkpoint_costs_steps_but_not_the_result(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(tmp_path / "straight", never)
    monkeypatch.setattr(Checkpoints, "due", lambda _self: True)
    with pytest.raises(KilledError):
        run(tmp_path / "killed", killed_at(8))
    newest = max((tmp_path / "killed" / "checkpoints").glob("step-*"))
    file = newest / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-1] + b"\xff")
    result, resumed = run(tmp_path / "killed", never)
    assert result.resumed_steps == (7,)
    assert any("passed over" in line for line in resumed.logs)
    assert same(weights(tmp_path / "straight"), weights(tmp_path / "killed"))


def test_result_says_what_was_done_and_no_checkpoint_remains(run: Run, tmp_path: Path) -> None:
    result, context = run(tmp_path, never)
    assert (result.steps, result.epochs, result.examples, result.truncated_share) == (STEPS, EPOCHS, 48 * EPOCHS, 0.0)
    assert result.examples_per_second is not None
    assert result.examples_per_second > 0
    assert result.parameters == sum(tensor.numel() for tensor in weights(tmp_path).values())
    assert context.phases[-1][0] == "phase.save_model"
    assert not (tmp_path / "checkpoints").exists()
    assert context.metrics[-1][1:] == (STEPS, result.final_loss)


def test_a_job_killed_after_writing_its_model_gives_the_same_result_without_training(run: Run, tmp_path: Path) -> None:
    first, _ = run(tmp_path, never)
    second, context = run(tmp_path, never)
    assert second == first
    assert context.steps(PHASE) == 0
    assert context.starts == [(first.device, STEPS)]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_training_in_lower_precision_goes_on_bit_for_bit_with_its_gradient_scale(
    body: Path, dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dtype: torch.dtype
) -> None:
    device = Device(torch.device("cpu"), "CPU", dtype)
    monkeypatch.setattr("core.engines.distill.training_job.choose_device", lambda: device)
    parameters = fine_tuning(body)
    fine_tune.run(parameters, job_context(tmp_path / "straight", parameters, {"data": dataset}))
    with pytest.raises(Stopped):
        fine_tune.run(parameters, job_context(tmp_path / "stopped", parameters, {"data": dataset}, at_step(7)))
    scale = json.loads((tmp_path / "stopped/checkpoints/step-000000007/state.json").read_text())["scaler"]
    assert bool(scale) == (dtype is torch.float16)
    fine_tune.run(parameters, job_context(tmp_path / "stopped", parameters, {"data": dataset}))
    assert same(weights(tmp_path / "straight"), weights(tmp_path / "stopped"))


@pytest.mark.parametrize("begun_in_fp16", [False, True])
def test_a_training_goes_on_on_a_device_of_another_precision(
    body: Path, dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, begun_in_fp16: bool
) -> None:
    plain, half = (Device(torch.device("cpu"), "CPU", dtype) for dtype in (None, torch.float16))
    first, second = (half, plain) if begun_in_fp16 else (plain, half)
    parameters = fine_tuning(body)
    monkeypatch.setattr("core.engines.distill.training_job.choose_device", lambda: first)
    with pytest.raises(Stopped):
        fine_tune.run(parameters, job_context(tmp_path, parameters, {"data": dataset}, at_step(7)))
    monkeypatch.setattr("core.engines.distill.training_job.choose_device", lambda: second)
    result = fine_tune.run(parameters, job_context(tmp_path, parameters, {"data": dataset}))
    assert result.resumed_steps == (7,)
    assert all(torch.isfinite(tensor).all() for tensor in weights(tmp_path).values())


def test_training_learns_the_targets_and_the_model_reloads(body: Path, dataset: Path, tmp_path: Path) -> None:
    parameters = fine_tuning(body, epochs=15)
    context = job_context(tmp_path, parameters, {"data": dataset})
    fine_tune.run(parameters, context)
    classifier = open_classifier(tmp_path / "model")
    assert classifier.labels == LABELS
    answers = classifier.probabilities(["my lost card", "the interest rate", "money back please"]).argmax(axis=1)
    assert [classifier.labels[index] for index in answers] == ["card", "loan", "refund"]
    assert context.metrics[-1][2] < 0.1 * context.metrics[0][2]
    model = AutoModelForSequenceClassification.from_pretrained(tmp_path / "model")
    assert model.config.id2label == dict(enumerate(LABELS))
    card = json.loads((tmp_path / "model" / "tercet.json").read_text())
    assert (card["format"], card["labels"], card["max_length"]) == ("transformers", list(LABELS), 32)


def test_student_learns_what_its_teacher_says_and_not_the_targets(body: Path, dataset: Path, tmp_path: Path) -> None:
    tuned = fine_tuning(body, epochs=15)
    fine_tune.run(tuned, job_context(tmp_path / "teacher", tuned, {"data": dataset}))
    parameters = distilling(epochs=15, alpha=1.0)
    folders = {"data": dataset, "teacher": tmp_path / "teacher"}
    distill_job.run(parameters, job_context(tmp_path / "student", parameters, folders))
    texts = ["my lost card", "the interest rate", "money back please"]
    teacher, student = (open_classifier(tmp_path / name / "model") for name in ("teacher", "student"))
    assert student.parameters < teacher.parameters
    assert student.probabilities(texts) == pytest.approx(teacher.probabilities(texts), abs=0.05)


def test_without_a_soft_share_the_teacher_is_not_run(teacher: Path, dataset: Path, tmp_path: Path) -> None:
    parameters = distilling(alpha=0.0)
    context = job_context(tmp_path, parameters, {"data": dataset, "teacher": teacher})
    result = distill_job.run(parameters, context)
    assert context.steps("phase.teacher_outputs") == 0
    assert result.technique == "targets"


def test_student_of_another_architecture_learns_from_the_same_teacher(
    teacher: Path, dataset: Path, tmp_path: Path
) -> None:
    small = write_body(tmp_path / "small", tiny_config(layers=1), seed=9)
    train = distilling().train
    parameters = DistillParameters(model=LocalModel(source="local", path=str(small)), train=train)
    context = job_context(tmp_path / "job", parameters, {"data": dataset, "teacher": teacher})
    distill_job.run(parameters, context)
    assert open_classifier(tmp_path / "job" / "model").labels == LABELS


def test_training_goes_on_from_the_model_of_another_job(teacher: Path, dataset: Path, tmp_path: Path) -> None:
    parameters = FineTuneParameters(model=None, train=fine_tuning(tmp_path).train)
    context = job_context(tmp_path, parameters, {"data": dataset, "model": teacher})
    assert fine_tune.run(parameters, context).method == "fine_tune"
    with pytest.raises(UserError, match="no weights to start from"):
        fine_tune.run(parameters, job_context(tmp_path / "none", parameters, {"data": dataset}))


def test_training_that_diverges_names_the_batch_and_keeps_the_last_good_checkpoint(
    body: Path, dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def leaping(step: int, total_steps: int, peak: float) -> float:
        return 1e38 if step == 5 else one_cycle(step, total_steps, peak)

    monkeypatch.setattr("core.engines.distill.loop.one_cycle", leaping)
    monkeypatch.setattr(Checkpoints, "due", lambda _self: True)
    parameters = fine_tuning(body)
    context = job_context(tmp_path, parameters, {"data": dataset})
    with pytest.raises(
        UserError, match=r"diverged at step [67] of 18, in the batch with the rows r\d+, r\d+, r\d+"
    ) as e:
        fine_tune.run(parameters, context)
    assert e.value.code == "train.loss_not_finite"
    newest = Checkpoints(tmp_path, "job-under-test", print).newest()
    assert newest is not None
    assert newest.step == e.value.values["saved_step"]


def test_a_loss_that_is_no_number_for_one_row_names_that_row(
    body: Path, dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(logits: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor | None = None) -> torch.Tensor:
        return torch.nn.functional.cross_entropy(logits, targets) + torch.where(
            (targets == 1).any() & (len(targets) > 1) | (targets == 1).all(), torch.nan, 0.0
        )

    monkeypatch.setattr("core.engines.distill.label_losses.hard_label_loss", broken)
    rows = [Example(f"r{n}", Split.TRAIN, f"g{n}", f"lost card {n}", "loan" if n == 13 else "card") for n in range(24)]
    (tmp_path / "data").mkdir()
    write_examples(tmp_path / "data", rows)
    parameters = fine_tuning(body, batch_size=24)
    with pytest.raises(UserError, match=r"for the row r13 alone") as error:
        fine_tune.run(parameters, job_context(tmp_path / "job", parameters, {"data": tmp_path / "data"}))
    assert error.value.code == "train.row_not_finite"


def test_a_training_that_diverges_in_its_last_step_is_not_called_done(
    body: Path, dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def leaping(step: int, total_steps: int, peak: float) -> float:
        return 1e38 if step == total_steps - 1 else one_cycle(step, total_steps, peak)

    monkeypatch.setattr("core.engines.distill.loop.one_cycle", leaping)
    parameters = fine_tuning(body)
    with pytest.raises(UserError, match=r"diverged at step 18 of 18"):
        fine_tune.run(parameters, job_context(tmp_path, parameters, {"data": dataset}))
    assert not (tmp_path / "model").exists()


def test_a_teacher_whose_outputs_are_no_numbers_is_told_with_the_row(
    teacher: Path, dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parameters = distilling()
    context = job_context(tmp_path / "jobs" / "job", parameters, {"data": dataset, "teacher": teacher})
    classifier = open_classifier(teacher / "model")
    asked = classifier.probabilities
    monkeypatch.setattr(
        type(classifier), "probabilities", lambda _self, texts: np.where(np.arange(3) == 1, np.nan, asked(texts))
    )
    with pytest.raises(UserError) as error:
        distill_job.run(parameters, context)
    assert error.value.code == "train.teacher_not_finite"


def test_inputs_cut_at_max_length_are_counted(body: Path, dataset: Path, tmp_path: Path) -> None:
    parameters = fine_tuning(body, max_length=5, epochs=1)
    result = fine_tune.run(parameters, job_context(tmp_path, parameters, {"data": dataset}))
    assert 0.3 < result.truncated_share < 1.0


def test_max_length_beyond_the_model_is_lowered_and_logged(body: Path, dataset: Path, tmp_path: Path) -> None:
    parameters = fine_tuning(body, max_length=500, epochs=1)
    context = job_context(tmp_path, parameters, {"data": dataset})
    assert fine_tune.run(parameters, context).details["max_length"] == 64
    assert any("64 tokens are used" in line for line in context.logs)


def test_a_changed_model_is_refused(body: Path, dataset: Path, tmp_path: Path) -> None:
    parameters = fine_tuning(body).model_copy(update={"model_sha256": "0" * 64})
    with pytest.raises(UserError, match="changed since the study was planned"):
        fine_tune.run(parameters, job_context(tmp_path, parameters, {"data": dataset}))
