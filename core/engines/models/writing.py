"""A trained transformers model written as a model folder, whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.engines.durable import replaced_folder, write_json
from core.engines.models.card import ModelCard, write_card
from core.engines.models.starting import quiet_transformers


def save_transformers_model(
    folder: Path, model: Any, tokenizer: Any, card: ModelCard, documents: Mapping[str, Mapping[str, Any]] | None = None
) -> None:
    """Write weights (safetensors), config, tokenizer and `tercet.json`; `from_pretrained` reloads the folder as it is.

    `documents` are further JSON files by name. Raises UserError (disk.full) with nothing left behind.
    """
    needed = sum(parameter.numel() * parameter.element_size() for parameter in model.parameters())
    with replaced_folder(folder, needed) as partial:
        with quiet_transformers():
            model.save_pretrained(partial)
            tokenizer.save_pretrained(partial)
        for name, document in (documents or {}).items():
            write_json(partial / name, document)
        write_card(partial, card)
