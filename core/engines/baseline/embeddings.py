"""Texts to averaged token embeddings: what a network knows of words before its first layer, without the network.

The rows of a teacher's input embeddings are averaged over a text's tokens, either plainly or with the weights
a / (a + p) of smooth inverse frequency (Arora, Liang and Ma, "A Simple but Tough-to-Beat Baseline for Sentence
Embeddings", ICLR 2017), after their common mean is taken away, and scaled to length one. Tables that are wider than
`MAX_DIMENSIONS` are turned onto the principal directions of the train texts, as model2vec does it
(github.com/MinishLab/model2vec, "Distillation").

Measured on Banking77 with the embeddings of MiniLM-L6 (30,522 × 384, logistic regression): 90.2 % plainly averaged,
90.6 % with a = 0.03. A frequency p is one of the task, where the telling words are frequent themselves, so the paper's
a = 0.001 of a general corpus costs five points. 256 directions cost 0.1 points, 128 cost 1.6. Without the 28,000 tokens
that no train text has it would be 90.3 %, so that all tokens stay.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from core.domain import IntArray

if TYPE_CHECKING:  # texts alone need no tokenizers library
    from tokenizers import Tokenizer

TOKENIZER_NAME = "tokenizer.json"
MAX_DIMENSIONS = 256
Pooling = Literal["mean", "smooth_inverse_frequency"]
POOLINGS: tuple[Pooling, ...] = ("mean", "smooth_inverse_frequency")
_SMOOTHING = 0.03


class TokenEmbeddings:
    """A table of vectors, one for each token, and each token's weight in the average.

    `vectors` has the shape (tokens, dimensions), `weights` (tokens,). Both count in single precision, whatever is
    stored; on the disk the table is in half precision.
    """

    def __init__(self, tokenizer: Tokenizer, vectors: NDArray[np.floating], weights: NDArray[np.floating]) -> None:
        if vectors.ndim != 2 or weights.shape != (len(vectors),):
            raise ValueError(f"{vectors.shape} vectors and {weights.shape} weights")
        tokenizer.no_padding()
        tokenizer.no_truncation()
        self._tokenizer = tokenizer
        self.stored = vectors.astype(np.float16)
        self.weights = weights.astype(np.float32)
        # What is trained on is what is loaded again: the table as it was stored.
        self._vectors = self.stored.astype(np.float32)

    @property
    def columns(self) -> int:
        """How many numbers describe a text."""
        return int(self.stored.shape[1])

    def transform(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """The averages scaled to length one, shape (rows, columns); zeros for a text without a known token."""
        return _averages(token_counts(self._tokenizer, texts, len(self.stored)), self.weights, self._vectors)

    def scores(self, texts: Sequence[str], coefficients: NDArray[np.float32]) -> NDArray[np.float32]:
        """The features times `coefficients` of shape (columns, classes), shape (rows, classes)."""
        return np.asarray(self.transform(texts) @ coefficients, dtype=np.float32)

    def save(self, folder: Path) -> None:
        """Write the tokenizer; the arrays `stored` and `weights` are the caller's to write."""
        self._tokenizer.save(str(folder / TOKENIZER_NAME), pretty=False)


def fit_embeddings(
    tokenizer: Tokenizer, table: NDArray[np.float32], texts: Sequence[str], pooling: Pooling
) -> TokenEmbeddings:
    """The embeddings of `table`, shape (tokens, width), weighted and turned as `texts` say."""
    counted = token_counts(tokenizer, texts, len(table))
    weights = _weights(counted, pooling)
    centred = table - table.mean(axis=0)
    if centred.shape[1] > MAX_DIMENSIONS:
        centred = centred @ _principal_directions(_averages(counted, weights, centred))
    return TokenEmbeddings(tokenizer, centred, weights)


def _averages(
    counted: sparse.csr_array, weights: NDArray[np.float32], vectors: NDArray[np.float32]
) -> NDArray[np.float32]:
    weighted = counted.copy()
    weighted.data *= weights[weighted.indices]
    return unit_rows(np.asarray(weighted @ vectors, dtype=np.float32))


def _weights(counted: sparse.csr_array, pooling: Pooling) -> NDArray[np.float32]:
    if pooling == "mean":
        return np.ones(counted.shape[1], dtype=np.float32)
    frequencies = np.asarray(counted.sum(axis=0), dtype=np.float64).ravel()
    shares = frequencies / max(1.0, float(frequencies.sum()))
    return np.asarray(_SMOOTHING / (_SMOOTHING + shares), dtype=np.float32)


def _principal_directions(pooled: NDArray[np.float32]) -> NDArray[np.float32]:
    """The directions of the largest second moments, shape (width, MAX_DIMENSIONS), each pointing one certain way."""
    moments = pooled.astype(np.float64).T @ pooled.astype(np.float64)
    directions = np.linalg.eigh(moments)[1][:, ::-1][:, :MAX_DIMENSIONS]
    largest = np.abs(directions).argmax(axis=0)
    signs = np.sign(directions[largest, np.arange(directions.shape[1])])
    return np.asarray(directions * signs, dtype=np.float32)


def token_counts(tokenizer: Tokenizer, texts: Sequence[str], tokens: int) -> sparse.csr_array:
    """How often each token stands in each text, shape (rows, tokens), special ones and unknown ids left out."""
    # One at a time: a batch would be spread over all cores, and the floor is timed on one.
    ids = [tokenizer.encode(text, add_special_tokens=False).ids for text in texts]
    lengths = np.fromiter(map(len, ids), dtype=np.int64, count=len(ids))
    flat: IntArray = np.fromiter((token for row in ids for token in row), dtype=np.int64, count=int(lengths.sum()))
    rows = np.repeat(np.arange(len(texts)), lengths)
    known = flat < tokens
    ones = np.ones(int(known.sum()), dtype=np.float32)
    return sparse.coo_array((ones, (rows[known], flat[known])), shape=(len(texts), tokens)).tocsr()


def unit_rows(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Each row scaled to length one; rows of zeros stay."""
    lengths = np.linalg.norm(values, axis=1, keepdims=True)
    return np.asarray(values / np.where(lengths > 0.0, lengths, 1.0), dtype=np.float32)
