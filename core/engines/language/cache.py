"""Key-value caches of language models: with room for the next tokens, and begun once for requests that open alike."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers.cache_utils import DynamicCache, DynamicLayer

from core.engines.language.onnx_decoder import OnnxCache, OnnxDecoder, joined_onnx
from core.engines.language.sharing import shared_opening

# Room for so many tokens, or a quarter of what is there: each enlargement copies everything once.
_ROOM_TOKENS = 64
_ROOM_SHARE = 0.25


class GrowingLayer(DynamicLayer):
    """Keys and values of one layer in buffers with room to grow: transformers' own layer copies all of them for each
    token."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)  # type: ignore[no-untyped-call]  # untyped there
        self._buffers: tuple[torch.Tensor, torch.Tensor] | None = None

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **options: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Append tokens, shape (rows, heads, tokens, width); all keys and values so far."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        begin = self.get_seq_length()
        end = begin + key_states.shape[-2]
        if self._buffers is None or self._buffers[0].shape[-2] < end:
            kept: list[Any] = [self.keys, self.values]
            self._buffers = (self._enlarged(key_states, kept[0], end), self._enlarged(value_states, kept[1], end))
        for buffer, states in zip(self._buffers, (key_states, value_states), strict=True):
            buffer[:, :, begin:end] = states
        self.keys, self.values = (buffer[:, :, :end] for buffer in self._buffers)
        return self.keys, self.values

    def _enlarged(self, states: torch.Tensor, kept: torch.Tensor, end: int) -> torch.Tensor:
        rows, heads, _, width = states.shape
        room = max(_ROOM_TOKENS, int(_ROOM_SHARE * end))
        buffer = states.new_empty((rows, heads, end + room, width))
        if kept.numel():
            buffer[:, :, : kept.shape[-2]] = kept
        return buffer

    def append_rows(self, layers: Sequence[Any], tokens: int) -> None:
        """Take up the rows of filled layers in their order, each as `tokens` wide: zeros stand before shorter ones."""
        keys = [layer.keys for layer in layers]
        self.lazy_initialization(keys[0], layers[0].values)
        room = tokens + max(_ROOM_TOKENS, int(_ROOM_SHARE * tokens))
        self._buffers = (_stacked(keys, tokens, room), _stacked([layer.values for layer in layers], tokens, room))
        self.keys, self.values = (buffer[:, :, :tokens] for buffer in self._buffers)

    def keep_rows(self, order: Sequence[int]) -> None:
        """Go on with the rows of `order`, no more than there were. Only those that change their place are copied,
        within the buffers: a copy of this layer must not need them any more."""
        if self._buffers is None:
            raise ValueError("no token has been appended yet")
        end = self.get_seq_length()
        moved = [(place, row) for place, row in enumerate(order) if place != row]
        if moved:
            places, rows = (torch.tensor(part, device=self._buffers[0].device) for part in zip(*moved, strict=True))
            for buffer in self._buffers:
                buffer[places, :, :end] = buffer[rows, :, :end]
        self._buffers = (self._buffers[0][: len(order)], self._buffers[1][: len(order)])
        self.keys, self.values = (buffer[:, :, :end] for buffer in self._buffers)

    def batch_select_indices(self, indices: torch.Tensor) -> None:
        """Keep these rows, each as often as it is named; the buffers are made anew, so that a copy of this layer may
        choose other rows of them."""
        super().batch_select_indices(indices)
        self._buffers = None


def _stacked(states: Sequence[torch.Tensor], tokens: int, room: int) -> torch.Tensor:
    """All rows in one buffer of `room` tokens, right-aligned at `tokens`. Zeros: what the mask hides must be finite."""
    _, heads, _, width = states[0].shape
    buffer = states[0].new_zeros((sum(len(part) for part in states), heads, room, width))
    begin = 0
    for part in states:
        buffer[begin : begin + len(part), :, tokens - part.shape[-2] : tokens] = part
        begin += len(part)
    return buffer


@dataclass(frozen=True)
class Opening:
    """The first tokens that several requests share, and the cache of one row that has read them."""

    ids: tuple[int, ...]
    cache: Any

    def begins(self, prompts: Sequence[Sequence[int]]) -> bool:
        """Whether every prompt begins so, and goes on."""
        count = len(self.ids)
        return all(len(prompt) > count and tuple(prompt[:count]) == self.ids for prompt in prompts)


def new_cache(model: Any) -> Any | None:
    """An empty cache of growing layers; null where a model's layers slide along a window or hold a state, which is for
    the model itself to make: what such layers knew at some token cannot be found again. A model under ONNX Runtime
    makes its own."""
    if isinstance(model, OnnxDecoder):
        return model.new_cache()
    if not keeps_plain_cache(model.config):
        return None
    cache = DynamicCache(config=model.config)
    cache.layers = [GrowingLayer() for _ in cache.layers]
    return cache


def keeps_plain_cache(config: Any) -> bool:
    """Whether all layers of a model with this config keep keys and values of all tokens, and nothing else."""
    layers = DynamicCache(config=config).layers
    return bool(layers) and all(type(layer) is DynamicLayer for layer in layers)


def chosen_rows(cache: Any, rows: torch.Tensor) -> Any:
    """A cache of some rows, each as often as it stands in `rows`; choosing makes new tensors and spares the old."""
    chosen = copy.copy(cache)
    chosen.layers = [copy.copy(layer) for layer in cache.layers]
    # Row numbers on the CPU choose on any device, and the layers of a spread model are on several.
    chosen.batch_select_indices(rows.cpu())
    return chosen


def keep_rows(cache: Any, order: Sequence[int]) -> Any:
    """The cache of the rows of `order` alone, each once; `cache` is not to be used any more."""
    if all(isinstance(layer, GrowingLayer) for layer in getattr(cache, "layers", [None])):
        for layer in cache.layers:
            layer.keep_rows(order)
    else:
        cache.batch_select_indices(torch.tensor(order))
    return cache


def joined(caches: Sequence[Any]) -> Any:
    """One cache of the rows of several, in their order; rows of fewer tokens are padded on the left.

    Those of torch are taken apart layer by layer, so that only one layer is held twice.
    """
    if isinstance(caches[0], OnnxCache):
        return joined_onnx(caches)
    tokens = max(cache.get_seq_length() for cache in caches)
    whole = copy.copy(caches[0])
    whole.layers = []
    for _ in range(len(caches[0].layers)):
        layer = GrowingLayer()
        layer.append_rows([cache.layers.pop(0) for cache in caches], tokens)
        whole.layers.append(layer)
    return whole


@torch.inference_mode()
def read_opening(model: Any, prompts: Sequence[Sequence[int]]) -> Opening | None:
    """The tokens that all prompts begin with, read once; null where they are too few, where the model looks back over
    a window only, or where there is only one prompt."""
    ids = shared_opening(prompts)
    cache = new_cache(model) if ids else None
    if cache is None:
        return None
    read = torch.tensor([ids], device=model.device)
    output = model(input_ids=read, past_key_values=cache, use_cache=True, logits_to_keep=1)
    return Opening(ids, output.past_key_values)
