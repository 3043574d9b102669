"""The card of a model folder, `tercet.json`: its format, its labels, and how much of an input it reads."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from core.engines.durable import sync_file
from core.errors import UserError

CARD_NAME = "tercet.json"


class ModelCard(BaseModel):
    """What a model folder says of itself.

    A `kind` of language_model answers in text and has no labels. `labels` are in the order of the model's outputs;
    `max_length` is in tokens (0: no limit); `parent_sha256` is the fingerprint of the model that this one was made
    from.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    format: Literal["transformers", "onnx", "tfidf_linear", "embedding_linear"]
    kind: Literal["classifier", "language_model"] = "classifier"
    labels: tuple[str, ...]
    max_length: int
    architecture: str
    parameters: int | None = None
    parent_sha256: str | None = None

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


def write_card(folder: Path, card: ModelCard) -> None:
    """Write the card into the folder and flush it to the disk."""
    path = folder / CARD_NAME
    path.write_text(card.model_dump_json(indent=1, exclude_none=True), encoding="utf-8")
    sync_file(path)
