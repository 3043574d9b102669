"""The pruning ladder: the share is met, the unpruned model teaches, and a killed job ends with the same weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from job_context import RecordingContext, job_context
from safetensors.torch import load_file
from tiny_language_models import word_tokenizer, write_language_model, write_language_model_job, write_text_dataset
from tiny_models import tiny_config, write_body, write_dataset
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification

from core.data.examples import read_examples, write_examples
from core.domain import Split
from core.engines import fine_tune
from core.engines.checkpoint import Checkpoints
from core.engines.compress import job, ladder
from core.engines.compress.work import Work
from core.engines.distill import fit_check
from core.engines.distill.loop import PHASE
from core.engines.models import open_classifier, read_card
from core.errors import UserError
from core.jobs.results import CompressResult
from core.jobs.specs import CompressParameters, FineTuneParameters
from core.spec import LocalModel, Prune, Task, Train, TrimVocabulary
from core.worker.context import Stopped

TASK = Task(kind="generation", metric="exact_match", prompt="Last word of {text}?")
TRIM = TrimVocabulary(trim_vocabulary=True)


class KilledError(Exception):
    """Stands for a kill: nothing of ours runs after it."""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dataset(tmp_path_factory.mktemp("data"), rows=120)


@pytest.fixture(scope="module")
def parent(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Path:
    """The job folder of a classifier with eight heads that has learned the dataset."""
    folder = tmp_path_factory.mktemp("parent")
    config = tiny_config(3)
    config.num_attention_heads, config.hidden_size, config.intermediate_size = 8, 32, 64
    body = write_body(folder / "body", config)
    train = Train(method="fine_tune", epochs=8, batch_size=8, max_length=32, learning_rate=3e-3)
    parameters = FineTuneParameters(model=LocalModel(source="local", path=str(body)), train=train)
    fine_tune.run(parameters, job_context(folder / "job", parameters, {"data": data}))
    assert len(set(answers(folder / "job", data))) == 3
    return folder / "job"


def answers(folder: Path, data: Path) -> list[int]:
    """The labels that a job's model gives the test rows."""
    texts = [example.input for example in read_examples(data) if example.split is Split.TEST]
    return [int(one) for one in open_classifier(folder / "model").probabilities(texts).argmax(axis=1)]


def pruning(**changes: object) -> CompressParameters:
    settings: dict[str, object] = {"prune": 0.6, "rungs": 2, "epochs": 2, "learning_rate": 5e-3, **changes}
    return CompressParameters(steps=(Prune.model_validate(settings),))


def run(
    folder: Path,
    parameters: CompressParameters,
    parent: Path,
    data: Path,
    stop: Callable[[RecordingContext], bool] = lambda context: False,
    **more: Path,
) -> tuple[CompressResult, RecordingContext]:
    context = job_context(folder, parameters, {"model": parent, "data": data, **more}, stop)
    return job.run(parameters, context), context


@pytest.fixture(scope="module")
def pruned(
    tmp_path_factory: pytest.TempPathFactory, parent: Path, data: Path
) -> tuple[Path, CompressResult, RecordingContext]:
    folder = tmp_path_factory.mktemp("pruned")
    return folder, *run(folder, pruning(), parent, data)


Pruned = tuple[Path, CompressResult, RecordingContext]


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model" / "model.safetensors")


def same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def test_each_rung_removes_its_part_of_all_parameters(pruned: Pruned, parent: Path) -> None:
    folder, result, _ = pruned
    whole = AutoModelForSequenceClassification.from_pretrained(parent / "model").num_parameters()
    model = AutoModelForSequenceClassification.from_pretrained(folder / "model")
    assert [rung.removed_share for rung in result.rungs] == pytest.approx([1 - 0.4**0.5, 0.6], abs=0.02)
    assert (
        result.rungs[-1].parameters
        == result.parameters
        == model.num_parameters()
        == read_card(folder / "model").parameters
    )
    assert result.rungs[-1].removed_share == pytest.approx(1 - model.num_parameters() / whole)


def test_recovery_brings_the_unpruned_models_answers_back(pruned: Pruned, parent: Path, data: Path) -> None:
    folder, result, _ = pruned
    bare, _ = run(folder / "bare", pruning(epochs=0, rungs=1), parent, data)
    assert bare.rungs[0].agreement_pruned == bare.rungs[0].agreement_recovered
    assert result.label_agreement >= 0.9
    assert result.label_agreement > bare.label_agreement
    assert answers(folder, data) == answers(parent, data)


def test_what_it_is_compared_on_was_not_learned(pruned: Pruned, data: Path) -> None:
    _, result, context = pruned
    assert result.rows == 12
    # 120 train rows, 12 of them held out; two rungs of two epochs in batches of 32.
    assert context.steps(PHASE) == 2 * 2 * 4
    assert (PHASE, 5, 16) in context.phases


def test_no_row_of_a_compared_group_is_learned_from(parent: Path, data: Path, tmp_path: Path) -> None:
    examples = [replace(one, group=f"g{place // 4}") for place, one in enumerate(read_examples(data))]
    compared = job._compared_rows(examples, held_out=True)
    work = Work(job_context(tmp_path, pruning(), {}), pruning(), parent / "model", tuple(examples), compared, 2)
    learned = {one.group for one in work.train_examples}
    assert {one.group for one in compared}.isdisjoint(learned)
    assert 8 <= len(compared) <= 16
    assert len(learned) * 4 + len(compared) >= 120


def test_nothing_is_left_of_the_rungs(pruned: Pruned) -> None:
    assert [path.name for path in pruned[0].iterdir() if path.name != "bare"] == ["model"]


def test_nothing_goes_where_nothing_is_asked_for(tmp_path: Path, parent: Path, data: Path) -> None:
    result, _ = run(tmp_path, pruning(prune=0.0), parent, data)
    assert result.rungs == ()
    assert same(weights(tmp_path), weights(parent))


@pytest.mark.parametrize(("left", "rungs"), [(0.3, 4), (0.2, 5), (0.1, 7), (0.7, 1), (0.49, 2), (0.95, 1)])
def test_a_rung_takes_at_most_three_tenths_of_what_is_left(left: float, rungs: int) -> None:
    assert ladder.rungs_for(left) == rungs
    assert left ** (1 / rungs) >= 0.7 - 1e-9


@pytest.mark.parametrize("share", [0.3, 0.51])
def test_rungs_do_not_depend_on_how_the_share_is_rounded_to_parameters(
    share: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ladder, "anatomy_of", lambda model: None)
    monkeypatch.setattr(ladder, "least_parameters", lambda model, anatomy: 1)
    for parameters in (21_856, 22_713, 33_360):
        model = torch.nn.Linear(1, parameters, bias=False)
        found = ladder._targets(model, Prune(prune=share), parameters, tmp_path)
        assert len(found) == ladder.rungs_for(1.0 - share) == (1 if share == 0.3 else 2)
        assert found[-1] == round((1.0 - share) * parameters)


@pytest.mark.parametrize("step", [3, 11])
def test_a_job_stopped_within_a_rung_ends_with_the_weights_of_one_that_was_not(
    tmp_path: Path, pruned: Pruned, parent: Path, data: Path, step: int
) -> None:
    folder, straight, _ = pruned
    with pytest.raises(Stopped):
        run(tmp_path, pruning(), parent, data, lambda context: context.steps(PHASE) >= step)
    result, context = run(tmp_path, pruning(), parent, data)
    assert same(weights(tmp_path), weights(folder))
    assert any(line.startswith("resumed from checkpoint") for line in context.logs)
    assert ("rung 1 of 2 was finished before" in context.logs) == (step == 11)
    assert [rung.model_copy(update={"latency_ms": 0.0}) for rung in result.rungs] == [
        rung.model_copy(update={"latency_ms": 0.0}) for rung in straight.rungs
    ]


def test_a_job_killed_within_a_rung_goes_on_from_its_last_checkpoint_to_the_same_weights(
    tmp_path: Path, pruned: Pruned, parent: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    due = iter([False] * 10 + [True] + [False] * 100)
    monkeypatch.setattr(Checkpoints, "due", lambda _self: next(due))

    def stop(context: RecordingContext) -> bool:
        if context.steps(PHASE) >= 14:
            raise KilledError
        return False

    with pytest.raises(KilledError):
        run(tmp_path, pruning(), parent, data, stop)
    _, context = run(tmp_path, pruning(), parent, data)
    assert "rung 1 of 2 was finished before" in context.logs
    assert "resumed from checkpoint at step 3" in context.logs
    assert same(weights(tmp_path), weights(pruned[0]))


def test_a_batch_that_does_not_fit_is_learned_from_in_parts_of_the_same_steps(
    tmp_path: Path, parent: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(fit_check.IGNORE_VARIABLE, raising=False)
    monkeypatch.setattr(fit_check, "free_memory_mib", lambda _device: 1000.0)
    monkeypatch.setattr(fit_check, "training_need", lambda _training, _tokens: fit_check.MemoryNeed(0.0, 100.0))
    _, context = run(tmp_path, pruning(rungs=1, epochs=1), parent, data)
    assert any("4 parts of at most 8 rows" in line for line in context.logs)


def test_a_job_killed_before_its_result_was_told_does_nothing_twice(
    tmp_path: Path, parent: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _ = run(tmp_path, pruning(epochs=0), parent, data)
    monkeypatch.setattr(ladder, "run", lambda *_: pytest.fail("pruned again"))
    second, _ = run(tmp_path, pruning(epochs=0), parent, data)
    assert second == first


def test_another_teacher_may_teach_if_its_labels_are_the_same(
    tmp_path: Path, parent: Path, teacher: Path, data: Path
) -> None:
    result, _ = run(tmp_path / "same", pruning(rungs=1), parent, data, teacher=teacher)
    own, _ = run(tmp_path / "own", pruning(rungs=1), parent, data)
    assert not same(weights(tmp_path / "same"), weights(tmp_path / "own"))
    assert result.parameters == own.parameters


def test_where_the_named_teacher_answers_in_text_the_unpruned_model_teaches_and_it_is_said(
    tmp_path: Path, pruned: Pruned, parent: Path, data: Path
) -> None:
    parameters = pruning().model_copy(update={"teacher_in_text": True})
    _, context = run(tmp_path, parameters, parent, data)
    assert same(weights(tmp_path), weights(pruned[0]))
    assert sum("train.teacher answers in text" in line for line in context.logs) == 1


def test_a_share_that_cannot_go_is_refused_with_the_largest_one(tmp_path: Path, parent: Path, data: Path) -> None:
    with pytest.raises(UserError, match=r"at most 9\d\.\d\s%") as refused:
        run(tmp_path, pruning(prune=0.999), parent, data)
    assert refused.value.code == "prune.unreachable"
    assert not (tmp_path / "model").exists()


def test_without_train_rows_it_is_refused(tmp_path: Path, parent: Path, data: Path) -> None:
    examples = [example for example in read_examples(data) if example.split is Split.TEST]
    calibration = [type(one)(one.example_id, Split.CALIBRATION, one.group, one.input, one.target) for one in examples]
    (tmp_path / "data").mkdir()
    write_examples(tmp_path / "data", calibration)
    with pytest.raises(UserError) as refused:
        run(tmp_path / "job", pruning(), parent, tmp_path / "data")
    assert refused.value.code == "prune.no_rows"


def test_dropped_tokens_count_as_pruned(tmp_path: Path, parent: Path, data: Path) -> None:
    parameters = CompressParameters(steps=(TRIM, *pruning(epochs=0).steps))
    result, _ = run(tmp_path, parameters, parent, data)
    assert result.steps == ("trim_vocabulary", "prune")
    assert result.rungs[-1].removed_share == pytest.approx(0.6, abs=0.02)


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_text_dataset(tmp_path_factory.mktemp("texts"), rows=24)


@pytest.fixture(scope="module")
def language_parent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("language")
    return write_language_model_job(folder / "job", write_language_model(folder / "source"))


def language_pruning(**changes: object) -> CompressParameters:
    return pruning(prune=0.5, **changes).model_copy(update={"task": TASK})


def test_a_language_model_is_pruned_and_recovers_with_its_embeddings_tied(
    tmp_path: Path, language_parent: Path, texts: Path
) -> None:
    parameters = language_pruning(epochs=6)
    result, context = run(tmp_path, parameters, language_parent, texts)
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "model")
    whole = AutoModelForCausalLM.from_pretrained(language_parent / "model").num_parameters()
    assert result.parameters == model.num_parameters() == pytest.approx(0.5 * whole, abs=0.02 * whole)
    assert model.lm_head.weight is model.model.embed_tokens.weight
    assert read_card(tmp_path / "model").kind == "language_model"
    assert result.rungs[-1].agreement_recovered == pytest.approx(result.label_agreement, abs=1e-9)
    losses = [value for name, _, value in context.metrics if name == "loss"]
    assert losses[-1] < losses[len(losses) // 2]


def test_a_language_model_stopped_within_a_rung_ends_with_the_same_weights(
    tmp_path: Path, language_parent: Path, texts: Path
) -> None:
    run(tmp_path / "straight", language_pruning(), language_parent, texts)
    with pytest.raises(Stopped):
        run(tmp_path / "stopped", language_pruning(), language_parent, texts, lambda one: one.steps(PHASE) >= 9)
    run(tmp_path / "stopped", language_pruning(), language_parent, texts)
    assert same(weights(tmp_path / "straight"), weights(tmp_path / "stopped"))


def test_a_language_model_needs_the_task(tmp_path: Path, language_parent: Path, texts: Path) -> None:
    with pytest.raises(UserError) as refused:
        run(tmp_path, pruning(), language_parent, texts)
    assert refused.value.code == "compress.no_task"


@pytest.mark.parametrize(
    ("form", "said"),
    [("same tokens", None), ("other tokens", "into other tokens"), ("onnx", "answers in text")],
)
def test_a_named_language_model_teaches_only_by_probabilities_of_the_same_tokens(
    tmp_path: Path, language_parent: Path, texts: Path, form: str, said: str | None
) -> None:
    parameters = language_pruning(rungs=2, epochs=1)
    teacher = write_language_model_job(tmp_path / "teacher", write_language_model(tmp_path / "source", seed=1))
    if form == "other tokens":
        word_tokenizer(["word"]).save_pretrained(teacher / "model")
    if form == "onnx":
        (teacher / "model" / "model.safetensors").rename(teacher / "model" / "model.onnx")
    _, alone = run(tmp_path / "alone", parameters, language_parent, texts)
    _, taught = run(tmp_path / "taught", parameters, language_parent, texts, teacher=teacher)
    assert same(weights(tmp_path / "alone"), weights(tmp_path / "taught")) == (said is not None)
    told = [sum("train.teacher" in line for line in one.logs) for one in (alone, taught)]
    assert told == [0, int(said is not None)]
    assert said is None or any(said in line for line in taught.logs)
