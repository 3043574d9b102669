"""A student made of some of its teacher's layers, with all else of the teacher kept."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForSequenceClassification

from core.engines.models.starting import load_starting_model
from core.errors import UserError


def layer_indices(available: int, layers: int | Sequence[int]) -> tuple[int, ...]:
    """Which of the `available` layers to keep: a number means evenly spaced, the first and the last among them.

    One layer means the first. Raises UserError for more layers than there are, an index that does not exist, or one
    that stands twice.
    """
    if isinstance(layers, int):
        if layers > available:
            raise UserError("train.layers_too_many", layers=layers, available=available)
        if layers == 1:
            return (0,)
        # Rounded half up in whole numbers, so that the choice is the same everywhere.
        return tuple((2 * index * (available - 1) + layers - 1) // (2 * (layers - 1)) for index in range(layers))
    for index in layers:
        if index >= available:
            raise UserError("train.layers_index", index=index, last=available - 1)
    if len(set(layers)) != len(layers):
        raise UserError("train.layers_twice", layers=", ".join(str(index) for index in layers))
    return tuple(layers)


def student_from_layers(teacher_folder: Path, labels: Sequence[str], layers: int | Sequence[int]) -> Any:
    """A student in fp32 with the chosen layers of the teacher in `teacher_folder`, its embeddings and its head.

    Its config has `num_hidden_layers` set, so that the saved folder reloads with plain `from_pretrained`. Raises
    UserError where the teacher has no stack of layers to choose from.
    """
    teacher, _ = load_starting_model(teacher_folder, labels)
    prefix = layers_prefix(teacher)
    kept = layer_indices(int(teacher.config.num_hidden_layers), layers)
    config = _shortened(teacher.config, kept)
    student: Any = AutoModelForSequenceClassification.from_config(  # type: ignore[no-untyped-call]  # untyped there
        config, dtype=torch.float32
    )
    student.load_state_dict(_kept_tensors(teacher.state_dict(), prefix, kept), strict=True)
    return student


def layers_prefix(model: Any) -> str:
    """The name of the list of layers within the model, such as `bert.encoder.layer`. Raises UserError without one.

    It is the one list of modules with as many entries as the config has layers, whatever the family calls it; models
    that share one layer's weights, as ALBERT does, have none.
    """
    count = getattr(model.config, "num_hidden_layers", None)
    found: list[str] = [
        name
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.ModuleList) and len(module) == count and _alike(module)
    ]
    if not found:
        raise UserError("train.layers_none", architecture=type(model).__name__)
    return min(found, key=lambda name: name.count("."))


def _alike(layers: torch.nn.ModuleList) -> bool:
    return len({type(layer) for layer in layers}) == 1


def _shortened(config: Any, kept: Sequence[int]) -> Any:
    """A copy of the config with as many layers as are kept; lists with one entry for each layer are cut alike."""
    available = config.num_hidden_layers
    document = copy.deepcopy(config)
    for name, value in vars(config).items():
        if name in ("layer_types", "mlp_layer_types") and isinstance(value, list) and len(value) == available:
            setattr(document, name, [value[index] for index in kept])
    document.num_hidden_layers = len(kept)
    return document


def _kept_tensors(tensors: Mapping[str, torch.Tensor], prefix: str, kept: Sequence[int]) -> dict[str, torch.Tensor]:
    new_index = {old: new for new, old in enumerate(kept)}
    result: dict[str, torch.Tensor] = {}
    for name, tensor in tensors.items():
        if not name.startswith(f"{prefix}."):
            result[name] = tensor
            continue
        old, _, rest = name[len(prefix) + 1 :].partition(".")
        if int(old) in new_index:
            result[f"{prefix}.{new_index[int(old)]}.{rest}"] = tensor
    return result
