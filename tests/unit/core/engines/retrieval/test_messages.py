from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from tiny_documents import index_parameters, made_index, setup_of, write_documents

from core.domain import FloatArray
from core.engines.language.generator import Generation
from core.engines.retrieval.index import Passage
from core.engines.retrieval.messages import RetrievingGenerator, packed, with_passages
from core.engines.retrieval.retriever import Retriever

PASSAGES = (Passage(0, "a.txt", 0, 3, "One."), Passage(4, "b.txt", 0, 3, "{Two}."))


@dataclass
class Echo:
    """Says what it is asked after five milliseconds."""

    runtime: str = "torch"
    device: str = "CPU"
    parameters: int = 1
    weight_bytes: int = 4
    context_tokens: int | None = None
    asked: list[str] = field(default_factory=list)

    def generate(self, messages: Sequence[str], max_output_tokens: int) -> list[Generation]:
        self.asked += messages
        return [
            Generation(text, latency_ms=5.0, time_to_first_token_ms=1.0, time_per_output_token_ms=2.0)
            for text in messages
        ]

    def classify(self, messages: Sequence[str], labels: Sequence[str]) -> FloatArray:
        self.asked += messages
        return np.full((len(messages), len(labels)), 1.0 / len(labels))

    def share_opening(self, messages: Sequence[str]) -> None:
        self.asked += messages

    def token_counts(self, messages: Sequence[str]) -> list[int]:
        return [len(text) for text in messages]


class Slow(Retriever):
    def search(self, queries: Sequence[str]) -> list[list[Passage]]:
        time.sleep(0.02)
        return super().search(queries)


@pytest.fixture
def index(tmp_path: Path) -> Path:
    made_index(tmp_path / "job", index_parameters(write_documents(tmp_path / "docs")))
    return tmp_path / "job"


def test_passages_are_numbered_and_braces_in_them_mean_nothing() -> None:
    assert with_passages("{context}\n--\n{request}", PASSAGES, "Why {x}?") == "[1] One.\n\n[2] {Two}.\n--\nWhy {x}?"
    assert with_passages(None, PASSAGES, "Why?").endswith("[2] {Two}.\n\nWhy?")


def test_without_a_passage_the_request_stands_alone() -> None:
    assert with_passages("{context} {request}", (), "Why?") == "Why?"


def test_a_model_is_asked_with_its_own_passages_and_the_search_is_part_of_its_times(index: Path) -> None:
    echo = Echo()
    asking = RetrievingGenerator(echo, Slow(setup_of(index, top_k=1)), None)
    answers = asking.generate([packed("lost card", "Fee?"), packed("rate of a loan", "Rate?")], 9)
    assert ["card is blocked" in answer.text for answer in answers] == [True, False]
    assert ["rate of a loan" in answer.text for answer in answers] == [False, True]
    assert answers[0].text.endswith("Fee?")
    for answer in answers:
        assert answer.latency_ms is not None
        assert answer.latency_ms >= 25.0
        assert answer.time_to_first_token_ms is not None
        assert answer.time_to_first_token_ms >= 21.0
        assert (answer.time_to_first_output_token_ms, answer.time_per_output_token_ms) == (None, 2.0)


def test_weighing_and_counting_see_the_passages_too(index: Path) -> None:
    echo = Echo()
    asking = RetrievingGenerator(echo, Retriever(setup_of(index, top_k=1)), "{context}|{request}")
    assert asking.classify([packed("lost card", "Fee?")], ["a", "b"]).shape == (1, 2)
    assert echo.asked == ["[1] A lost card is blocked at once. The fee is 12 francs.|Fee?"]
    assert asking.token_counts([packed("lost card", "Fee?")]) == [len(echo.asked[0])]
