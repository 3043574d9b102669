"""Search: passages ranked by words, by meaning, or by both ranks together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from core.domain import FloatArray, IntArray
from core.engines.retrieval.index import Index, Passage
from core.lazy import load

# Cormack, Clarke and Büttcher, "Reciprocal Rank Fusion outperforms Condorcet and individual Rank Learning Methods"
# (SIGIR 2009): score(d) = Σ over rankings of 1 / (60 + rank of d).
FUSION_CONSTANT = 60
# So many places of each ranking are joined.
FUSED_DEPTH = 100


class RetrievalSetup(BaseModel):
    """Where the index and the encoder (null where none is needed) lie, and how passages are found and put into a
    message; null for the usual prompt."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    index: str
    encoder: str | None
    method: Literal["hybrid", "bm25", "embeddings"]
    top_k: int
    query_prefix: str
    prompt: str | None


class Retriever:
    """An index opened for searching, with its encoder loaded."""

    def __init__(self, setup: RetrievalSetup) -> None:
        self._setup = setup
        self.index = Index(Path(setup.index))
        self._encoder: Any = None
        if setup.encoder is not None:
            self._encoder = load("core.engines.retrieval.encoder").SentenceEncoder(Path(setup.encoder))

    def search(self, queries: Sequence[str]) -> list[list[Passage]]:
        """The best passages for each query, the best first; fewer than `top_k` where fewer share a word with it."""
        vectors = self._vectors(queries)
        found = []
        for row, query in enumerate(queries):
            rankings = []
            if self._setup.method != "embeddings":
                rankings.append(ranked(self.index.bm25.scores(query), self._depth, above=0.0))
            if vectors is not None:
                rankings.append(ranked(self._similarities(vectors[row]), self._depth))
            numbers = rankings[0] if len(rankings) == 1 else fused(rankings)
            found.append([self.index.passage(int(number)) for number in numbers[: self._setup.top_k]])
        return found

    @property
    def _depth(self) -> int:
        return max(FUSED_DEPTH, self._setup.top_k)

    def _vectors(self, queries: Sequence[str]) -> Any:
        if self._setup.method == "bm25":
            return None
        return self._encoder.embed([f"{self._setup.query_prefix}{query}" for query in queries])

    def _similarities(self, vector: Any) -> FloatArray:
        """The cosine between a query and every passage: all vectors have unit length."""
        if self.index.vectors is None:
            raise ValueError("the index has no embeddings")
        return np.asarray(self.index.vectors @ vector, dtype=np.float64)


def ranked(scores: FloatArray, depth: int, above: float | None = None) -> IntArray:
    """The places of the best scores, the best first, equal ones in their order; those `above` a bound where given."""
    places = np.arange(len(scores)) if above is None else np.flatnonzero(scores > above)
    if len(places) > depth:
        # All that tie with the last place stay in, so that the order of equal ones decides and not the partition.
        least = np.partition(scores[places], len(places) - depth)[len(places) - depth]
        places = places[scores[places] >= least]
    order = np.lexsort((places, -scores[places]))
    return np.asarray(places[order][:depth], dtype=np.int64)


def fused(rankings: Sequence[IntArray]) -> IntArray:
    """Several rankings as one, by reciprocal rank fusion; equal ones in the order of their places."""
    scores: dict[int, float] = {}
    for ranking in rankings:
        for rank, place in enumerate(ranking.tolist(), start=1):
            scores[place] = scores.get(place, 0.0) + 1.0 / (FUSION_CONSTANT + rank)
    return np.array(sorted(scores, key=lambda place: (-scores[place], place)), dtype=np.int64)
