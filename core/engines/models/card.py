"""The card of a model folder, `tercet.json`: its format, its labels, and how much of an input it reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from core.engines.durable import sync_file
from core.errors import UserError
from core.model_files import is_onnx_folder

CARD_NAME = "tercet.json"
# The tokens that a classifier of someone else's making reads at most, where it could read more.
FOREIGN_MAX_LENGTH = 512


class ModelCard(BaseModel):
    """What a model folder says of itself.

    A `kind` of language_model answers in text and has no labels. `labels` are in the order of the model's outputs;
    `max_length` is in tokens (0: no limit); `parent_sha256` is the fingerprint of the model that this one was made
    from. One of `multi_label` gives each label a probability of its own.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    format: Literal["transformers", "onnx", "tfidf_linear", "embedding_linear"]
    kind: Literal["classifier", "language_model"] = "classifier"
    labels: tuple[str, ...]
    max_length: int
    architecture: str
    parameters: int | None = None
    parent_sha256: str | None = None
    multi_label: bool = False

    @model_validator(mode="after")
    def _classifier_has_labels(self) -> ModelCard:
        if self.kind == "classifier" and not self.labels:
            raise ValueError("a classifier has labels")
        return self


def has_card(folder: Path) -> bool:
    """Whether the folder was written by Tercet."""
    return (folder / CARD_NAME).is_file()


def read_card(folder: Path) -> ModelCard:
    """The card of a model folder. Raises UserError where it is missing or unreadable."""
    try:
        return ModelCard.model_validate_json((folder / CARD_NAME).read_bytes())
    except FileNotFoundError as error:
        raise UserError("model.card.missing", path=str(folder)) from error
    except ValidationError as error:
        raise UserError("model.card.broken", path=str(folder / CARD_NAME)) from error


def gives_several(source: Path) -> bool:
    """Whether the classifier of a folder gives each label a probability of its own."""
    return has_card(source) and read_card(source).multi_label


def format_of(folder: Path) -> Literal["transformers", "onnx", "tfidf_linear", "embedding_linear"]:
    """The format of a model folder, of Tercet's making or someone else's. Raises UserError for a broken card."""
    if has_card(folder):
        return read_card(folder).format
    return "onnx" if is_onnx_folder(folder) else "transformers"


def onnx_card(folder: Path) -> ModelCard:
    """The card of an ONNX classifier; of someone else's, as exporters write them, what its config and its tokenizer's
    say. Raises UserError where the config names no labels."""
    if has_card(folder):
        return read_card(folder)
    config, tokenizer = (json_object(folder / name) for name in ("config.json", "tokenizer_config.json"))
    names = config.get("id2label")
    if not isinstance(names, dict) or not names:
        raise UserError("model.onnx.no_labels", path=str(folder / "config.json"))
    lengths = [FOREIGN_MAX_LENGTH, tokenizer.get("model_max_length"), config.get("max_position_embeddings")]
    kinds = config.get("architectures")
    return ModelCard(
        format="onnx",
        labels=tuple(str(names[key]) for key in sorted(names, key=int)),
        max_length=int(min(length for length in lengths if isinstance(length, int) and length > 0)),
        architecture=str(kinds[0]) if isinstance(kinds, list) and kinds else "unknown",
    )


def json_object(path: Path) -> dict[str, Any]:
    """The JSON object in a file; empty where there is none. Raises UserError where the file is no JSON."""
    try:
        document = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    except ValueError as error:
        raise UserError("model.config.broken", path=str(path)) from error
    return document if isinstance(document, dict) else {}


def write_card(folder: Path, card: ModelCard) -> None:
    """Write the card into the folder and flush it to the disk."""
    path = folder / CARD_NAME
    path.write_text(card.model_dump_json(indent=1, exclude_none=True), encoding="utf-8")
    sync_file(path)
