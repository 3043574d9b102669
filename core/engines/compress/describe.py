"""The card of a model that was made from another one."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from core.engines.language.opening import open_language_model
from core.engines.models.card import FOREIGN_MAX_LENGTH, ModelCard, has_card, read_card
from core.engines.models.starting import load_weights, longest_input
from core.model_files import file_sha256, fingerprint_weights, is_gguf_file, is_language_model_folder


def card_of(parent: Path, model: Any, tokenizer: Any, form: Literal["transformers", "onnx"]) -> ModelCard:
    """The card of `model`, made from the folder or GGUF file `parent`: with its labels and length where it has any."""
    known = read_card(parent) if has_card(parent) else None
    language_model = is_gguf_file(parent) or is_language_model_folder(parent)
    labels = known.labels if known else () if language_model else _own_labels(model.config)
    return ModelCard(
        format=form,
        kind="language_model" if language_model else "classifier",
        labels=labels,
        max_length=longest_input(model, tokenizer, known.max_length if known else FOREIGN_MAX_LENGTH),
        architecture=known.architecture if known else str((model.config.architectures or ["unknown"])[0]),
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        multi_label=known.multi_label if known else False,
        parent_sha256=file_sha256(parent) if is_gguf_file(parent) else fingerprint_weights(parent),
    )


def _own_labels(config: Any) -> tuple[str, ...]:
    return tuple(str(config.id2label[index]) for index in range(config.num_labels))


def parameters_of(source: Path, language_model: bool) -> int:
    """How many parameters the model of a folder or GGUF file has, tied ones counted once."""
    known = read_card(source).parameters if has_card(source) else None
    if known is not None:
        return known
    if language_model:
        return open_language_model(source).parameters
    model, _ = load_weights(source)
    return sum(parameter.numel() for parameter in model.parameters())
