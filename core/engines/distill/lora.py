"""A low-rank adapter: a few weights beside each linear layer are trained, and merged into it at the end.

Hu and others 2021, arXiv 2106.09685, through peft. The adapter is put into the model in place, so that names, losses
and checkpoints are those of any training; only what is trained stands in a checkpoint.
"""

from __future__ import annotations

from typing import Any

import torch
from transformers.pytorch_utils import Conv1D

from core.engines.models.starting import is_head
from core.errors import UserError
from core.lazy import load
from core.spec import Lora


def add_adapter(model: Any, lora: Lora, train_head: bool) -> int:
    """Freeze the model and put an adapter into it; how many weights are trained now.

    A classifier's head is trained with it where `train_head` says so. Raises UserError where no linear layer has one
    of the names of `lora.targets`, or peft is not installed.
    """
    config = adapter_config(model, lora)
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    load("peft").inject_adapter_in_model(config, model)
    for name, parameter in model.named_parameters():
        if "lora_" in name or (train_head and is_head(model, name)):
            parameter.requires_grad_(True)
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)


def adapter_config(model: Any, lora: Lora) -> Any:
    """peft's config of an adapter that fits the model. Raises UserError as `add_adapter` does."""
    peft, targets = load("peft"), _targets(model, lora)
    return peft.LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=targets,
        bias="none",
        fan_in_fan_out=any(isinstance(model.get_submodule(name), Conv1D) for name in targets),
    )


def merge_adapter(model: Any) -> None:
    """Add the adapter's products to the weights they stand beside and take it out: a plain model again."""
    layer_type: Any = load("peft.tuners.tuners_utils").BaseTunerLayer
    adapted = [(name, module) for name, module in model.named_modules() if isinstance(module, layer_type)]
    for name, module in adapted:
        module.merge()
        parent, _, own = name.rpartition(".")
        setattr(model.get_submodule(parent), own, module.get_base_layer())
    # peft notes on the model that it is no plain one; nothing of it is left.
    for note in ("peft_config", "_hf_peft_config_loaded"):
        if note in vars(model):
            delattr(model, note)
    for parameter in model.parameters():
        parameter.requires_grad_(True)


def _targets(model: Any, lora: Lora) -> list[str]:
    """The full names of the linear layers that get an adapter: those of the body, or those that `lora` names."""
    head = model.get_output_embeddings() if hasattr(model, "get_output_embeddings") else None
    linear = [
        name
        for name, module in model.named_modules()
        # GPT-2 and its kin have linear layers of a class of their own, with the weights the other way round.
        if isinstance(module, torch.nn.Linear | Conv1D) and module is not head and not is_head(model, f"{name}.weight")
    ]
    if lora.targets is None:
        return linear
    chosen = [name for name in linear if any(name == wanted or name.endswith(f".{wanted}") for wanted in lora.targets)]
    if not chosen:
        known = sorted({name.rpartition(".")[2] for name in linear})
        raise UserError("train.lora_targets", targets=", ".join(lora.targets), known=", ".join(known))
    return chosen
