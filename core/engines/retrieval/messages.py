"""Passages put into what a language model is asked, and a model that is asked with passages."""

from __future__ import annotations

import json
import string
import time
from collections.abc import Sequence
from dataclasses import replace

from core.domain import FloatArray
from core.engines.language.generator import Generation, LocalGenerator
from core.engines.retrieval.index import Passage
from core.engines.retrieval.retriever import Retriever

DEFAULT_PROMPT = "Passages that may help:\n\n{context}\n\n{request}"


def with_passages(prompt: str | None, passages: Sequence[Passage], request: str) -> str:
    """The whole message: the passages, numbered from [1], and the request; the request alone where none was found."""
    if not passages:
        return request
    cells = {"context": numbered(passages), "request": request}
    parts = string.Formatter().parse(prompt or DEFAULT_PROMPT)
    return "".join(text + ("" if name is None else cells[name]) for text, name, _, _ in parts)


def numbered(passages: Sequence[Passage]) -> str:
    """The passages one below the other, numbered from [1]."""
    return "\n\n".join(f"[{number}] {passage.text}" for number, passage in enumerate(passages, start=1))


def packed(query: str, request: str) -> str:
    """A query and a request as the one text that `RetrievingGenerator` is asked."""
    return json.dumps([query, request], ensure_ascii=False)


class RetrievingGenerator:
    """A language model that looks passages up before it answers; its messages are `packed`. Times include the search.

    Satisfies `core.engines.language.generator.LocalGenerator`.
    """

    def __init__(self, generator: LocalGenerator, retriever: Retriever, prompt: str | None) -> None:
        self._generator = generator
        self._retriever = retriever
        self._prompt = prompt
        self.runtime = generator.runtime
        self.device = generator.device
        self.parameters = generator.parameters
        self.weight_bytes = generator.weight_bytes
        self.context_tokens = generator.context_tokens

    def generate(self, messages: Sequence[str], max_output_tokens: int) -> list[Generation]:
        """One answer for each packed message; its times begin before the search."""
        begun = time.perf_counter()
        filled = self._filled(messages)
        searched_ms = (time.perf_counter() - begun) * 1000
        return [later(answer, searched_ms) for answer in self._generator.generate(filled, max_output_tokens)]

    def classify(self, messages: Sequence[str], labels: Sequence[str]) -> FloatArray:
        """The probability of each label as the whole answer, shape (messages, labels)."""
        return self._generator.classify(self._filled(messages), labels)

    def share_opening(self, messages: Sequence[str]) -> None:
        """Get ready for these packed requests with their passages."""
        self._generator.share_opening(self._filled(messages))

    def token_counts(self, messages: Sequence[str]) -> list[int]:
        """The tokens of each request with its passages, chat template included."""
        return self._generator.token_counts(self._filled(messages))

    def _filled(self, messages: Sequence[str]) -> list[str]:
        pairs: list[tuple[str, str]] = [tuple(json.loads(message)) for message in messages]
        found = self._retriever.search([query for query, _ in pairs])
        return [
            with_passages(self._prompt, passages, request) for (_, request), passages in zip(pairs, found, strict=True)
        ]


def later(answer: Generation, milliseconds: float) -> Generation:
    """The answer with its moments so much later; the time between its tokens stays."""

    def moved(moment: float | None) -> float | None:
        return None if moment is None else moment + milliseconds

    return replace(
        answer,
        latency_ms=moved(answer.latency_ms),
        time_to_first_token_ms=moved(answer.time_to_first_token_ms),
        time_to_first_output_token_ms=moved(answer.time_to_first_output_token_ms),
    )
