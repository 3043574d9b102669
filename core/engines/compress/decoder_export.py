"""A causal language model as an ONNX model folder that keeps keys and values between tokens.

Inputs and outputs are named as `language.onnx_decoder` says; rows, tokens and tokens before them may be any number.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers.cache_utils import DynamicCache

from core.engines.compress.describe import card_of
from core.engines.compress.onnx_export import MAX_ONE_FILE_BYTES, traced
from core.engines.durable import replaced_folder
from core.engines.language.onnx_decoder import LOGIT_POSITIONS, PAST, PRESENT
from core.engines.language.opening import open_language_model
from core.engines.models.card import ModelCard, write_card
from core.model_files import ONNX_NAME

# Unequal, and none of them 0 or 1: torch would otherwise take a size as fixed, or two of them as one.
_ROWS, _TOKENS, _KNOWN, _WANTED = 2, 5, 7, 3

Past = Sequence[tuple[torch.Tensor, torch.Tensor]]


def export_decoder(source: Path, out: Path) -> ModelCard:
    """Write the ONNX model folder `out` (model.onnx, tokenizer, config, tercet.json), in fp32, of the language model of
    the folder or GGUF file `source`, and return its card.

    Its layers must keep plain keys and values (`cache.keeps_plain_cache`). Whether it answers alike is the caller's to
    check. Raises UserError where torch cannot express it in ONNX, or the disk is full.
    """
    opened = open_language_model(source)
    model, tokenizer = opened.model, opened.tokenizer
    # Plain attention gives the smallest graph.
    model.set_attn_implementation("eager")
    card = card_of(source, model, tokenizer, "onnx")
    size = 4 * opened.parameters
    with replaced_folder(out, size) as partial:
        _trace(model, partial / ONNX_NAME, source, size > MAX_ONE_FILE_BYTES)
        model.config.save_pretrained(partial)
        model.generation_config.save_pretrained(partial)
        tokenizer.save_pretrained(partial)
        write_card(partial, card)
    return card


class _Decoder(torch.nn.Module):
    """A model that takes keys and values as tensors, and gives all of them back with those of the new tokens."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        position_ids: torch.Tensor,
        logit_positions: torch.Tensor,
        past_key_values: list[tuple[torch.Tensor, torch.Tensor]],
    ) -> tuple[torch.Tensor, ...]:
        output = self.model(
            input_ids=input_ids,
            attention_mask=_additive(attention_mask, input_ids),
            position_ids=position_ids,
            past_key_values=DynamicCache(past_key_values),
            use_cache=True,
            logits_to_keep=logit_positions,
        )
        present = [part for layer in output.past_key_values.layers for part in (layer.keys, layer.values)]
        return output.logits, *present


def _additive(mask: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
    """What is added to the attention's scores, shape (rows, 1, tokens, all tokens): nothing where a token may look,
    which is at itself and at those before it that are not masked."""
    tokens, everything = ids.shape[1], mask.shape[1]
    own = torch.arange(tokens) + (everything - tokens)
    seen = (torch.arange(everything)[None, :] <= own[:, None])[None, None] & mask[:, None, None, :].bool()
    return torch.where(seen, 0.0, torch.finfo(torch.float32).min)


def _trace(model: Any, path: Path, source: Path, several_files: bool) -> None:
    past = _example_past(model)
    fed = {
        "input_ids": torch.full((_ROWS, _TOKENS), min(5, model.config.get_text_config().vocab_size - 1)),
        "attention_mask": torch.ones(_ROWS, _KNOWN + _TOKENS, dtype=torch.long),
        "position_ids": torch.arange(_KNOWN, _KNOWN + _TOKENS).expand(_ROWS, -1),
        LOGIT_POSITIONS: torch.arange(_TOKENS - _WANTED, _TOKENS),
        PAST: past,
    }
    known = {0: "batch", 2: "past"}
    shapes: dict[str, Any] = {
        "input_ids": {0: "batch", 1: "sequence"},
        "attention_mask": {0: "batch", 1: "total"},
        "position_ids": {0: "batch", 1: "sequence"},
        LOGIT_POSITIONS: {0: "wanted"},
        PAST: [(known, known) for _ in past],
    }
    names = [f"{layer}.{part}" for layer in range(len(past)) for part in ("key", "value")]
    inputs = [name for name in fed if name != PAST] + [f"{PAST}.{name}" for name in names]
    outputs = ["logits", *(f"{PRESENT}.{name}" for name in names)]
    traced(_Decoder(model).eval(), fed, inputs, outputs, shapes, path, source, several_files=several_files)


def _example_past(model: Any) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Keys and values as the model itself makes them of some tokens: their heads and width are its own."""
    with torch.inference_mode():
        read = model(input_ids=torch.full((_ROWS, _KNOWN), 1), use_cache=True).past_key_values
    return [(layer.keys.clone(), layer.values.clone()) for layer in read.layers]
