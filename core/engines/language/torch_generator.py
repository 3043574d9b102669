"""A language model under torch: answers, and probabilities of given answers."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from core.domain import FloatArray
from core.engines.device import Device, choose_device
from core.engines.language.decoding import continuation_log_probabilities, greedy
from core.engines.language.generator import Generation
from core.engines.language.opening import OpenedLanguageModel, open_language_model
from core.engines.language.prompts import completion_ids, prompt_ids
from core.errors import UserError
from core.metrics.reasoning import CLOSING, split_reasoning


class TorchGenerator:
    """The language model of a transformers folder or GGUF file, greedy, with its own chat template.

    `device` null means the best one present.
    """

    def __init__(self, source: Path, device: Device | None = None) -> None:
        chosen = device or choose_device()
        self._opened: OpenedLanguageModel = open_language_model(source, chosen)
        self._tokenizer = self._opened.tokenizer
        self._source = source
        self._vocabulary = min(len(self._tokenizer), int(self._opened.model.config.get_text_config().vocab_size))
        self._stop_ids = _stop_ids(self._opened.model, self._tokenizer)
        self.context_tokens = _context_tokens(self._opened.model)
        self.runtime = "torch"
        self.device = chosen.description
        self.parameters = self._opened.parameters
        self.weight_bytes = self._opened.weight_bytes

    def generate(self, messages: Sequence[str], max_output_tokens: int) -> list[Generation]:
        """One greedy answer for each message, in their order, as one batch: the caller puts like lengths together.

        A request that leaves no room for an answer in the model's context is not asked (`too_long`).
        """
        begun = time.perf_counter()
        prompts = [prompt_ids(self._tokenizer, message) for message in messages]
        limits = [min(max_output_tokens, self._room(prompt)) for prompt in prompts]
        asked = [row for row, limit in enumerate(limits) if limit > 0]
        results = [Generation("", input_tokens=len(prompt), finish_reason="too_long") for prompt in prompts]
        if asked:
            timed = self._answer([prompts[row] for row in asked], [limits[row] for row in asked], begun)
            for row, answer in zip(asked, timed, strict=True):
                results[row] = answer
        return results

    def classify(self, messages: Sequence[str], labels: Sequence[str]) -> FloatArray:
        """The probability of each label as the whole answer, end token included, among the labels.

        Shape (messages, labels), rows sum to 1. Raises UserError where a request does not fit into the context.
        """
        prompts = [prompt_ids(self._tokenizer, message) for message in messages]
        choices = [completion_ids(self._tokenizer, label) for label in labels]
        longest = max(len(choice) for choice in choices)
        for prompt in prompts:
            if self._room(prompt) < longest:
                raise UserError(
                    "language.prompt_too_long",
                    path=str(self._source),
                    tokens=len(prompt) + longest,
                    limit=self.context_tokens or 0,
                )
        scores = continuation_log_probabilities(
            self._opened.model, prompts, choices, self._vocabulary, self._tokenizer.pad_token_id
        )
        return np.asarray(scores.double().softmax(dim=1).numpy(), dtype=np.float64)

    def token_counts(self, messages: Sequence[str]) -> list[int]:
        """The tokens of each request, chat template included."""
        return [len(prompt_ids(self._tokenizer, message)) for message in messages]

    def cache_bytes_per_token(self) -> int:
        """Bytes of the key-value cache that one token takes, over all layers."""
        config = self._opened.model.config.get_text_config()
        heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
        width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
        element_bytes: int = next(self._opened.model.parameters()).element_size()
        return int(2 * config.num_hidden_layers * heads * width * element_bytes)

    def _room(self, prompt: Sequence[int]) -> int:
        """Tokens that the context leaves for the answer."""
        return 2**31 if self.context_tokens is None else self.context_tokens - len(prompt)

    def _answer(self, prompts: Sequence[Sequence[int]], limits: Sequence[int], begun: float) -> list[Generation]:
        times: list[list[float]] = [[] for _ in prompts]

        def on_tokens(rows: Sequence[int]) -> None:
            now = (time.perf_counter() - begun) * 1000
            for row in rows:
                times[row].append(now)

        model, pad_id = self._opened.model, self._tokenizer.pad_token_id
        answers = greedy(model, prompts, limits, self._vocabulary, self._stop_ids, pad_id, on_tokens)
        return [
            self._generation(prompt, answer, moments)
            for prompt, answer, moments in zip(prompts, answers, times, strict=True)
        ]

    def _generation(self, prompt: Sequence[int], answer: list[int], moments: Sequence[float]) -> Generation:
        written = self._text(answer)
        reasoning, text = split_reasoning(written)
        first = self._first_place(answer, "") if written.strip() else None
        first_output = self._first_place(answer, CLOSING if CLOSING in written else "") if text else None
        return Generation(
            text=text,
            reasoning=reasoning,
            input_tokens=len(prompt),
            output_tokens=len(answer),
            finish_reason="stop" if answer[-1] in self._stop_ids else "length",
            latency_ms=moments[-1],
            time_to_first_token_ms=None if first is None else moments[first],
            time_to_first_output_token_ms=None if first_output is None else moments[first_output],
            time_per_output_token_ms=None if len(moments) < 2 else (moments[-1] - moments[0]) / (len(moments) - 1),
        )

    def _text(self, answer: Sequence[int]) -> str:
        text: str = self._tokenizer.decode(answer, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return text

    def _first_place(self, answer: Sequence[int], after: str) -> int:
        """The place of the token with which something beyond white space stands behind the last `after`."""

        def shows(place: int) -> bool:
            written = self._text(answer[: place + 1])
            if not after:
                return bool(written.strip())
            _, mark, behind = written.rpartition(after)
            return bool(mark and behind.strip())

        return bisect_left(range(len(answer)), True, key=shows)


def _stop_ids(model: Any, tokenizer: Any) -> frozenset[int]:
    """The end token of the tokenizer and those of the model's own settings; a chat model may have several."""
    configured = getattr(model.generation_config, "eos_token_id", None)
    found = [tokenizer.eos_token_id, *(configured if isinstance(configured, list) else [configured])]
    return frozenset(int(token) for token in found if token is not None)


def _context_tokens(model: Any) -> int | None:
    """The tokens that the model can see at once; null where it has no limit."""
    positions = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    return positions if isinstance(positions, int) and positions > 0 else None
