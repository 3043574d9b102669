"""What fine-tuning and distilling share: tokens in, loop, model folder out, and going on after a stop."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import ValidationError

from core.engines.checkpoint import Checkpoint, Checkpoints
from core.engines.device import Device, choose_device, use_huge_pages
from core.engines.distill.fit_check import check_fit
from core.engines.distill.loop import train
from core.engines.distill.lora import add_adapter, merge_adapter
from core.engines.distill.objective import BatchObjective, Objective, companion_of
from core.engines.distill.observer import Observer
from core.engines.distill.replicas import other_gpus
from core.engines.distill.rows import TrainingRows
from core.engines.distill.training import Training, TrainingPlan, TrainingState
from core.engines.models.card import ModelCard
from core.engines.models.starting import longest_input, text_encoder
from core.engines.models.tokenization import TextEncoder, TokenRows
from core.engines.models.writing import save_transformers_model
from core.engines.random_state import seed_all
from core.i18n import english
from core.jobs.results import TrainResult
from core.spec import Train
from core.worker.context import JobContext

MODEL_FOLDER = "model"
RESULT_NAME = "training.json"
TOKENIZE_PHASE = "phase.tokenize"
SAVE_PHASE = "phase.save_model"


@dataclass(frozen=True)
class Material:
    """What a training starts from; `parent_sha256` is the fingerprint of its weights.

    No `labels` mean a language model; of `several`, a row may have any number. `technique` is how a teacher is used,
    `reason` the message code that says why. `prepared` says that the adapter is in the model (`prepared_for`).
    `teacher_layers` are those that a student was made of, null where it has layers of its own.
    """

    model: Any
    tokenizer: Any
    labels: tuple[str, ...]
    parent_sha256: str
    fresh_head: bool
    details: dict[str, str | int | float | bool | None] = field(default_factory=dict)
    technique: str | None = None
    reason: str | None = None
    several: bool = False
    prepared: bool = False
    teacher_layers: tuple[int, ...] | None = None


@dataclass(frozen=True)
class TrainingTokens:
    """The rows as tokens, with their names; `pad_id` fills batches, `max_length` is where they were cut."""

    tokens: TokenRows
    names: tuple[str, ...]
    pad_id: int
    max_length: int


@dataclass(frozen=True)
class Attempt:
    """One attempt at a training job: where it runs, and the checkpoint it goes on from."""

    device: Device
    checkpoints: Checkpoints
    resumed: Checkpoint | None


def finished_before(context: JobContext) -> TrainResult | None:
    """The result of an earlier attempt that wrote its model and was killed before it could say so; null without one."""
    try:
        document = json.loads((context.folder / MODEL_FOLDER / RESULT_NAME).read_text(encoding="utf-8"))
        if document["job_id"] != context.spec.job_id:
            return None
        result = TrainResult.model_validate(document["result"])
    except (OSError, ValueError, KeyError, TypeError, ValidationError):
        return None
    context.started(result.device, result.steps)
    context.log(english("train.log.finished_before"))
    return result


def begin(context: JobContext) -> Attempt:
    """Choose the device, find the checkpoint to go on from, and say so."""
    use_huge_pages()
    device = choose_device()
    checkpoints = Checkpoints(context.folder, context.spec.job_id, lambda text: context.log(text, "warning"))
    resumed = checkpoints.newest()
    context.started(device.description, 0 if resumed is None else resumed.step)
    if resumed is not None:
        context.log(english("train.log.resumed", step=resumed.step))
    return Attempt(device, checkpoints, resumed)


def train_and_save(
    method: Literal["fine_tune", "distill"],
    material: Material,
    rows: TrainingRows,
    settings: Train,
    learning_rate: float,
    objective: Objective,
    attempt: Attempt,
    context: JobContext,
) -> TrainResult:
    """Train the material's model on texts, write its folder `model`, and return the result."""
    tokens = tokenized(material, rows, settings.max_length, context)
    return run_training(method, material, tokens, settings, learning_rate, objective, attempt, context)


def tokenized(material: Material, rows: TrainingRows, max_length: int, context: JobContext) -> TrainingTokens:
    """The texts of the rows as the material's tokens, cut at `max_length` or at what the model can read."""
    encoder = _encoder(material, max_length, context)
    return TrainingTokens(_tokenize(encoder, rows.inputs, context), rows.names, encoder.pad_id, encoder.max_length)


def run_training(
    method: Literal["fine_tune", "distill"],
    material: Material,
    rows: TrainingTokens,
    settings: Train,
    learning_rate: float,
    objective: Objective,
    attempt: Attempt,
    context: JobContext,
    observer: Observer | None = None,
) -> TrainResult:
    """Train the material's model on tokens, write its folder `model`, and return the result."""
    device = attempt.device
    material = prepared_for(material, settings)
    details = {**material.details, "max_length": rows.max_length, "learning_rate": learning_rate}
    details |= {"weighted": True} if settings.weighted else {}
    model = _placed(material.model, objective, device)
    plan = TrainingPlan(
        settings.epochs, settings.batch_size, learning_rate, settings.seed, material.fresh_head, settings.accumulate
    )
    follower = observer or Observer()
    training = Training(
        model, rows.tokens, rows.pad_id, rows.names, objective, plan, device, follower, _others(objective, device)
    )
    _say(training, context)
    check_fit(training, context)
    # Dropout draws after this point must not depend on how the weights were drawn.
    seed_all(settings.seed)
    state = train(training, attempt.checkpoints, attempt.resumed, context)
    if settings.lora is not None:
        merge_adapter(model)
    result = _result(method, material, training, state, {**details, **follower.details()})
    save_result(material, model, rows.max_length, result, context)
    attempt.checkpoints.clear()
    return result


def prepared_for(material: Material, settings: Train) -> Material:
    """The material with its model as it is trained: the adapter put in, activations saved where asked; done once."""
    if material.prepared:
        return material
    adapted = _adapted(material, settings)
    _save_activations(material.model, settings)
    return replace(material, details={**material.details, **adapted}, prepared=True)


def check_before_teacher(
    material: Material,
    rows: TrainingTokens,
    settings: Train,
    objective: Objective,
    attempt: Attempt,
    context: JobContext,
) -> Material:
    """Check that the student's training fits before its teacher is asked, which may take hours; the prepared material.

    `objective` need only save and take what the real one does. The model leaves the device again, for the teacher needs
    it first. Raises UserError as `check_fit` does, which is asked again with what is free when the training begins.
    """
    material, device = prepared_for(material, settings), attempt.device
    plan = TrainingPlan(settings.epochs, settings.batch_size, 1.0, settings.seed)
    model = _placed(material.model, objective, device)
    training = Training(
        model, rows.tokens, rows.pad_id, rows.names, objective, plan, device, other_devices=_others(objective, device)
    )
    check_fit(training, context)
    model.to("cpu")
    return material


def _placed(model: Any, objective: Objective, device: Device) -> Any:
    """The model on the device, and what its objective trains beside it."""
    companion = companion_of(objective)
    if companion is not None:
        companion.to(device.torch_device)
    return model.to(device.torch_device)


def _say(training: Training, context: JobContext) -> None:
    """What is about to be trained, and on what."""
    context.log(
        english(
            "train.log.plan",
            parameters=f"{_parameters(training.model) / 1e6:.1f}",
            device=training.device.description,
            steps=training.total_steps,
            batch_size=training.plan.batch_size * training.plan.accumulate,
        )
    )
    if training.other_devices:
        context.log(english("train.log.gpus", count=1 + len(training.other_devices)))


def _result(
    method: Literal["fine_tune", "distill"],
    material: Material,
    training: Training,
    state: TrainingState,
    details: dict[str, Any],
) -> TrainResult:
    rows, examples = len(training.row_names), training.plan.epochs * len(training.row_names)
    return TrainResult(
        method=method,
        device=training.device.description,
        steps=state.step,
        epochs=training.plan.epochs,
        final_loss=state.last_loss,
        parameters=_parameters(training.model),
        examples=examples,
        examples_per_second=examples / state.seconds if state.seconds > 0 else None,
        seconds=state.seconds,
        resumed_steps=state.resumed_steps,
        truncated_share=training.tokens.truncated / rows,
        technique=material.technique,
        reason=material.reason,
        details=details,
    )


def _parameters(model: Any) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def _others(objective: Objective, device: Device) -> tuple[torch.device, ...]:
    """The GPUs that share the work with `device`."""
    alone = isinstance(objective, BatchObjective) and objective.one_device
    return () if alone else other_gpus(device)


def _adapted(material: Material, settings: Train) -> dict[str, int]:
    """Put the adapter in where one is asked for; what the result says of it."""
    if settings.lora is None:
        return {}
    trained = add_adapter(material.model, settings.lora, train_head=bool(material.labels))
    return {"trained_parameters": trained}


def _save_activations(model: Any, settings: Train) -> None:
    """Trade time for memory where asked: activations are computed again in the backward pass."""
    if not settings.gradient_checkpointing:
        return
    if hasattr(model, "activation_checkpointing_enable"):
        model.activation_checkpointing_enable({"use_reentrant": False})
    else:  # the name of older releases of transformers 5
        model.gradient_checkpointing_enable({"use_reentrant": False})
    if settings.lora is not None:
        # Frozen embeddings would cut the gradient off before the first layer.
        model.enable_input_require_grads()


def _encoder(material: Material, wanted: int, context: JobContext) -> TextEncoder:
    longest = longest_input(material.model, material.tokenizer, wanted)
    if longest < wanted:
        context.log(english("train.log.max_length_lowered", wanted=wanted, longest=longest), "warning")
    return text_encoder(material.tokenizer, longest)


def _tokenize(encoder: TextEncoder, inputs: Sequence[str], context: JobContext) -> TokenRows:
    begin_s = time.monotonic()
    tokens = encoder.encode(inputs, lambda done: context.progress(TOKENIZE_PHASE, done, len(inputs)))
    context.log(
        english(
            "train.log.tokenized",
            rows=len(inputs),
            seconds=f"{time.monotonic() - begin_s:.1f}",
            truncated=tokens.truncated,
            max_length=encoder.max_length,
        )
    )
    return tokens


def save_result(material: Material, model: Any, max_length: int, result: TrainResult, context: JobContext) -> None:
    """Write the folder `model` with the result in it, so that an attempt killed after this need not train again."""
    context.progress(SAVE_PHASE, 0, 1)
    card = ModelCard(
        format="transformers",
        kind="classifier" if material.labels else "language_model",
        labels=material.labels,
        max_length=max_length,
        architecture=type(model).__name__,
        parameters=result.parameters,
        parent_sha256=material.parent_sha256,
        multi_label=material.several,
    )
    record = {"job_id": context.spec.job_id, "result": result.model_dump(mode="json")}
    folder: Path = context.folder / MODEL_FOLDER
    save_transformers_model(folder, model, material.tokenizer, card, {RESULT_NAME: record})
    context.progress(SAVE_PHASE, 1, 1)
