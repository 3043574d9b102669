"""BM25 over passages, with each word's share of a score worked out when the index is built; memory-mapped.

score(q, d) = Σ_w∈q idf(w) · tf / (tf + k1 · (1 − b + b · |d| / mean |d|)), idf(w) = ln(1 + (N − n_w + ½) / (n_w + ½)):
Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009), with the idf that is never
negative and the constants of Lucene's BM25Similarity. Words are those of `core.data.chunking.words_of`; ideographs
count alone and in pairs, for scripts without spaces tell no words apart.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from core.data.chunking import is_ideograph, words_of
from core.domain import FloatArray

K1, B = 1.2, 0.75
_TERMS, _STARTS, _PASSAGES, _WEIGHTS = "terms.txt", "term_starts.npy", "term_passages.npy", "term_weights.npy"


def terms_of(text: str) -> list[str]:
    """What a text is searched by: its words, and pairs of ideographs that stand side by side among them."""
    words = words_of(text)
    return [*words, *_pairs(words)]


def _pairs(words: Sequence[str]) -> Iterator[str]:
    for left, right in itertools.pairwise(words):
        if is_ideograph(left) and is_ideograph(right):
            yield left + right


def write_bm25(folder: Path, texts: Sequence[str]) -> None:
    """Write the index of some passages to four files of `folder`; the same texts give the same bytes."""
    counts = [Counter(terms_of(text)) for text in texts]
    lengths = np.array([sum(count.values()) for count in counts], dtype=np.float64)
    norms = K1 * (1.0 - B + B * lengths / max(float(lengths.mean()), 1.0))
    postings: dict[str, list[tuple[int, int]]] = {}
    for passage, count in enumerate(counts):
        for term, times in count.items():
            postings.setdefault(term, []).append((passage, times))
    terms = sorted(postings)
    starts = np.zeros(len(terms) + 1, dtype=np.int64)
    starts[1:] = np.cumsum([len(postings[term]) for term in terms])
    passages = np.empty(int(starts[-1]), dtype=np.int32)
    weights = np.empty(int(starts[-1]), dtype=np.float32)
    for place, term in enumerate(terms):
        own = np.array(postings[term], dtype=np.int64)
        here = slice(int(starts[place]), int(starts[place + 1]))
        passages[here] = own[:, 0]
        weights[here] = _idf(len(texts), len(own)) * own[:, 1] / (own[:, 1] + norms[own[:, 0]])
    (folder / _TERMS).write_text("\n".join(terms), encoding="utf-8")
    for name, array in ((_STARTS, starts), (_PASSAGES, passages), (_WEIGHTS, weights)):
        np.save(folder / name, array)


def _idf(passages: int, with_term: int) -> float:
    return math.log(1.0 + (passages - with_term + 0.5) / (with_term + 0.5))


class Bm25:
    """A written index, opened for searching; its arrays stay on the disk until they are touched."""

    def __init__(self, folder: Path, passages: int) -> None:
        terms = (folder / _TERMS).read_text(encoding="utf-8").split("\n")
        self._places = {term: place for place, term in enumerate(terms)}
        self._starts = np.load(folder / _STARTS)
        self._passages = np.load(folder / _PASSAGES, mmap_mode="r")
        self._weights = np.load(folder / _WEIGHTS, mmap_mode="r")
        self._count = passages

    def scores(self, query: str) -> FloatArray:
        """The score of every passage, shape (passages,); 0 where it shares no word with the query."""
        scores = np.zeros(self._count, dtype=np.float64)
        for term, times in Counter(terms_of(query)).items():
            place = self._places.get(term)
            if place is not None:
                here = slice(int(self._starts[place]), int(self._starts[place + 1]))
                scores[self._passages[here]] += times * self._weights[here].astype(np.float64)
        return scores
