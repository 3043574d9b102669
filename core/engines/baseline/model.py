"""The floor as a classifier, and its folder: no pickle, and neither torch nor transformers to answer with it.

`vocabulary.json` has the terms, `weights.npz` the planes and whatever else is numbers, `tercet.json` the labels; with
token embeddings, `tokenizer.json` is the tokenizer that they belong to.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from core.domain import FloatArray
from core.engines.baseline.embeddings import TOKENIZER_NAME, TokenEmbeddings
from core.engines.baseline.features import TextFeatures
from core.engines.durable import replaced_folder, write_json
from core.engines.models.card import ModelCard, read_card, write_card
from core.errors import UserError
from core.lazy import load as load_library

VOCABULARY_NAME = "vocabulary.json"
WEIGHTS_NAME = "weights.npz"
RUNTIME = "scikit-learn"


@dataclass(frozen=True, eq=False)
class LinearWeights:
    """One-against-rest hyperplanes: `coefficients` of shape (columns, classes), `intercepts` of shape (classes,)."""

    coefficients: NDArray[np.float32]
    intercepts: NDArray[np.float32]
    temperature: float


@dataclass(frozen=True, eq=False)
class Features:
    """What the planes stand in: TF-IDF terms, then dimensions of averaged token embeddings; either may be absent."""

    terms: TextFeatures | None
    tokens: TokenEmbeddings | None

    @property
    def columns(self) -> int:
        """How many numbers describe a text."""
        return sum(kind.columns for kind in (self.terms, self.tokens) if kind is not None)

    def scores(self, texts: Sequence[str], coefficients: NDArray[np.float32]) -> NDArray[np.float32]:
        """The features times `coefficients` of shape (columns, classes), shape (rows, classes)."""
        total = np.zeros((len(texts), coefficients.shape[1]), dtype=np.float32)
        begin = 0
        for kind in (self.terms, self.tokens):
            if kind is not None:
                total += kind.scores(texts, coefficients[begin : begin + kind.columns])
                begin += kind.columns
        return total

    @property
    def form(self) -> Literal["tfidf_linear", "embedding_linear"]:
        """The format of the folder; with terms beside the embeddings it is the embeddings' one."""
        return "tfidf_linear" if self.tokens is None else "embedding_linear"

    @property
    def architecture(self) -> str:
        """What it is, in words."""
        if self.tokens is None:
            return "LinearSVC on TF-IDF"
        regression = "logistic regression on token embeddings"
        return regression if self.terms is None else "linear models on TF-IDF and token embeddings"


class BaselineClassifier:
    """Satisfies `core.engines.models.Classifier`. `weight_bytes` counts the weights and the vocabulary."""

    runtime = RUNTIME
    device = "CPU, 1 thread"

    def __init__(
        self,
        labels: Sequence[str],
        features: Features,
        weights: LinearWeights,
        weight_bytes: int = 0,
        *,
        multi_label: bool = False,
    ) -> None:
        self.labels = tuple(labels)
        self.weight_bytes = weight_bytes
        table = 0 if features.tokens is None else features.tokens.stored.size
        self.parameters = int(weights.coefficients.size + weights.intercepts.size + table)
        self._features = features
        self._weights = weights
        self._multi_label = multi_label

    def probabilities(self, inputs: Sequence[str]) -> FloatArray:
        """Probabilities calibrated by the temperature, shape (rows, classes), in the order of `inputs`: they add up to
        1, or are each label's own where a row can have several."""
        scores = self.decisions(inputs) / self._weights.temperature
        return np.asarray(0.5 * (1.0 + np.tanh(0.5 * scores))) if self._multi_label else softmax(scores)

    def decisions(self, inputs: Sequence[str]) -> FloatArray:
        """Signed distances to each class's hyperplane, shape (rows, classes)."""
        products = self._features.scores(inputs, self._weights.coefficients)
        return np.asarray(products + self._weights.intercepts, dtype=np.float64)

    def token_counts(self, inputs: Sequence[str]) -> None:
        """Null: the model has terms, not tokens."""
        return

    def save(self, folder: Path) -> None:
        """Write the model folder, whole or not at all. Raises UserError (disk.full)."""
        terms, tokens = self._features.terms, self._features.tokens
        arrays: dict[str, NDArray[np.generic]] = {
            "coefficients": self._weights.coefficients,
            "intercepts": self._weights.intercepts,
            "temperature": np.array(self._weights.temperature, dtype=np.float64),
        }
        if terms is not None:
            arrays.update({f"idf_{name}": values for name, values in terms.idf.items()})
        if tokens is not None:
            arrays.update(embeddings=tokens.stored, token_weights=tokens.weights)
        card = ModelCard(
            format=self._features.form,
            labels=self.labels,
            max_length=0,
            architecture=self._features.architecture,
            parameters=self.parameters,
            multi_label=self._multi_label,
        )
        with replaced_folder(folder, sum(array.nbytes for array in arrays.values())) as partial:
            write_json(partial / VOCABULARY_NAME, {} if terms is None else terms.vocabulary)
            np.savez(partial / WEIGHTS_NAME, allow_pickle=False, **arrays)
            if tokens is not None:
                tokens.save(partial)
            write_card(partial, card)


def load(folder: Path) -> BaselineClassifier:
    """The classifier of a folder that `save` wrote. Raises UserError where a file is missing or broken."""
    card = read_card(folder)
    paths = [folder / VOCABULARY_NAME, folder / WEIGHTS_NAME]
    if card.format == "embedding_linear":
        paths.append(folder / TOKENIZER_NAME)
    try:
        vocabulary = json.loads(paths[0].read_text(encoding="utf-8"))
        with paths[1].open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
            weights = LinearWeights(arrays["coefficients"], arrays["intercepts"], float(arrays["temperature"]))
            idf = {name: arrays[f"idf_{name}"] for name in vocabulary}
            terms = TextFeatures.restore(vocabulary, idf) if vocabulary else None
            tokens = _tokens(paths[2], arrays) if len(paths) > 2 else None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise UserError("baseline.folder_broken", path=str(folder)) from error
    features = Features(terms, tokens)
    if weights.coefficients.shape != (features.columns, len(card.labels)):
        raise UserError("baseline.folder_broken", path=str(folder))
    weight_bytes = sum(path.stat().st_size for path in paths)
    return BaselineClassifier(card.labels, features, weights, weight_bytes, multi_label=card.multi_label)


def _tokens(tokenizer: Path, arrays: Mapping[str, NDArray[np.floating]]) -> TokenEmbeddings:
    """Raises ValueError where a file is no tokenizer, or the arrays do not fit each other."""
    text = tokenizer.read_text(encoding="utf-8")
    try:
        return TokenEmbeddings(
            load_library("tokenizers").Tokenizer.from_str(text), arrays["embeddings"], arrays["token_weights"]
        )
    except (KeyError, ValueError):
        raise
    except Exception as error:  # what the tokenizers library raises for a broken file has no other base
        raise ValueError(str(error)) from error


def softmax(scores: FloatArray) -> FloatArray:
    """Probabilities along the last axis, shifted by the maximum so that nothing overflows."""
    exponentials = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return np.asarray(exponentials / exponentials.sum(axis=-1, keepdims=True), dtype=np.float64)
