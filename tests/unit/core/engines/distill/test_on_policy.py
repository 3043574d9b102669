"""On-policy distillation: the student learns from what it wrote, stops, goes on, and leaves a plain model."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from job_context import RecordingContext, job_context
from tiny_language_models import CHAT_TEMPLATE, write_language_model, write_language_model_job, write_text_dataset
from transformers import AutoModelForCausalLM

from core.engines.device import Device
from core.engines.distill import job as distill_job
from core.engines.distill import on_policy
from core.engines.distill.on_policy import COMPLETE, newest_checkpoint
from core.engines.models.card import read_card
from core.errors import UserError
from core.jobs.specs import DistillParameters
from core.spec import LocalModel, Lora, Task, TeacherLayers, Train
from core.worker.context import Stopped

TASK = Task(kind="generation", metric="exact_match", prompt="Last: {text}", max_output_tokens=4)
TRAIN = Train(method="distill", technique="on_policy", epochs=1, batch_size=6, temperature=1.0, learning_rate=1e-3)
PARAMETERS = DistillParameters(layers=TeacherLayers(source="teacher", layers=1), task=TASK, train=TRAIN)

pytest.importorskip("trl", reason="needs the extra on-policy")
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::UserWarning")


@pytest.fixture(scope="module", params=[None, CHAT_TEMPLATE], ids=["plain", "chat"])
def inputs(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("on-policy")
    source = write_language_model(folder / "source", chat_template=request.param)
    return {
        "data": write_text_dataset(folder / "data"),
        "teacher": write_language_model_job(folder / "job", source),
    }


def test_a_stopped_run_goes_on_from_its_checkpoint(tmp_path: Path, inputs: dict[str, Path]) -> None:
    def two_steps(context: RecordingContext) -> bool:
        return context.steps("phase.train") >= 2

    first = job_context(tmp_path, PARAMETERS, inputs, two_steps)
    with pytest.raises(Stopped):
        distill_job.run(PARAMETERS, first)
    assert first.checkpoints == [2]
    context = job_context(tmp_path, PARAMETERS, inputs)
    result = distill_job.run(PARAMETERS, context)
    assert (result.steps, result.resumed_steps, result.technique) == (4, (2,), "on_policy")
    assert read_card(tmp_path / "model").kind == "language_model"
    assert AutoModelForCausalLM.from_pretrained(tmp_path / "model").config.num_hidden_layers == 1
    assert not (tmp_path / "on_policy").exists()


def test_a_student_with_a_padded_vocabulary_is_cut_to_what_both_have(tmp_path: Path, inputs: dict[str, Path]) -> None:
    padded = write_language_model(tmp_path / "padded", layers=1, vocab_pad=7)
    student = LocalModel(source="local", path=str(padded))
    few = TRAIN.model_copy(update={"batch_size": 16, "accumulate": 4})
    parameters = PARAMETERS.model_copy(update={"layers": None, "model": student, "train": few})
    result = distill_job.run(parameters, job_context(tmp_path / "job", parameters, inputs))
    assert result.steps == 1
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "job" / "model")
    assert (
        model.config.vocab_size == AutoModelForCausalLM.from_pretrained(inputs["teacher"] / "model").config.vocab_size
    )


def test_a_teacher_is_on_one_gpu_where_trl_wants_both_outputs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    places = [torch.device(name) for name in ("cuda", "cuda:1", "cpu")]
    told = [on_policy._one_gpu(Device(place, "device")).torch_device for place in places]
    assert told == [torch.device("cuda", 0), *places[1:]]


def test_prompts_without_room_are_left_out_and_told(tmp_path: Path, inputs: dict[str, Path]) -> None:
    parameters = PARAMETERS.model_copy(update={"train": TRAIN.model_copy(update={"max_length": 24})})
    context = job_context(tmp_path / "some", parameters, inputs)
    distill_job.run(parameters, context)
    (told,) = [line for line in context.logs if "answers" in line and "training prompts" in line]
    assert " 0 prompts" not in told
    parameters = PARAMETERS.model_copy(update={"train": TRAIN.model_copy(update={"max_length": 4})})
    with pytest.raises(UserError, match="no prompt fits into 4 tokens"):
        distill_job.run(parameters, job_context(tmp_path / "none", parameters, inputs))


def test_weights_that_are_not_finite_end_the_training_with_a_remedy(tmp_path: Path, inputs: dict[str, Path]) -> None:
    wild = TRAIN.model_copy(update={"learning_rate": 1e30})
    parameters = PARAMETERS.model_copy(update={"train": wild})
    with pytest.raises(UserError, match=r"diverged at step \d+ of 4"):
        distill_job.run(parameters, job_context(tmp_path, parameters, inputs))
    assert newest_checkpoint(tmp_path / "on_policy") is None


def test_a_checkpoint_cut_off_in_the_middle_is_not_gone_on_with(tmp_path: Path) -> None:
    for step in (2, 10):
        (tmp_path / f"checkpoint-{step}").mkdir()
    (tmp_path / "checkpoint-2" / COMPLETE).touch()
    assert newest_checkpoint(tmp_path) == tmp_path / "checkpoint-2"
    assert not (tmp_path / "checkpoint-10").exists()


@pytest.mark.parametrize("lora", [None, Lora(rank=2, dropout=0.1)], ids=["whole", "adapter"])
def test_a_run_stopped_in_each_epoch_ends_with_the_bits_of_one_that_was_not(
    tmp_path: Path, inputs: dict[str, Path], lora: Lora | None
) -> None:
    settings = TRAIN.model_copy(update={"lora": lora, "epochs": 2, "batch_size": 4, "accumulate": 2})
    parameters = PARAMETERS.model_copy(update={"train": settings})
    whole = distill_job.run(parameters, job_context(tmp_path / "whole", parameters, inputs))
    for step in (2, 3, 5):

        def at_step(context: RecordingContext, step: int = step) -> bool:
            return context.steps("phase.train") >= step

        with pytest.raises(Stopped):
            distill_job.run(parameters, job_context(tmp_path / "stopped", parameters, inputs, at_step))
    resumed = distill_job.run(parameters, job_context(tmp_path / "stopped", parameters, inputs))
    assert (resumed.steps, resumed.resumed_steps) == (whole.steps, (5,)) == (6, (5,))
    assert resumed.final_loss == whole.final_loss
    bits = [(tmp_path / name / "model" / "model.safetensors").read_bytes() for name in ("whole", "stopped")]
    assert bits[0] == bits[1]


def test_a_merged_adapter_leaves_a_plain_model_that_differs_where_it_was(
    tmp_path: Path, inputs: dict[str, Path]
) -> None:
    parameters = PARAMETERS.model_copy(
        update={"train": TRAIN.model_copy(update={"lora": Lora(rank=2, targets=["q_proj"])})}
    )
    result = distill_job.run(parameters, job_context(tmp_path, parameters, inputs))
    trained = AutoModelForCausalLM.from_pretrained(tmp_path / "model")
    begun = AutoModelForCausalLM.from_pretrained(inputs["teacher"] / "model").state_dict()
    changed = [name for name, tensor in trained.state_dict().items() if not tensor.equal(begun[name])]
    assert changed == ["model.layers.0.self_attn.q_proj.weight"]
    assert result.parameters == sum(parameter.numel() for parameter in trained.parameters())
    assert result.details["trained_parameters"] == 2 * (32 + 32)
    assert not list((tmp_path / "model").glob("adapter*"))


def test_an_adapters_checkpoint_holds_the_adapter_alone(tmp_path: Path, inputs: dict[str, Path]) -> None:
    parameters = PARAMETERS.model_copy(update={"train": TRAIN.model_copy(update={"lora": Lora(rank=2)})})
    context = job_context(tmp_path, parameters, inputs, lambda context: context.steps("phase.train") >= 1)
    with pytest.raises(Stopped):
        distill_job.run(parameters, context)
    checkpoint = newest_checkpoint(tmp_path / "on_policy")
    assert checkpoint is not None
    assert (checkpoint / "adapter_model.safetensors").is_file()
    assert not (checkpoint / "model.safetensors").exists()


def test_an_adapter_beside_a_padded_vocabulary_is_trained_on_what_both_have(
    tmp_path: Path, inputs: dict[str, Path]
) -> None:
    padded = write_language_model(tmp_path / "padded", layers=1, vocab_pad=7)
    student = LocalModel(source="local", path=str(padded))
    train = TRAIN.model_copy(update={"lora": Lora(rank=2), "gradient_checkpointing": True})
    parameters = PARAMETERS.model_copy(update={"layers": None, "model": student, "train": train})
    distill_job.run(parameters, job_context(tmp_path / "job", parameters, inputs))
    trained = AutoModelForCausalLM.from_pretrained(tmp_path / "job" / "model").state_dict()
    begun = AutoModelForCausalLM.from_pretrained(padded).state_dict()
    rows = len(trained["lm_head.weight"])
    assert rows == len(begun["lm_head.weight"]) - 7
    assert trained["lm_head.weight"].equal(begun["lm_head.weight"][:rows])
    name = "model.layers.0.mlp.down_proj.weight"
    assert not trained[name].equal(begun[name])
