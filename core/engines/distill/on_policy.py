"""On-policy distillation through TRL: the student writes, the teacher scores what it wrote.

Agarwal and others 2023, "On-Policy Distillation of Language Models", arXiv 2306.13649; TRL's `DistillationTrainer` with
its reverse divergence. What the student writes is drawn at temperature 1, as it will write; the study's temperature is
that of the loss. An epoch leaves out the prompts that fill no whole step. All epochs are one to the Trainer, in an
order drawn here, for a resumed one would begin TRL's own order anew. Its checkpoints are not written atomically: only
those that a marker calls complete are gone on with, and on the CPU they end in the same bits as a run that never
stopped. With an adapter they hold the adapter alone, and the student that is saved has it merged, as those of the other
techniques do.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import TrainerCallback

from core.domain import Example
from core.engines.checkpoint import MINIMUM_INTERVAL_S, asked_interval_s
from core.engines.device import Device
from core.engines.distill.causal_model import true_vocabulary
from core.engines.distill.causal_rows import learnt_examples
from core.engines.distill.fit_check import check_beside_teacher, check_language_fit
from core.engines.distill.loop import PHASE
from core.engines.distill.lora import adapter_config, merge_adapter
from core.engines.distill.training_job import Attempt, Material, save_result
from core.engines.durable import disk_full_told
from core.engines.language.opening import open_language_model
from core.engines.language.prompts import message_of, prompt_ids
from core.engines.models.starting import longest_input, quiet_transformers
from core.engines.unused_options import tell_unused
from core.errors import UserError
from core.i18n import english
from core.jobs.results import TrainResult
from core.jobs.specs import DistillParameters
from core.lazy import load
from core.spec import Task, Train
from core.worker.context import JobContext, Stopped

# Low-rank adapters learn best at about ten times the rate of whole weights (Schulman and Thinking Machines Lab 2025,
# "LoRA Without Regret").
RATE, ADAPTER_RATE = 1e-5, 1e-4
FOLDER = "on_policy"
COMPLETE = "COMPLETE"


class JobCallback(TrainerCallback):
    """Tells the job's context how far the Trainer is, asks it whether to stop, and marks whole checkpoints."""

    def __init__(self, context: JobContext, resumed_step: int) -> None:
        self._context = context
        self._saved_step = resumed_step
        interval_s = asked_interval_s()
        self._interval_s = MINIMUM_INTERVAL_S if interval_s is None else interval_s
        self._last_save = self._begun = time.monotonic()
        self._first_step: int | None = None
        self.stopped = False
        self.last_loss: float | None = None

    def on_step_end(self, args: Any, state: Any, control: Any, **others: Any) -> Any:
        """Progress, and a checkpoint where one is due or the job is told to stop.

        Raises UserError where a weight is not finite any more, before such a model is saved or writes.
        """
        if not _finite(others["model"]):
            raise UserError(
                "train.on_policy_not_finite",
                step=state.global_step,
                total_steps=state.max_steps,
                saved_step=self._saved_step,
                learning_rate=args.learning_rate,
            )
        if self._first_step is None:
            self._first_step = state.global_step - 1
        speed = (time.monotonic() - self._begun) / max(1, state.global_step - self._first_step)
        self._context.progress(PHASE, state.global_step, state.max_steps, speed * (state.max_steps - state.global_step))
        if self._context.should_stop() and state.global_step < state.max_steps:
            self.stopped = control.should_training_stop = control.should_save = True
        elif time.monotonic() - self._last_save > self._interval_s:
            control.should_save = True
        return control

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float] | None = None, **_: Any) -> None:
        """The loss as a point of the curve."""
        if logs is not None and "loss" in logs:
            self.last_loss = float(logs["loss"])
            self._context.metric("loss", state.global_step, self.last_loss)

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """The checkpoint of this step is whole."""
        folder = Path(args.output_dir) / f"checkpoint-{state.global_step}"
        (folder / COMPLETE).write_text("", encoding="ascii")
        self._saved_step = state.global_step
        self._context.checkpointed(state.global_step, folder)
        self._last_save = time.monotonic()


def run(
    parameters: DistillParameters, material: Material, teacher: Path, attempt: Attempt, context: JobContext
) -> TrainResult:
    """Train the material's model on what it writes itself and return the result; its files stand in `model/`.

    Raises Stopped after a checkpoint, and UserError where TRL is not installed or the disk is full.
    """
    check_language_fit(teacher, _one_gpu(attempt.device), context)
    settings, folder = parameters.train, context.folder / FOLDER
    task = parameters.task
    if task is None:
        raise ValueError("the training of a language model has no task")
    if settings.hidden_weight > 0.0:
        raise UserError("train.on_policy_plain")
    learnt = learnt_examples(context.input_folder("data"), parameters.part)
    prompts = _prompts(task, learnt, material, settings.max_length, context)
    longest = longest_input(material.model, material.tokenizer, settings.max_length + task.max_output_tokens)
    tell_unused(parameters, "on_policy", context)
    resumed = newest_checkpoint(folder)
    resumed_step = 0 if resumed is None else int(resumed.name.rpartition("-")[2])
    callback = JobCallback(context, resumed_step)
    # A checkpoint holds the weights and both moments of AdamW in fp32; of an adapter far less.
    with quiet_transformers(), disk_full_told(folder, 3 * 4 * _weights(material.model)):
        trainer = _trainer(parameters, material, teacher, prompts, attempt, folder, callback)
        # After the outputs were cut to one size: a forward pass remembers the sizes for the gradients.
        batch_rows = min(int(trainer.args.per_device_train_batch_size), len(prompts))
        check_beside_teacher(trainer.model, longest, batch_rows, attempt.device, context)
        begun = time.monotonic()
        trainer.train(resume_from_checkpoint=None if resumed is None else str(resumed))
    if callback.stopped:
        raise Stopped
    state, adapted = trainer.state, {}
    if settings.lora is not None:
        adapted = {"trained_parameters": _weights(trainer.model, trained=True)}
    model = _plain(trainer.model)
    examples = settings.epochs * len(prompts)
    seconds = time.monotonic() - begun
    done = max(1, int(state.max_steps) - resumed_step) / max(1, int(state.max_steps))
    result = TrainResult(
        method="distill",
        device=attempt.device.description,
        steps=int(state.global_step),
        epochs=settings.epochs,
        final_loss=callback.last_loss,
        parameters=_weights(model),
        examples=examples,
        examples_per_second=examples * done / seconds if seconds > 0 else None,
        seconds=seconds,
        resumed_steps=(resumed_step,) if resumed_step else (),
        technique=material.technique,
        reason=material.reason,
        details={**material.details, "learning_rate": _rate(settings), **adapted},
    )
    save_result(material, model.cpu().float(), settings.max_length, result, context)
    shutil.rmtree(folder, ignore_errors=True)
    return result


def _rate(settings: Train) -> float:
    return settings.learning_rate or (RATE if settings.lora is None else ADAPTER_RATE)


def _weights(model: Any, *, trained: bool = False) -> int:
    """How many weights a model has, or only those that are trained."""
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad or not trained)


def _plain(model: Any) -> Any:
    """The model as transformers knows it, with its adapter, where it has one, merged into it."""
    if not hasattr(model, "peft_config"):
        return model
    plain = model.get_base_model()
    merge_adapter(plain)
    return plain


def _finite(model: Any) -> bool:
    """Whether every weight is a number; a NaN gradient makes all of them none."""
    return bool(torch.stack([parameter.detach().sum() for parameter in model.parameters()]).isfinite().all())


def newest_checkpoint(folder: Path) -> Path | None:
    """The newest checkpoint that was written whole; those that were not are removed."""
    found = sorted(folder.glob("checkpoint-*"), key=lambda path: int(path.name.rpartition("-")[2]))
    for path in found:
        if not (path / COMPLETE).is_file():
            shutil.rmtree(path, ignore_errors=True)
    whole = [path for path in found if (path / COMPLETE).is_file()]
    return whole[-1] if whole else None


def _prompts(
    task: Task, examples: Sequence[Example], material: Material, max_length: int, context: JobContext
) -> list[Any]:
    """What the student answers, as TRL takes it: a conversation for a chat template, else the text.

    Prompts of more than `max_length` tokens, or without room for an answer, are left out. Raises UserError without any.
    """
    tokenizer = material.tokenizer
    room = longest_input(material.model, tokenizer, max_length + task.max_output_tokens) - task.max_output_tokens
    messages = [message_of(task, example) for example in examples]
    given = len(messages)
    messages = [message for message in messages if len(prompt_ids(tokenizer, message)) <= room]
    if not messages:
        raise UserError("train.on_policy_prompts", max_length=room)
    dropped = given - len(messages)
    context.log(
        english("causal.log.prompts", rows=len(messages), dropped=dropped, max_length=room),
        "warning" if dropped else "info",
    )
    if not tokenizer.chat_template:
        return messages
    return [[{"role": "user", "content": message}] for message in messages]


def _one_gpu(device: Device) -> Device:
    """The device, a GPU by its number: TRL wants both output heads in one place, so the teacher is not to be spread."""
    if str(device.torch_device) != "cuda":
        return device
    return replace(device, torch_device=torch.device("cuda", torch.cuda.current_device()))


def _share_vocabulary(material: Material, teacher: Any) -> None:
    """Cut the padding of both outputs off where the sizes differ, for TRL compares them whole."""
    models = (material.model, teacher)
    if len({int(model.config.get_text_config().vocab_size) for model in models}) > 1:
        shared = true_vocabulary(material.tokenizer, *models)
        for model in models:
            model.resize_token_embeddings(shared, mean_resizing=False)


def _rows_in_order(prompts: int, step_prompts: int, epochs: int, seed: int) -> list[int]:
    """The prompts' places as all epochs learn them, each a shuffle of its own, cut to whole steps."""
    shuffled = np.random.default_rng(seed)
    whole = prompts - prompts % step_prompts
    return [int(place) for _ in range(epochs) for place in shuffled.permutation(prompts)[:whole]]


def _trainer(
    parameters: DistillParameters,
    material: Material,
    teacher: Path,
    prompts: list[Any],
    attempt: Attempt,
    folder: Path,
    callback: JobCallback,
) -> Any:
    settings, trl = parameters.train, load("trl")
    # TRL leaves out what fills no whole step, which with few prompts would be all of them.
    batch_size = min(settings.batch_size, len(prompts))
    accumulate = min(settings.accumulate, len(prompts) // batch_size)
    order = _rows_in_order(len(prompts), batch_size * accumulate, settings.epochs, settings.seed)
    arguments = trl.DistillationConfig(
        output_dir=str(folder),
        num_train_epochs=1,
        shuffle_dataset=False,
        per_device_train_batch_size=batch_size,
        gradient_accumulation_steps=accumulate,
        gradient_checkpointing=settings.gradient_checkpointing,
        learning_rate=_rate(settings),
        seed=settings.seed,
        temperature=settings.temperature,
        generation_kwargs={"temperature": 1.0},
        max_completion_length=parameters.task.max_output_tokens if parameters.task else None,
        save_strategy="no",
        save_total_limit=2,
        logging_steps=1,
        report_to=[],
        disable_tqdm=True,
        use_cpu=attempt.device.torch_device.type == "cpu",
        bf16=attempt.device.precision == "bf16",
        fp16=attempt.device.precision == "fp16",
    )
    # TRL refuses to spread a model's copies over several GPUs in one process; the first does the work.
    arguments._n_gpu = min(1, arguments.n_gpu)
    teacher_model = open_language_model(teacher, _one_gpu(attempt.device)).model
    _share_vocabulary(material, teacher_model)
    trainer = trl.DistillationTrainer(
        model=material.model,
        teacher_model=teacher_model,
        args=arguments,
        train_dataset=load("datasets").Dataset.from_dict({"prompt": prompts}).select(order),
        processing_class=material.tokenizer,
        callbacks=[callback],
        # After the outputs were cut to one size, for an adapter stands beside layers as they are.
        peft_config=None if settings.lora is None else adapter_config(material.model, settings.lora),
    )
    # It prints what it logs, to a stdout that belongs to events.
    for printing in ("PrinterCallback", "ProgressCallback"):
        trainer.remove_callback(getattr(load("transformers.trainer_callback"), printing))
    return trainer
