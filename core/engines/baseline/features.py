"""Texts to TF-IDF: words and pairs of words beside character n-grams, each block scaled to length one.

scikit-learn learns the vocabulary; the counting of texts to be answered is done here on whole batches, because
scikit-learn's own transform, term by term in Python, takes several times as long for one request.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer

from core.domain import FloatArray

# Rarer terms of a very large data set are left out, so that weights stay within some 100 MB.
MAX_TERMS = 200_000
_CHARACTERS = (2, 3, 4, 5)
_WORD = re.compile(r"\b\w+\b")


def word_terms(text: str) -> list[str]:
    """The words of a text in lower case, and each pair of neighbours."""
    words = _WORD.findall(text.lower())
    return words + [f"{left} {right}" for left, right in pairwise(words)]


def character_terms(text: str) -> list[str]:
    """The n-grams of 2 to 5 characters inside each word with a space at both ends, in lower case.

    They never span words: a third faster than n-grams across words, and no worse on intents. A padded word no longer
    than n counts once, whole.
    """
    terms: list[str] = []
    for word in text.lower().split():
        padded = f" {word} "
        length = len(padded)
        for size in _CHARACTERS:
            if length <= size:
                terms.append(padded)
                break
            terms += [padded[start : start + size] for start in range(length - size + 1)]
    return terms


_ANALYZERS: dict[str, Callable[[str], list[str]]] = {"word": word_terms, "character": character_terms}


class TermBlock:
    """One vocabulary: TF is 1 + ln(count), times IDF, each row scaled to length one
    (scikit-learn's user guide, "Tf-idf term weighting", with sublinear_tf and smoothing)."""

    def __init__(self, name: str, terms: Sequence[str], idf: FloatArray) -> None:
        if len(terms) != len(idf):
            raise ValueError(f"{name}: {len(terms)} terms and {len(idf)} frequencies")
        self.terms = list(terms)
        self.idf = np.asarray(idf, dtype=np.float32)
        self._analyze = _ANALYZERS[name]
        self._places = {term: place for place, term in enumerate(self.terms)}

    def transform(self, texts: Sequence[str]) -> sparse.csr_matrix:
        """Sparse float32 features, shape (rows, terms)."""
        per_text = [self._analyze(text) for text in texts]
        lengths = np.fromiter(map(len, per_text), dtype=np.int64, count=len(per_text))
        places = np.fromiter(self._look_up(per_text), dtype=np.int64, count=int(lengths.sum()))
        rows = np.repeat(np.arange(len(texts)), lengths)
        known = places >= 0
        # One number for each (row, term), so that a single sort counts the whole batch.
        cells, counts = np.unique(rows[known] * len(self.terms) + places[known], return_counts=True)
        row_of_cell, columns = np.divmod(cells, max(1, len(self.terms)))
        values = (1.0 + np.log(counts)).astype(np.float32) * self.idf[columns]
        values /= self._row_lengths(row_of_cell, values, len(texts))[row_of_cell]
        starts = np.searchsorted(row_of_cell, np.arange(len(texts) + 1))
        return sparse.csr_matrix((values, columns, starts), shape=(len(texts), len(self.terms)))

    def _look_up(self, per_text: list[list[str]]) -> Iterator[int]:
        places = self._places
        return (places.get(term, -1) for term in chain.from_iterable(per_text))

    @staticmethod
    def _row_lengths(rows: NDArray[np.int64], values: NDArray[np.float32], count: int) -> NDArray[np.float32]:
        return np.sqrt(np.bincount(rows, weights=np.square(values), minlength=count)).astype(np.float32)


class TextFeatures:
    """The union of the word block and the character block."""

    def __init__(self, blocks: dict[str, TermBlock]) -> None:
        self._blocks = blocks

    @classmethod
    def fit(cls, texts: Sequence[str]) -> TextFeatures:
        """Features with the vocabulary of `texts`; a block that finds no term in them is left out."""
        found = {name: _fit_block(name, texts) for name, analyze in _ANALYZERS.items() if any(map(analyze, texts))}
        return cls(found)

    @classmethod
    def restore(cls, vocabulary: dict[str, list[str]], idf: dict[str, Any]) -> TextFeatures:
        """Features as `vocabulary` and `idf` describe them. Raises ValueError or KeyError where they disagree."""
        return cls({name: TermBlock(name, terms, idf[name]) for name, terms in vocabulary.items()})

    @property
    def vocabulary(self) -> dict[str, list[str]]:
        """Each block's terms in the order of its columns."""
        return {name: block.terms for name, block in self._blocks.items()}

    @property
    def idf(self) -> dict[str, NDArray[np.float32]]:
        """Each block's inverse document frequencies, one for each term."""
        return {name: block.idf for name, block in self._blocks.items()}

    @property
    def columns(self) -> int:
        """How many terms there are."""
        return sum(len(block.terms) for block in self._blocks.values())

    def transform(self, texts: Sequence[str]) -> sparse.csr_matrix:
        """Sparse float32 features, shape (rows, columns)."""
        if not self._blocks:
            return sparse.csr_matrix((len(texts), 0), dtype=np.float32)
        return sparse.hstack([block.transform(texts) for block in self._blocks.values()], format="csr")

    def scores(self, texts: Sequence[str], coefficients: NDArray[np.float32]) -> NDArray[np.float32]:
        """The features times `coefficients` of shape (columns, classes), shape (rows, classes)."""
        total = np.zeros((len(texts), coefficients.shape[1]), dtype=np.float32)
        begin = 0
        for block in self._blocks.values():
            end = begin + len(block.terms)
            total += block.transform(texts) @ coefficients[begin:end]
            begin = end
        return total


def _fit_block(name: str, texts: Sequence[str]) -> TermBlock:
    vectorizer = TfidfVectorizer(analyzer=_ANALYZERS[name], max_features=MAX_TERMS, sublinear_tf=True)
    vectorizer.fit(texts)
    return TermBlock(name, [str(term) for term in vectorizer.get_feature_names_out()], vectorizer.idf_)
