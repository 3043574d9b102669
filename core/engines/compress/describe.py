"""The card of a model that was made from another one."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from core.engines.models.card import ModelCard, has_card, read_card
from core.engines.models.starting import longest_input
from core.engines.models.torch_classifier import FOREIGN_MAX_LENGTH
from core.model_files import fingerprint_weights


def card_of(parent: Path, model: Any, tokenizer: Any, form: Literal["transformers", "onnx"]) -> ModelCard:
    """The card of `model`, made from the folder `parent`: with that one's labels and length where it has any."""
    known = read_card(parent) if has_card(parent) else None
    labels = known.labels if known else tuple(str(model.config.id2label[i]) for i in range(model.config.num_labels))
    return ModelCard(
        format=form,
        labels=labels,
        max_length=longest_input(model, tokenizer, known.max_length if known else FOREIGN_MAX_LENGTH),
        architecture=known.architecture if known else str((model.config.architectures or ["unknown"])[0]),
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        parent_sha256=fingerprint_weights(parent),
    )
