"""The floor as a classifier, and its folder: `vocabulary.json`, `weights.npz` and `tercet.json`, no pickle."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.domain import FloatArray
from core.engines.baseline.features import TextFeatures
from core.engines.durable import replaced_folder, write_json
from core.engines.models.card import ModelCard, read_card, write_card
from core.errors import UserError

VOCABULARY_NAME = "vocabulary.json"
WEIGHTS_NAME = "weights.npz"
ARCHITECTURE = "LinearSVC on TF-IDF"
RUNTIME = "scikit-learn"


@dataclass(frozen=True, eq=False)
class LinearWeights:
    """One-against-rest hyperplanes: `coefficients` of shape (columns, classes), `intercepts` of shape (classes,)."""

    coefficients: NDArray[np.float32]
    intercepts: NDArray[np.float32]
    temperature: float


class BaselineClassifier:
    """Satisfies `core.engines.models.Classifier`. `weight_bytes` counts the weights and the vocabulary."""

    runtime = RUNTIME
    device = "CPU, 1 thread"

    def __init__(
        self, labels: Sequence[str], features: TextFeatures, weights: LinearWeights, weight_bytes: int = 0
    ) -> None:
        self.labels = tuple(labels)
        self.weight_bytes = weight_bytes
        self.parameters = int(weights.coefficients.size + weights.intercepts.size)
        self._features = features
        self._weights = weights

    def probabilities(self, inputs: Sequence[str]) -> FloatArray:
        """Probabilities calibrated by the temperature, shape (rows, classes), in the order of `inputs`."""
        return softmax(self.decisions(inputs) / self._weights.temperature)

    def decisions(self, inputs: Sequence[str]) -> FloatArray:
        """Signed distances to each class's hyperplane, shape (rows, classes)."""
        products = self._features.scores(inputs, self._weights.coefficients)
        return np.asarray(products + self._weights.intercepts, dtype=np.float64)

    def token_counts(self, inputs: Sequence[str]) -> None:
        """Null: the model has terms, not tokens."""
        return

    def save(self, folder: Path) -> None:
        """Write the model folder, whole or not at all. Raises UserError (disk.full)."""
        with replaced_folder(folder, self._weights.coefficients.nbytes) as partial:
            write_json(partial / VOCABULARY_NAME, self._features.vocabulary)
            np.savez(
                partial / WEIGHTS_NAME,
                allow_pickle=False,
                coefficients=self._weights.coefficients,
                intercepts=self._weights.intercepts,
                temperature=np.float64(self._weights.temperature),
                **{f"idf_{name}": values for name, values in self._features.idf.items()},
            )
            card = ModelCard(
                format="tfidf_linear",
                labels=self.labels,
                max_length=0,
                architecture=ARCHITECTURE,
                parameters=self.parameters,
            )
            write_card(partial, card)


def load(folder: Path) -> BaselineClassifier:
    """The classifier of a folder that `save` wrote. Raises UserError where a file is missing or broken."""
    card = read_card(folder)
    vocabulary_path, weights_path = folder / VOCABULARY_NAME, folder / WEIGHTS_NAME
    try:
        vocabulary = json.loads(vocabulary_path.read_text(encoding="utf-8"))
        with weights_path.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
            weights = LinearWeights(arrays["coefficients"], arrays["intercepts"], float(arrays["temperature"]))
            features = TextFeatures.restore(vocabulary, {name: arrays[f"idf_{name}"] for name in vocabulary})
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise UserError("baseline.folder_broken", path=str(folder)) from error
    if weights.coefficients.shape != (sum(map(len, vocabulary.values())), len(card.labels)):
        raise UserError("baseline.folder_broken", path=str(folder))
    size = vocabulary_path.stat().st_size + weights_path.stat().st_size
    return BaselineClassifier(card.labels, features, weights, size)


def softmax(scores: FloatArray) -> FloatArray:
    """Probabilities along the last axis, shifted by the maximum so that nothing overflows."""
    exponentials = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return np.asarray(exponentials / exponentials.sum(axis=-1, keepdims=True), dtype=np.float64)
