"""A language model on this machine, under torch or ONNX Runtime: answers, and probabilities of given answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch

from core.domain import FloatArray
from core.engines.device import Device, device_of_model
from core.engines.language.cache import Opening, read_opening
from core.engines.language.decoding import continuation_log_probabilities, greedy
from core.engines.language.generator import Generation
from core.engines.language.onnx_decoder import OnnxDecoder
from core.engines.language.opening import OpenedLanguageModel, open_language_model
from core.engines.language.prompts import completion_ids, prompt_ids
from core.engines.language.told import Decoded, told
from core.errors import UserError

# Caches may take this share of the machine's memory; weights, logits and other programs need theirs.
_CACHE_SHARE = 0.25


class TorchGenerator:
    """The language model of a folder or GGUF file, greedy, with its own chat template.

    `device` null means the best one on which it can answer. `on_step` is called several times within an answer and
    may raise, which ends it.
    """

    def __init__(self, source: Path, device: Device | None = None, on_step: Callable[[], None] = lambda: None) -> None:
        chosen = device or device_of_model(source)
        self._on_step = on_step
        self._opened: OpenedLanguageModel = open_language_model(source, chosen)
        self._tokenizer = self._opened.tokenizer
        self._source = source
        self._opening: Opening | None = None
        self._vocabulary = min(len(self._tokenizer), int(self._opened.model.config.get_text_config().vocab_size))
        self._stop_ids = _stop_ids(self._opened.model, self._tokenizer)
        self.context_tokens = _context_tokens(self._opened.model)
        decoder = self._opened.model if isinstance(self._opened.model, OnnxDecoder) else None
        self.runtime: str = "torch" if decoder is None else decoder.runtime
        self.device = chosen.description if decoder is None else decoder.device_words
        self.parameters = self._opened.parameters
        self.weight_bytes = self._opened.weight_bytes

    def share_opening(self, messages: Sequence[str]) -> None:
        """Read what these requests begin with once, for all batches of them; where it is worth nothing, nothing
        changes. The same requests give the same opening, whichever of them are then asked."""
        self._opening = None
        prompts = [prompt_ids(self._tokenizer, message) for message in messages]
        fitting = [prompt for prompt in prompts if self._room(prompt) > 0]
        if fitting:
            self._opening = read_opening(self._opened.model, fitting)

    def generate(self, messages: Sequence[str], max_output_tokens: int) -> list[Generation]:
        """One greedy answer for each message, in their order, as one batch where memory allows: the caller puts like
        lengths together. A request that leaves no room for an answer in the model's context is not asked (`too_long`).
        """
        begun = time.perf_counter()
        prompts = [prompt_ids(self._tokenizer, message) for message in messages]
        limits = [min(max_output_tokens, self._room(prompt)) for prompt in prompts]
        results = [Generation("", input_tokens=len(prompt), finish_reason="too_long") for prompt in prompts]
        asked = [row for row, limit in enumerate(limits) if limit > 0]
        longest = max((len(prompts[row]) + limits[row] for row in asked), default=0)
        for rows in self._batches(asked, longest):
            answers = self._answer([prompts[row] for row in rows], [limits[row] for row in rows], begun)
            for row, answer in zip(rows, answers, strict=True):
                results[row] = answer
            begun = time.perf_counter()
        return results

    def classify(self, messages: Sequence[str], labels: Sequence[str]) -> FloatArray:
        """The probability of each label as the whole answer, end token included, among the labels.

        Shape (messages, labels), rows sum to 1. Raises UserError where a request does not fit into the context.
        """
        prompts = [prompt_ids(self._tokenizer, message) for message in messages]
        choices = [completion_ids(self._tokenizer, label) for label in labels]
        longest = max(len(prompt) for prompt in prompts) + max(len(choice) for choice in choices)
        if self.context_tokens is not None and longest > self.context_tokens:
            values: dict[str, str | int] = {"path": str(self._source), "tokens": longest, "limit": self.context_tokens}
            raise UserError("language.prompt_too_long", **values)
        scores = [
            self._scores([prompts[row] for row in rows], choices)
            for rows in self._batches(range(len(prompts)), longest)
        ]
        return np.concatenate(scores)

    def _scores(self, prompts: Sequence[Sequence[int]], choices: Sequence[Sequence[int]]) -> FloatArray:
        model, pad_id = self._opened.model, self._opened.pad_id
        self._on_step()
        found = continuation_log_probabilities(
            model, prompts, choices, self._vocabulary, pad_id, self._on_step, self._opening
        )
        return np.asarray(found.softmax(dim=1).numpy(), dtype=np.float64)

    def token_counts(self, messages: Sequence[str]) -> list[int]:
        """The tokens of each request, chat template included."""
        return [len(prompt_ids(self._tokenizer, message)) for message in messages]

    def _batches(self, rows: Sequence[int], tokens: int) -> list[Sequence[int]]:
        """The rows in batches whose key-value caches of so many tokens fit into a share of the machine's memory.

        Of its whole memory, not of what is free now: the same rows always stand together, and round the same way.
        """
        row_bytes = max(1, tokens * _cache_bytes_per_token(self._opened.model))
        count = max(1, int(_CACHE_SHARE * _memory_bytes(self._opened.model.device) / row_bytes))
        return [rows[begin : begin + count] for begin in range(0, len(rows), count)]

    def _room(self, prompt: Sequence[int]) -> int:
        """Tokens that the context leaves for the answer."""
        return 2**31 if self.context_tokens is None else self.context_tokens - len(prompt)

    def _answer(self, prompts: Sequence[Sequence[int]], limits: Sequence[int], begun: float) -> list[Generation]:
        times: list[list[float]] = [[] for _ in prompts]

        def on_tokens(rows: Sequence[int]) -> None:
            now = (time.perf_counter() - begun) * 1000
            for row in rows:
                times[row].append(now)
            self._on_step()

        model, pad_id = self._opened.model, self._opened.pad_id
        setting = (self._vocabulary, self._stop_ids, pad_id)
        answers = greedy(model, prompts, limits, *setting, on_tokens=on_tokens, opening=self._opening)
        return [
            self._generation(prompt, answer, moments)
            for prompt, answer, moments in zip(prompts, answers, times, strict=True)
        ]

    def _generation(self, prompt: Sequence[int], decoded: Decoded, moments: Sequence[float]) -> Generation:
        ended = decoded.tokens[-1] in self._stop_ids
        return told(len(prompt), decoded, moments, ended, self._text)

    def _text(self, answer: Sequence[int]) -> str:
        text: str = self._tokenizer.decode(answer, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return text


def _stop_ids(model: Any, tokenizer: Any) -> frozenset[int]:
    """The end token of the tokenizer and those of the model's own settings; a chat model may have several."""
    configured = getattr(model.generation_config, "eos_token_id", None)
    found = [tokenizer.eos_token_id, *(configured if isinstance(configured, list) else [configured])]
    return frozenset(int(token) for token in found if token is not None)


def _context_tokens(model: Any) -> int | None:
    """The tokens that the model can see at once; null where it has no limit."""
    positions = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    return positions if isinstance(positions, int) and positions > 0 else None


def _cache_bytes_per_token(model: Any) -> int:
    """Bytes of the key-value cache that one token of one row takes, over all layers."""
    config = model.config.get_text_config()
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return int(2 * config.num_hidden_layers * heads * width * model.dtype.itemsize)


def _memory_bytes(device: torch.device) -> int:
    if device.type == "cuda":
        return int(torch.cuda.get_device_properties(device).total_memory)
    return int(psutil.virtual_memory().total)
