"""Learning from a stream end to end: kept, rolled back, stopped for drift, resumed bit for bit; and the teacher stays
the teacher."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from job_context import RecordingContext, job_context
from safetensors.torch import load_file
from streams import learning_on, new_rows, write_service, write_stream, write_student
from tiny_models import LABELS

from core.data.examples import read_examples, write_examples
from core.data.grouping import normalise
from core.domain import Example, Split
from core.engines.distill import job as distill_job
from core.engines.distill.losses import soft_label_loss
from core.engines.dynamic import job, one_round
from core.engines.dynamic.records import DoneRound, write_round
from core.engines.dynamic.teacher import Teacher, check_apart, same_weights
from core.engines.models import open_classifier
from core.engines.models.starting import load_starting_model
from core.errors import UserError
from core.jobs.results import TrainResult
from core.jobs.specs import DistillParameters
from core.spec import Columns
from core.worker.context import Stopped

WRONG = {"card": "loan", "loan": "refund", "refund": "card"}
BLANK = dict.fromkeys(LABELS, "")


class KilledError(Exception):
    """Stands for a kill: nothing of ours runs after it."""


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return write_service(tmp_path_factory.mktemp("service"))


def run(
    folder: Path,
    inputs: dict[str, Path],
    parameters: DistillParameters,
    stop: Callable[[RecordingContext], bool] = lambda context: False,
) -> tuple[TrainResult, RecordingContext]:
    context = job_context(folder, parameters, inputs, stop)
    return distill_job.run(parameters, context), context


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model" / "model.safetensors")


def same(first: Path, second: Path) -> bool:
    return same_weights(first / "model", second / "model")


def test_rounds_that_pass_are_kept_and_the_student_learns(inputs: dict[str, Path], tmp_path: Path) -> None:
    stream = write_stream(tmp_path / "s.csv", new_rows(36))
    beginner = write_student(tmp_path / "beginner", inputs, epochs=1, learning_rate=1e-4)
    parameters = learning_on(stream, {"epochs": 8, "learning_rate": 3e-3}, margin=0.3)
    result, context = run(tmp_path / "job", {**inputs, "model": beginner}, parameters)
    assert [record.promoted for record in result.rounds] == [True] * 3
    assert all(record.rows_new == 9 and record.rows_replayed == 9 for record in result.rounds)
    assert result.rounds[-1].quality_new_after > result.rounds[0].quality_new_before
    assert all(later.quality_old_before == before.quality_old_after for before, later in zip(
        result.rounds, result.rounds[1:], strict=False))  # fmt: skip
    assert (result.steps, result.examples) == (3 * 8 * 3, 3 * 8 * 18)
    assert not same(tmp_path / "job", beginner)
    assert open_classifier(tmp_path / "job" / "model").labels == LABELS
    assert [path.name for path in (tmp_path / "job").iterdir()] == ["model"]
    assert [name for name, _, _ in context.metrics] == ["quality_old", "quality_new"] * 3


def test_targets_that_spoil_the_student_are_rolled_back_and_end_the_job(
    inputs: dict[str, Path], tmp_path: Path
) -> None:
    stream = write_stream(tmp_path / "s.csv", new_rows(60, said=WRONG))
    wrong = {"alpha": 0.0, "epochs": 20, "learning_rate": 1e-2}
    parameters = learning_on(stream, wrong, stop_after_rollbacks=2, ema_decay=0.0)
    result, context = run(tmp_path / "job", inputs, parameters)
    assert [record.promoted for record in result.rounds] == [False, False]
    assert all(record.quality_old_after < record.quality_old_before - 0.05 for record in result.rounds)
    assert result.rounds[1].quality_old_before == result.rounds[0].quality_old_before
    assert result.details["ended_by"] == "rollbacks"
    assert any("2 rounds in a row were rolled back" in line for line in context.logs)
    assert same(tmp_path / "job", inputs["model"])


def test_rows_of_a_round_that_was_rolled_back_are_not_replayed(
    inputs: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, verdicts = one_round.run_round, iter([False, True, True])
    pools: list[set[str]] = []

    def judged(standing: one_round.Standing, *rest: Any) -> Any:
        pools.append({name for name in standing.pool.names if name.startswith("stream")})
        done = real(standing, *rest)
        return done.model_copy(update={"record": done.record.model_copy(update={"promoted": next(verdicts)})})  # type: ignore[union-attr]  # there is one

    monkeypatch.setattr(job, "run_round", judged)
    run(tmp_path / "job", inputs, learning_on(write_stream(tmp_path / "s.csv", new_rows(36))))
    assert [len(pool) for pool in pools] == [0, 0, 9]


def test_a_teacher_that_no_longer_knows_the_rows_stops_the_job_before_it_teaches(
    inputs: dict[str, Path], tmp_path: Path
) -> None:
    stream = write_stream(tmp_path / "s.csv", [*new_rows(12), *new_rows(24, seed=12, said=WRONG)])
    result, context = run(tmp_path / "job", inputs, learning_on(stream, drift_margin=0.15))
    assert len(result.rounds) == 1
    assert result.rounds[0].teacher_quality_new == pytest.approx(1.0, abs=0.15)
    assert result.details["ended_by"] == "drift"
    assert any("stops before round 2" in line for line in context.logs)


def with_calibration_rows(inputs: dict[str, Path], folder: Path, rows: list[tuple[str, str]]) -> dict[str, Path]:
    """The inputs with further calibration rows."""
    kept = [row for row in read_examples(inputs["data"]) if row.split is not Split.CALIBRATION]
    more = [
        Example(f"c{place}", Split.CALIBRATION, f"c{place}", text, target) for place, (text, target) in enumerate(rows)
    ]
    shutil.copytree(inputs["data"], folder)
    write_examples(folder, [*kept, *more])
    return {**inputs, "data": folder}


def test_a_teacher_as_good_on_new_rows_as_on_calibration_rows_has_no_drift_though_it_is_better_on_what_it_learnt(
    inputs: dict[str, Path], tmp_path: Path
) -> None:
    def half_wrong(seed: int) -> list[tuple[str, str]]:
        return [*new_rows(6, seed=seed), *new_rows(6, seed=seed + 1, said=WRONG)]

    known = with_calibration_rows(inputs, tmp_path / "data", half_wrong(31))
    stream = write_stream(tmp_path / "s.csv", half_wrong(41))
    result, _ = run(tmp_path / "job", known, learning_on(stream, drift_margin=0.15))
    assert result.rounds[0].teacher_quality_new == pytest.approx(0.5, abs=0.1)
    assert result.details["ended_by"] is None


def test_a_drift_is_told_against_the_calibration_rows_and_without_them_against_rows_that_flatter(
    inputs: dict[str, Path], tmp_path: Path
) -> None:
    stream = write_stream(tmp_path / "s.csv", new_rows(12, said=WRONG))
    parameters = learning_on(stream, drift_margin=0.15)
    _, many = run(
        tmp_path / "many", with_calibration_rows(inputs, tmp_path / "data", new_rows(12, seed=31)), parameters
    )
    _, none = run(tmp_path / "none", with_calibration_rows(inputs, tmp_path / "other", []), parameters)
    assert any("on calibration rows, which it has not learnt either" in line for line in many.logs)
    assert any("there are too few calibration rows" in line for line in none.logs)


def test_too_few_targets_say_nothing_of_a_drift(inputs: dict[str, Path], tmp_path: Path) -> None:
    rows = [(text, target if place < 5 else "") for place, (text, target) in enumerate(new_rows(12, said=WRONG))]
    result, _ = run(tmp_path / "job", inputs, learning_on(write_stream(tmp_path / "s.csv", rows), drift_margin=0.15))
    assert result.rounds[0].teacher_quality_new == pytest.approx(0.0, abs=0.3)
    assert result.details["ended_by"] is None


def test_without_targets_the_teacher_s_labels_are_learnt_and_this_is_said(
    inputs: dict[str, Path], tmp_path: Path
) -> None:
    blank = write_stream(tmp_path / "s.csv", new_rows(24, said=BLANK))
    result, context = run(tmp_path / "blank", inputs, learning_on(blank))
    assert result.details["rows_labelled_by_teacher"] == 24
    assert any("24 rows of the stream have no target" in line for line in context.logs)
    assert all(record.teacher_quality_new is None for record in result.rounds)
    assert all(record.graded_by_teacher == record.held_out_new for record in result.rounds)
    # The teacher is right on all of these rows, so that its labels are the targets.
    told = write_stream(tmp_path / "t.csv", new_rows(24))
    known, _ = run(tmp_path / "told", inputs, learning_on(told))
    assert [(record.held_out_new, record.graded_by_teacher) for record in known.rounds] == [(3, 0), (6, 0)]
    assert same(tmp_path / "blank", tmp_path / "told")


def test_rows_that_were_prepared_without_their_groups_are_told(inputs: dict[str, Path], tmp_path: Path) -> None:
    stream = write_stream(
        tmp_path / "s.csv",
        [(*row, f"c{place}") for place, row in enumerate(new_rows(12))],
        ("text", "target", "customer"),
    )
    parameters = learning_on(stream).model_copy(update={"columns": Columns(group="customer")})
    _, context = run(tmp_path / "job", inputs, parameters)
    assert any("do not tell their customer" in line for line in context.logs)
    _, without = run(tmp_path / "other", inputs, learning_on(stream))
    assert not any("do not tell" in line for line in without.logs)


def test_no_round_learns_a_row_that_judges(
    inputs: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    examples = read_examples(inputs["data"])
    tests = [(example.input.upper(), example.target) for example in examples if example.split is Split.TEST]
    stream = write_stream(tmp_path / "s.csv", [*tests, *new_rows(36)])
    learnt: set[str] = set()
    held: set[str] = set()
    real_trained, real_judged = one_round._Round._trained, one_round._judged

    def trained(own: Any, teacher: Any, rows: Any) -> Any:
        learnt.update(normalise(text) for text in rows.inputs)
        return real_trained(own, teacher, rows)

    def judged(folder: Path, old: Any, new: Any) -> Any:
        held.update(normalise(text) for text in (*old.inputs, *new.inputs))
        return real_judged(folder, old, new)

    monkeypatch.setattr(one_round._Round, "_trained", trained)
    monkeypatch.setattr(one_round, "_judged", judged)
    result, context = run(tmp_path / "job", inputs, learning_on(stream, held_out=0.4))
    assert learnt.isdisjoint(held)
    assert learnt.isdisjoint(normalise(text) for text, _ in tests)
    assert len(held) == result.details["rows_held_out_old"] + 3 * 5  # type: ignore[operator]  # a number
    assert result.details["rows_dropped"] == len(tests)
    assert any(f"{len(tests)} rows of the stream are left out" in line for line in context.logs)


def attempt(folder: Path, inputs: dict[str, Path], parameters: DistillParameters, asks: int) -> TrainResult | None:
    """The result, or null where the job was told to stop when it had asked so often."""
    asked = iter(range(asks))
    try:
        return run(folder, inputs, parameters, lambda _: next(asked, None) is None)[0]
    except Stopped:
        return None


@pytest.fixture(scope="module")
def straight(
    inputs: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> tuple[DistillParameters, Path, TrainResult]:
    """A job of two rounds with a refreshed teacher that nothing disturbed: its parameters, folder and result."""
    folder = tmp_path_factory.mktemp("straight")
    parameters = learning_on(write_stream(folder / "s.csv", new_rows(24)), refresh_teacher=True)
    return parameters, folder / "job", run(folder / "job", inputs, parameters)[0]


Straight = tuple[DistillParameters, Path, TrainResult]


def test_a_job_stopped_again_and_again_ends_with_the_weights_of_one_that_was_not(
    inputs: dict[str, Path], straight: Straight, tmp_path: Path
) -> None:
    parameters, folder, whole = straight
    result, attempts = None, 0
    while result is None:
        result, attempts = attempt(tmp_path, inputs, parameters, 7), attempts + 1
        assert attempts < 60
    assert attempts > 3
    assert same(folder, tmp_path)
    assert result.rounds == whole.rounds
    assert result.resumed_steps
    assert result.steps == whole.steps


@pytest.mark.parametrize("kill", [3, 9, 17, 24])
def test_a_job_killed_anywhere_ends_with_the_weights_of_one_that_was_not(
    inputs: dict[str, Path], straight: Straight, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kill: int
) -> None:
    monkeypatch.setenv("TERCET_CHECKPOINT_SECONDS", "0")
    parameters, folder, whole = straight
    asked = iter(range(kill))

    def killed(_: RecordingContext) -> bool:
        if next(asked, None) is None:
            raise KilledError
        return False

    with pytest.raises(KilledError):
        run(tmp_path, inputs, parameters, killed)
    result, _ = run(tmp_path, inputs, parameters)
    assert result.rounds == whole.rounds
    assert same(folder, tmp_path)


@pytest.mark.parametrize("done", [0, 1])
def test_a_round_that_was_trained_and_not_recorded_is_judged_without_a_training(
    inputs: dict[str, Path], straight: Straight, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, done: int
) -> None:
    parameters, folder, whole = straight
    calls = iter(range(9))

    def dying(place: Path, one: DoneRound) -> None:
        if next(calls) == done:
            raise KilledError
        write_round(place, one)

    monkeypatch.setattr(job, "write_round", dying)
    with pytest.raises(KilledError):
        run(tmp_path, inputs, parameters)
    monkeypatch.setattr(job, "write_round", write_round)
    result, context = run(tmp_path, inputs, parameters)
    assert result.rounds == whole.rounds
    assert same(folder, tmp_path)
    first = next(step for name, step, _ in context.phases if name == "phase.round")
    assert first >= 2000 * (done + 1) if done == 0 else first > 0


def test_a_job_killed_after_its_last_round_does_none_again(
    inputs: dict[str, Path], straight: Straight, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parameters, folder, whole = straight

    def dying(*_: object, **__: object) -> None:
        raise KilledError

    monkeypatch.setattr(job, "replaced_folder", dying)
    with pytest.raises(KilledError):
        run(tmp_path / "killed", inputs, parameters)
    monkeypatch.undo()
    monkeypatch.setattr(job, "run_round", dying)
    result, _ = run(tmp_path / "killed", inputs, parameters)
    assert result.rounds == whole.rounds
    assert same(folder, tmp_path / "killed")
    again, context = run(tmp_path / "killed", inputs, parameters)
    assert again == result
    assert context.phases == []


def test_a_refreshed_teacher_learns_the_new_targets_from_its_own_weights(
    inputs: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taught: list[Path] = []
    real = one_round._Round._trained

    def trained(own: Any, teacher: Teacher, rows: Any) -> Any:
        taught.append(tmp_path / f"teacher-{len(taught)}" / "model")
        shutil.copytree(teacher.folder, taught[-1])
        return real(own, teacher, rows)

    monkeypatch.setattr(one_round._Round, "_trained", trained)
    stream = write_stream(tmp_path / "s.csv", new_rows(24))
    result, context = run(tmp_path / "job", inputs, learning_on(stream, refresh_teacher=True))
    first = inputs["teacher"] / "model"
    assert not same_weights(taught[0], first)
    assert not same_weights(taught[1], taught[0])
    assert load_file(taught[0] / "model.safetensors").keys() == load_file(first / "model.safetensors").keys()
    assert all(not same_weights(folder, inputs["model"] / "model") for folder in taught)
    assert sum("the teacher has learnt 9 new targets" in line for line in context.logs) == 2
    assert len(result.rounds) == 2


def test_a_refresh_that_spoils_the_teacher_is_not_used(
    inputs: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    teachers: list[Path] = []
    real = one_round._Round._trained

    def trained(own: Any, teacher: Teacher, rows: Any) -> Any:
        teachers.append(teacher.folder)
        return real(own, teacher, rows)

    monkeypatch.setattr(one_round._Round, "_trained", trained)
    stream = write_stream(tmp_path / "s.csv", new_rows(12, said=WRONG))
    spoiling = {"epochs": 20, "learning_rate": 1e-2, "alpha": 1.0}
    parameters = learning_on(stream, spoiling, refresh_teacher=True, replay=0.0)
    _, context = run(tmp_path / "job", inputs, parameters)
    assert any("the teacher stays as it was" in line for line in context.logs)
    assert teachers == [inputs["teacher"] / "model"]


def soft_gradient(teacher: Path, student: Path) -> float:
    """The norm of the soft loss's gradient in the student's weights, on new rows."""
    texts = [text for text, _ in new_rows(12)]
    model, _ = load_starting_model(student, LABELS)
    ids, mask = (torch.from_numpy(array) for array in encoded(student, texts))
    wanted = torch.from_numpy(open_classifier(teacher).probabilities(texts)).log()
    logits = model.eval()(input_ids=ids, attention_mask=mask).logits
    soft_label_loss(logits, wanted, torch.zeros(len(texts), dtype=torch.int64), 2.0, 1.0).backward()  # type: ignore[no-untyped-call]  # untyped there
    return sum(float(part.grad.norm()) for part in model.parameters() if part.grad is not None)


def encoded(folder: Path, texts: list[str]) -> Any:
    from_folder: Any = open_classifier(folder)
    return from_folder._encoder.batch(texts)


def test_a_teacher_with_its_student_s_weights_gives_no_signal_and_is_refused(
    inputs: dict[str, Path], tmp_path: Path
) -> None:
    """A published recipe copies the student's weights into the teacher after each round: the loss vanishes then."""
    student, teacher = inputs["model"] / "model", inputs["teacher"] / "model"
    assert soft_gradient(student, student) < 1e-4 * soft_gradient(teacher, student)
    stream = write_stream(tmp_path / "s.csv", new_rows(24))
    with pytest.raises(UserError) as refused:
        run(tmp_path / "job", {**inputs, "teacher": inputs["model"]}, learning_on(stream))
    assert refused.value.code == "dynamic.teacher_is_student"
    assert not (tmp_path / "job" / "model").exists()


def test_a_teacher_that_becomes_its_student_is_refused_in_any_round(
    inputs: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def collapsed(own: Any, replayed: Any) -> Teacher:
        return Teacher(own.standing.service, own.standing.teacher.labels)

    monkeypatch.setattr(one_round._Round, "_refreshed_teacher", collapsed)
    with pytest.raises(UserError) as refused:
        run(tmp_path / "job", inputs, learning_on(write_stream(tmp_path / "s.csv", new_rows(24))))
    assert refused.value.code == "dynamic.teacher_is_student"


def test_equal_weights_are_found_whatever_else_differs(inputs: dict[str, Path], tmp_path: Path) -> None:
    copied = tmp_path / "copied"
    shutil.copytree(inputs["model"] / "model", copied)
    (copied / "tercet.json").unlink()
    with pytest.raises(UserError, match="very weights of the student"):
        check_apart(copied, inputs["model"] / "model")
    assert not same_weights(inputs["teacher"] / "model", copied)
    (tmp_path / "linear").mkdir()
    assert not same_weights(tmp_path / "linear", tmp_path / "linear")


def test_a_job_without_a_student_or_with_other_labels_is_refused(inputs: dict[str, Path], tmp_path: Path) -> None:
    parameters = learning_on(write_stream(tmp_path / "s.csv", new_rows(24)))
    with pytest.raises(UserError) as refused:
        run(tmp_path / "none", {name: inputs[name] for name in ("data", "teacher")}, parameters)
    assert refused.value.code == "dynamic.no_student"
    unrefreshable = learning_on(write_stream(tmp_path / "b.csv", new_rows(24, said=BLANK)), refresh_teacher=True)
    with pytest.raises(UserError) as refused:
        run(tmp_path / "blank", inputs, unrefreshable)
    assert refused.value.code == "dynamic.refresh_without_targets"
    other = tmp_path / "other"
    shutil.copytree(inputs["teacher"], other)
    card = other / "model" / "tercet.json"
    card.write_text(card.read_text().replace("refund", "money"))
    with pytest.raises(UserError) as refused:
        run(tmp_path / "labels", {**inputs, "teacher": other}, parameters)
    assert refused.value.code == "dynamic.labels_differ"


def test_an_adapter_is_averaged_and_merged(inputs: dict[str, Path], tmp_path: Path) -> None:
    stream = write_stream(tmp_path / "s.csv", new_rows(12))
    parameters = learning_on(stream, {"lora": {"rank": 2}}, margin=1.0)
    run(tmp_path / "job", inputs, parameters)
    before, after = weights(inputs["model"]), weights(tmp_path / "job")
    assert before.keys() == after.keys()
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert any("attention" in name for name in moved)
    assert not any("embeddings" in name for name in moved)
