"""A language model under ONNX Runtime on the CPU, asked as transformers' own models are.

The graph's inputs and outputs are named as exporters of decoders name them (`input_ids`, `attention_mask`,
`position_ids`, `past_key_values.0.key` …; `logits`, `present.0.key` …). One of Tercet's making also takes
`logit_positions`: the places whose logits are wanted, so that the head over the vocabulary runs for these alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from onnxruntime import OrtValue
from transformers import AutoConfig, GenerationConfig

from core.domain import FloatArray
from core.engines.machine import cpu_threads
from core.engines.models.card import has_card, read_card
from core.engines.models.onnx_classifier import count_parameters, open_session
from core.engines.models.providers import CPU, device_words
from core.errors import UserError
from core.model_files import ONNX_NAME

PAST, PRESENT, LOGIT_POSITIONS = "past_key_values", "present", "logit_positions"
_PARTS = ("key", "value")


@dataclass
class OnnxLayer:
    """Keys and values of one layer, each of shape (rows, heads, tokens, width), where ONNX Runtime left them."""

    values: tuple[OrtValue, OrtValue]


@dataclass
class OnnxCache:
    """Keys and values of all layers. Satisfies what `cache.chosen_rows` and `decoding` ask of transformers' own."""

    layers: list[OnnxLayer]

    def get_seq_length(self) -> int:
        """The tokens that it knows."""
        return int(self.layers[0].values[0].shape()[2])

    def batch_select_indices(self, indices: torch.Tensor) -> None:
        """Keep these rows, each as often as it is named, in memory of their own."""
        rows = indices.cpu().numpy()
        for layer in self.layers:
            key, value = (_value(part.numpy()[rows]) for part in layer.values)
            layer.values = (key, value)


def joined_onnx(caches: Sequence[OnnxCache]) -> OnnxCache:
    """One cache of the rows of several, in their order; zeros stand before the tokens of shorter ones."""
    tokens = max(cache.get_seq_length() for cache in caches)
    layers = []
    for parts in zip(*(cache.layers for cache in caches), strict=True):
        key, value = (
            _value(np.concatenate([_widened(part.values[place].numpy(), tokens) for part in parts]))
            for place in range(len(_PARTS))
        )
        layers.append(OnnxLayer((key, value)))
    return OnnxCache(layers)


def _widened(states: Any, tokens: int) -> Any:
    return np.pad(states, ((0, 0), (0, 0), (tokens - states.shape[2], 0), (0, 0)))


@dataclass(frozen=True)
class DecoderOutput:
    """Logits of shape (rows, positions, vocabulary), and the cache with the tokens that were read."""

    logits: torch.Tensor
    past_key_values: OnnxCache


class OnnxDecoder:
    """The `model.onnx` of a folder. Raises UserError where it is none that keeps keys and values."""

    device = torch.device("cpu")
    dtype = torch.float32

    def __init__(self, folder: Path) -> None:
        threads = cpu_threads()
        self._session = open_session(folder / ONNX_NAME, threads)
        inputs = {entry.name: entry for entry in self._session.get_inputs()}
        layers = sum(name.startswith(f"{PAST}.") for name in inputs) // len(_PARTS)
        if not layers:
            raise UserError("model.onnx.no_cache", path=str(folder))
        self._asked = frozenset(inputs)
        self._past = [[f"{PAST}.{layer}.{part}" for part in _PARTS] for layer in range(layers)]
        self._outputs = ["logits", *(f"{PRESENT}.{layer}.{part}" for layer in range(layers) for part in _PARTS)]
        _, self._heads, _, self._width = inputs[self._past[0][0]].shape
        self.config: Any = AutoConfig.from_pretrained(folder, local_files_only=True)
        self.generation_config = _generation_config(folder, self.config)
        self.runtime, self.device_words = CPU, device_words(CPU, threads)
        told = read_card(folder).parameters if has_card(folder) else None
        self.parameter_count = count_parameters(folder / ONNX_NAME) if told is None else told

    def eval(self) -> OnnxDecoder:
        """Itself: it answers, and does nothing else."""
        return self

    def new_cache(self, rows: int = 1) -> OnnxCache:
        """A cache that knows nothing."""
        shape = (rows, int(self._heads), 0, int(self._width))
        return OnnxCache([OnnxLayer((_empty(shape), _empty(shape))) for _ in self._past])

    @torch.inference_mode()
    def __call__(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        position_ids: torch.Tensor | None = None,
        past_key_values: OnnxCache | None = None,
        use_cache: bool = True,
        logits_to_keep: int = 0,
    ) -> DecoderOutput:
        """What follows `input_ids`, shape (rows, tokens), at each place or at the last `logits_to_keep` of them.

        `attention_mask` covers the tokens of the cache too, which is left as it was.
        """
        rows, tokens = input_ids.shape
        past = past_key_values if past_key_values is not None and past_key_values.get_seq_length() else None
        cache = past or self.new_cache(rows)
        known = cache.get_seq_length()
        if attention_mask is None:
            attention_mask = torch.ones(rows, known + tokens, dtype=torch.long)
        if position_ids is None:
            position_ids = (attention_mask.cumsum(dim=1) - 1).clamp(min=0)[:, known:]
        first = tokens - logits_to_keep if logits_to_keep else 0
        fed = {
            "input_ids": input_ids,
            "attention_mask": attention_mask,
            "position_ids": position_ids,
            LOGIT_POSITIONS: torch.arange(first, tokens),
        }
        feed = {name: _value(tensor.numpy()) for name, tensor in fed.items() if name in self._asked}
        for names, layer in zip(self._past, cache.layers, strict=True):
            feed |= dict(zip(names, layer.values, strict=True))
        logits, *present = self._session.run_with_ort_values(self._outputs, feed)
        found = torch.from_numpy(logits.numpy())
        kept = found if LOGIT_POSITIONS in self._asked else found[:, first:]
        return DecoderOutput(kept, OnnxCache(_layers(present)))


def _layers(values: Sequence[OrtValue]) -> list[OnnxLayer]:
    return [OnnxLayer((key, value)) for key, value in zip(values[::2], values[1::2], strict=True)]


def _value(array: Any) -> OrtValue:
    return OrtValue.ortvalue_from_numpy(np.ascontiguousarray(array))


def _empty(shape: Sequence[int]) -> OrtValue:
    nothing: FloatArray = np.zeros(shape, dtype=np.float32)
    return _value(nothing)


def _generation_config(folder: Path, config: Any) -> Any:
    if (folder / "generation_config.json").is_file():
        return GenerationConfig.from_pretrained(folder, local_files_only=True)
    return GenerationConfig.from_model_config(config)
